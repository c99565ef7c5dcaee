import { afterEach, describe, expect, test } from "vitest";
import { Deferrer } from "../deferred/support.ts";
import { type Call, send } from "../support/client.ts";
import { type Handler, Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";

let sluice: Sluice;
let origins: Origin[] = [];
afterEach(async () => {
  await sluice.stop();
  await Promise.all(origins.map((origin) => origin.stop()));
});

const NAMES = ["web-1", "web-2", "web-3", "web-4"];

/** Four servers, each of which answers with its name. */
async function start(keys: Record<string, unknown> = {}): Promise<void> {
  origins = await Promise.all(NAMES.map((name) => Origin.start(answers(name))));
  const servers = origins.map(({ url }, n) => ({ name: NAMES[n], url }));
  sluice = await Sluice.start({ pools: { web: { balance: "hash:header:x-session", servers, ...keys } } });
}

function answers(name: string): Handler {
  return (request, response) => {
    request.resume();
    request.on("end", () => response.end(name));
  };
}

async function serverFor(call: Call): Promise<string> {
  const { status, body } = await send(sluice.url, call);
  return status === 200 ? String(body) : `${status}`;
}

const session = (n: number | string): Call => ({ headers: { "X-Session": `s${n}` } });
const SESSIONS = Array.from({ length: 12 }, (_, n) => session(n));
const ofSessions = async () => {
  const servers: string[] = [];
  for (const call of SESSIONS) servers.push(await serverFor(call));
  return servers;
};

describe("requests of the same key go to the same server:", () => {
  test.each<[string, (n: number) => Call]>([
    ["hash:header:x-session", session],
    ["hash:cookie:sid", (n) => ({ headers: { Cookie: `a=b; sid=${n}` } })],
    ["hash:query:k", (n) => ({ path: `/?x=${Math.random()}&k=${n}` })],
    ["hash:path", (n) => ({ path: `/${n}?x=${Math.random()}` })],
  ])("%s", async (balance, callOf) => {
    await start({ balance });
    const servers = new Set<string>();
    for (let n = 0; n < 12; n++) {
      const own = await serverFor(callOf(n));
      expect(NAMES).toContain(own);
      for (let again = 0; again < 3; again++) expect(await serverFor(callOf(n))).toBe(own);
      servers.add(own);
    }
    expect(servers.size).toBeGreaterThan(1);
  });
});

test("those of other keys stay when a server is taken out, and its own come back to it, through a restart", async () => {
  await start();
  const before = await ofSessions();
  const out = before[0] as string;
  await sluice.admin("PATCH", `/api/pools/web/servers/${out}`, { weight: 0 });
  const meanwhile = await ofSessions();
  expect(meanwhile).not.toContain(out);
  expect(meanwhile.filter((name, n) => name !== before[n])).toHaveLength(
    before.filter((name) => name === out).length,
  );
  await sluice.crash("web");
  expect(await ofSessions()).toEqual(meanwhile);
  await sluice.admin("PATCH", `/api/pools/web/servers/${out}`, { weight: 1 });
  expect(await ofSessions()).toEqual(before);
});

test("one whose server is busy goes to another at once, and one that its server fails to another, too", async () => {
  await start({ quarantine: { broken: "0s" } });
  const own = await serverFor(session(0));
  const origin = origins[NAMES.indexOf(own)] as Origin;
  origin.answer = null;
  const held = send(sluice.url, session(0)).catch(() => null);
  const { response } = await origin.arrival();
  const next = await serverFor(session(0));
  expect(NAMES.filter((name) => name !== own)).toContain(next);
  response.end(own);
  await held;
  await sluice.until("web", ({ inFlight }) => inFlight === 0);
  origin.answer = (request) => void request.socket.destroy();
  expect(await serverFor(session(0))).toBe(next);
});

test("a deferred request goes to its key's server, though the pool restarts while it waits", async () => {
  await start({ deferred: {}, slots: SESSIONS.length });
  const before = await ofSessions();
  await sluice.drain("web");
  const client = new Deferrer(() => sluice);
  const ids: string[] = [];
  for (const { headers = {} } of SESSIONS) ids.push(await client.defer("/", { headers }));
  await sluice.crash("web");
  await sluice.resume("web");
  const after: string[] = [];
  for (const id of ids) {
    await client.ended(id);
    after.push(String((await client.response(id)).body));
  }
  expect(after).toEqual(before);
});

test("neither the log nor the pool's snapshot has the value", async () => {
  await start();
  expect(NAMES).toContain(await serverFor(session("ecret-value")));
  const line = await sluice.logged(() => true);
  expect(JSON.stringify(line)).not.toContain("ecret-value");
  expect(JSON.stringify(await sluice.snapshot("web"))).not.toContain("ecret-value");
});
