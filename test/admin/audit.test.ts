import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { AuditList } from "../../src/admin/audit.ts";
import { Deferrer } from "../deferred/support.ts";
import type { CrashPlan } from "../support/crash-at.ts";
import { Sluice, TOKEN } from "../support/sluice.ts";
import { BEARER, IDLE_POOLS, problemOf, stage as stageWith } from "./support.ts";

const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const servers = [{ name: "web-1", url: "http://127.0.0.1:9" }];

const tokenOf = (name: string) => `the-token-of-${name}-which-is-long`;
const entry = (name: string, may: string[], pools?: string[]) => [
  name,
  { sha256: createHash("sha256").update(tokenOf(name)).digest("hex"), may, ...(pools ? { pools } : {}) },
];
const TOKENS = JSON.stringify(
  Object.fromEntries([
    entry("ci", ["look", "drain"], ["web"]),
    entry("prometheus", ["look"]),
    entry("jane", ["*"]),
    entry("joe", ["deferred"]),
  ]),
);

const stage = (keys: Record<string, unknown> = {}) => stageWith(keys, { texts: { ADMIN_TOKENS: TOKENS } });

interface Asking {
  as?: string;
  from?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

function ask(
  sluice: Sluice,
  route: string,
  { as, from, body, headers = {} }: Asking = {},
): Promise<Response> {
  const [method = "", path = ""] = route.split(" ");
  return fetch(`${sluice.url}/_sluice/api${path}`, {
    method,
    headers: {
      ...(as === undefined ? BEARER : { Authorization: `Bearer ${tokenOf(as)}` }),
      "User-Agent": "a test",
      ...(from === undefined ? {} : { "CF-Connecting-IP": from }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function listed(sluice: Sluice, query = "", as?: string): Promise<AuditList> {
  const response = await ask(sluice, `GET /audit${query}`, as === undefined ? {} : { as });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as AuditList;
}

/** Without what no test decides: times and numbers. */
async function changes(sluice: Sluice): Promise<object[]> {
  return (await listed(sluice)).changes.map(({ id, at, until, ...change }) => change).reverse();
}

/** By `admin`, with ADMIN_TOKEN, from nowhere that is known. */
const ADMIN = { by: "admin", via: "admin-token", address: null, agent: "a test" };
const WEB = "/pools/web";

/** Has done it and been answered so, and then nothing else is in the audit and the log. */
async function expectAlone(
  sluice: Sluice,
  asked: object,
  answer: string,
  who: object = ADMIN,
): Promise<void> {
  const change = { pool: "web", ...who, ...asked, answer };
  expect(await changes(sluice)).toEqual([change]);
  // Who frees a slot does not say of which server.
  const { server, ...logged } = change as typeof change & { server?: string };
  await expect.poll(() => sluice.audits).toEqual(["lease" in asked ? logged : change]);
}

/** A line of the log comes a moment after its answer, and lines come in order: the first is that of what is done now. */
async function expectNothingBefore(sluice: Sluice): Promise<void> {
  expect(await changes(sluice)).toEqual([]);
  await ask(sluice, `POST ${WEB}/drain`);
  await expect.poll(() => sluice.audits).toMatchObject([{ act: "drain", answer: "done" }]);
}

describe("each change is in the audit and the log, with what was asked for:", () => {
  test("a drain", async () => {
    const { sluice } = await stage();
    const body = { owner: "deploy-42", reason: "v2", expires: "15m" };
    expect((await ask(sluice, `POST ${WEB}/drain`, { body })).status).toBe(200);
    const asked = { act: "drain", owner: "deploy-42", reason: "v2", expiresMs: 900_000 };
    await expectAlone(sluice, asked, "done");
  });

  test("a stop", async () => {
    const { sluice } = await stage();
    const body = { owner: "move", message: "Back at nine.", expires: "15m", cut: "30s" };
    expect((await ask(sluice, `POST ${WEB}/stop`, { body })).status).toBe(200);
    const asked = { act: "stop", owner: "move", message: "Back at nine.", expiresMs: 900_000, cutMs: 30_000 };
    await expectAlone(sluice, asked, "done");
  });

  test("a resume", async () => {
    const { sluice } = await stage();
    await ask(sluice, `POST ${WEB}/drain`);
    await ask(sluice, `POST ${WEB}/resume`);
    const drain = { pool: "web", ...ADMIN, act: "drain", owner: "admin", answer: "done" };
    expect(await changes(sluice)).toEqual([drain, { ...drain, act: "resume" }]);
    await expect.poll(() => sluice.audits).toEqual([drain, { ...drain, act: "resume" }]);
  });

  test("a server's", async () => {
    const { sluice } = await stage();
    const body = { state: "drain", slots: 2, weight: null, ifState: "ready", owner: "roll-42" };
    const sent = { ...body, cut: "30s" };
    expect((await ask(sluice, `PATCH ${WEB}/servers/web-1`, { body: sent })).status).toBe(200);
    await expectAlone(sluice, { act: "change-server", server: "web-1", ...body, cutMs: 30_000 }, "done");
  });

  test("a slot that is freed by hand, with its server", async () => {
    const { sluice, origin } = await stage();
    const request = fetch(sluice.url);
    const { response } = await origin.arrival();
    const lease = (await sluice.snapshot("web")).servers[0]?.leases[0]?.id;
    expect((await ask(sluice, `DELETE ${WEB}/leases/${lease}`)).status).toBe(200);
    await expectAlone(sluice, { act: "free-slot", lease, server: "web-1" }, "done");
    response.end();
    await (await request).text();
  });

  test("a deferred request's, by its number and never by its id", async () => {
    const { sluice, origin } = await stage({ deferred: {}, quarantine: { broken: "1ms" } });
    const ids = [];
    origin.answer = (request) => request.socket.destroy();
    ids.push(await failed(sluice));
    ids.push(await failed(sluice));
    origin.answer = null;
    for (const act of [`POST ${WEB}/deferred/${ids[0]}/retry`, `DELETE ${WEB}/deferred/${ids[1]}`])
      expect((await ask(sluice, act)).ok).toBe(true);
    await origin.arrival();
    await ask(sluice, `DELETE ${WEB}/deferred/${ids[0]}?forget=false`);
    await ask(sluice, `POST ${WEB}/deferred/${ids[0]}/retry`);
    const who = { pool: "web", ...ADMIN };
    const told = [
      { ...who, act: "retry-deferred", number: 1, answer: "done" },
      { ...who, act: "cancel-deferred", number: 2, forget: true, answer: "done" },
      { ...who, act: "cancel-deferred", number: 3, answer: "done" },
      { ...who, act: "retry-deferred", number: 3, answer: "not-failed" },
    ];
    expect(await changes(sluice)).toEqual(told);
    await expect.poll(() => sluice.audits).toEqual(told);
    const everything = JSON.stringify(await listed(sluice)) + sluice.output.join("\n");
    for (const id of ids) {
      expect(everything).not.toContain(id);
      expect(everything).not.toContain(id.slice(64));
    }
  });
});

test("an act on a deferred request is done and in the log, though its pool cannot be told", async () => {
  const { sluice, origin } = await stage({ deferred: {}, quarantine: { broken: "1ms" } });
  origin.answer = (request) => request.socket.destroy();
  const id = await failed(sluice);
  const headers = { "x-test-pool": "overloaded" };
  expect((await ask(sluice, `DELETE ${WEB}/deferred/${id}`, { headers })).status).toBe(204);
  await expect
    .poll(() => sluice.audits)
    .toMatchObject([{ act: "cancel-deferred", number: 1, answer: "done" }]);
  expect(await changes(sluice)).toEqual([]);
  expect((await sluice.snapshot("web")).deferred?.failed).toBe(0);
});

test("an act on a deferred request is told to its pool, though whoever asked for it has left", async () => {
  const { sluice } = await stage({ deferred: {}, quarantine: { broken: "1ms" } });
  await sluice.drain("web");
  const id = await new Deferrer(() => sluice).defer("/waits", { method: "POST" });
  // The pool hears that it is canceled, and the request's object waits for the answer.
  await sluice.answerLate(1_500);
  const canceled = fetch(`${sluice.leaverUrl}/_sluice/api${WEB}/deferred/${id}`, {
    method: "DELETE",
    headers: { ...BEARER, "x-leave-after": "told" },
  });
  await sluice.until("web", ({ deferred }) => deferred?.queued === 0);
  await sluice.tellLeavers();
  await canceled;
  await expect
    .poll(() => changes(sluice), { timeout: 10_000 })
    .toMatchObject([{ act: "drain" }, { act: "cancel-deferred", number: 1, answer: "done" }]);
  await expect.poll(() => sluice.audits.at(-1)).toMatchObject({ act: "cancel-deferred", answer: "done" });
});

/** Resolves with the id of a deferred request once the pool has heard of its failure. */
async function failed(sluice: Sluice): Promise<string> {
  const before = (await sluice.snapshot("web")).deferred?.failed ?? 0;
  const id = await new Deferrer(() => sluice).defer("/breaks", { method: "POST" });
  await sluice.until("web", ({ deferred }) => deferred?.failed === before + 1);
  return id;
}

describe("so is each attempt, with the refusal's code:", () => {
  const HELD = { owner: "deploy-42" };

  test.each<[string, string, object | undefined, object, string, number]>([
    ["a drain", `POST ${WEB}/drain`, { owner: "x" }, { act: "drain", owner: "x" }, "drain-held", 409],
    ["a stop", `POST ${WEB}/stop`, { owner: "x" }, { act: "stop", owner: "x" }, "drain-held", 409],
    ["a resume", `POST ${WEB}/resume`, { owner: "x" }, { act: "resume", owner: "x" }, "drain-held", 409],
    [
      "a server in another state",
      `PATCH ${WEB}/servers/web-1`,
      { state: "ready", ifState: "maint" },
      { act: "change-server", server: "web-1", state: "ready", ifState: "maint" },
      "state-changed",
      409,
    ],
    [
      "an unknown server",
      `PATCH ${WEB}/servers/web-2`,
      { slots: 2 },
      { act: "change-server", server: "web-2", slots: 2 },
      "unknown-server",
      404,
    ],
    [
      "an unknown lease",
      `DELETE ${WEB}/leases/x`,
      undefined,
      { act: "free-slot", lease: "x" },
      "unknown-lease",
      404,
    ],
    [
      "an unknown request",
      `DELETE ${WEB}/deferred/none?forget=false`,
      undefined,
      { act: "cancel-deferred" },
      "unknown-request",
      404,
    ],
  ])("%s", async (_, route, body, asked, answer, status) => {
    const { sluice } = await stage();
    await sluice.drain("web", HELD);
    const response = await ask(sluice, route, { ...(body ? { body } : {}), as: "jane" });
    await problemOf(response, status, answer);
    const told = { pool: "web", ...ADMIN, by: "jane", via: "token", ...asked, answer };
    expect((await changes(sluice)).at(-1)).toEqual(told);
    await expect.poll(() => sluice.audits.at(-1)).toEqual(told);
  });

  test("somebody else's drain, by one who may drain and not force", async () => {
    const { sluice } = await stage();
    await sluice.drain("web", HELD);
    const response = await ask(sluice, `POST ${WEB}/resume`, { as: "ci", body: { force: true } });
    await problemOf(response, 403, "forbidden");
    const told = {
      pool: "web",
      ...ADMIN,
      by: "ci",
      via: "token",
      act: "resume",
      owner: "ci",
      force: true,
      answer: "forbidden",
    };
    expect((await changes(sluice)).at(-1)).toEqual(told);
    await expect.poll(() => sluice.audits.slice(1)).toEqual([told]);
  });

  test("what there was nothing to do for", async () => {
    const { sluice } = await stage();
    await ask(sluice, `POST ${WEB}/drain`, { body: { extend: true } });
    await ask(sluice, `POST ${WEB}/resume`);
    const told = { pool: "web", ...ADMIN, owner: "admin", answer: "nothing" };
    expect(await changes(sluice)).toEqual([
      { ...told, act: "drain", extend: true },
      { ...told, act: "resume" },
    ]);
  });

  test("a path as long as it likes, cut to the length of a name", async () => {
    const { sluice } = await stage();
    const id = "ab".repeat(48);
    for (const route of [`DELETE ${WEB}/leases/${id}`, `PATCH ${WEB}/servers/${id}`])
      await ask(sluice, route, { body: { slots: 1 } });
    const cut = id.slice(0, 63);
    expect(await changes(sluice)).toMatchObject([{ lease: cut }, { server: cut }]);
    await expect.poll(() => sluice.audits).toMatchObject([{ lease: cut }, { server: cut }]);
    expect(JSON.stringify(await listed(sluice)) + sluice.output.join()).not.toContain(id.slice(0, 64));
  });
});

test("a request that asks for no change of a server is none: a roll has idle servers checked so", async () => {
  const { sluice } = await stage();
  for (const body of [{}, { owner: "roll-42" }, { ifState: "maint" }])
    await ask(sluice, `PATCH ${WEB}/servers/web-1`, { body });
  await expectNothingBefore(sluice);
});

describe("where it came from", () => {
  test("is the client's address and program, shortened, and who signed in how", async () => {
    const { sluice } = await stage();
    const agent = { "User-Agent": `curl ${"x".repeat(200)}` };
    await ask(sluice, `POST ${WEB}/drain`, { as: "ci", from: "2001:db8::7", headers: agent });
    const basic = { Authorization: `Basic ${Buffer.from(`zoë:${TOKEN}`).toString("base64")}` };
    await ask(sluice, `PATCH ${WEB}/servers/web-1`, {
      body: { weight: 3 },
      from: "192.0.2.9",
      headers: basic,
    });
    expect(await changes(sluice)).toMatchObject([
      { by: "ci", via: "token", address: "2001:db8::7", agent: agent["User-Agent"].slice(0, 100) },
      { by: "zoë", via: "admin-token", address: "192.0.2.9", agent: "a test" },
    ]);
  });

  test("is no more of an address than one has, where no platform says who the client is", async () => {
    const { sluice } = await stage();
    await ask(sluice, `POST ${WEB}/drain`, { from: "2".repeat(10_000) });
    expect(await changes(sluice)).toMatchObject([{ address: "2".repeat(45) }]);
  });

  test("is nobody's word: text of a client is text, in one line of the log", async () => {
    const { sluice } = await stage();
    const reason = '"}\n{"requestId":"forged"}\u0000 密 <b>';
    await ask(sluice, `POST ${WEB}/drain`, { body: { reason, owner: "__proto__" } });
    expect(await changes(sluice)).toMatchObject([{ reason, owner: "__proto__" }]);
    await expect.poll(() => sluice.audits).toMatchObject([{ reason, owner: "__proto__" }]);
    expect(sluice.log).toEqual([]);
  });
});

describe("a right that is missing", () => {
  test("is a line in the log, with the route and without what the path names; no pool hears of it", async () => {
    const { sluice } = await stage();
    const id = "ab".repeat(48);
    await ask(sluice, `POST ${WEB}/drain`, { as: "prometheus", body: { owner: "x" }, from: "192.0.2.1" });
    await ask(sluice, `DELETE ${WEB}/deferred/${id}`, { as: "prometheus" });
    await ask(sluice, "GET /pools/other/events", { as: "ci" });
    await ask(sluice, "GET /pools", { as: "joe" });
    await ask(sluice, "GET /audit?pool=other", { as: "ci" });
    expect((await listed(sluice)).changes).toEqual([]);
    const who = { ...ADMIN, by: "prometheus", via: "token", answer: "forbidden" };
    await expect
      .poll(() => sluice.audits)
      .toEqual([
        {
          ...who,
          address: "192.0.2.1",
          pool: "web",
          route: "POST /_sluice/api/pools/:pool/drain",
          right: "drain",
        },
        { ...who, pool: "web", route: "DELETE /_sluice/api/pools/:pool/deferred/:id", right: "deferred" },
        { ...who, by: "ci", pool: "other", route: "GET /_sluice/api/pools/:pool/events", right: "look" },
        { ...who, by: "joe", route: "GET /_sluice/api/pools", right: "look" },
        { ...who, by: "ci", pool: "other", route: "GET /_sluice/api/audit", right: "look" },
      ]);
    expect(sluice.output.join("\n")).not.toContain(id);
  });

  test("so is a change that another site makes a browser send", async () => {
    const { sluice } = await stage();
    const headers = { "Sec-Fetch-Site": "cross-site" };
    await problemOf(await ask(sluice, `POST ${WEB}/drain`, { headers }), 403, "forbidden");
    expect(await changes(sluice)).toEqual([]);
    await expect
      .poll(() => sluice.audits)
      .toEqual([{ ...ADMIN, route: "POST /_sluice/api/pools/:pool/drain", answer: "forbidden" }]);
  });

  test("is not that nobody has signed in, nor that the request is no valid one: these are neither", async () => {
    const { sluice } = await stage();
    const wrong = { Authorization: "Bearer none-of-the-tokens-there-are" };
    await problemOf(await ask(sluice, `POST ${WEB}/drain`, { headers: wrong }), 401, "unauthorized");
    await problemOf(await ask(sluice, `POST ${WEB}/drain`, { body: { wait: 1 } }), 400, "invalid-request");
    await problemOf(await ask(sluice, "POST /pools/none/drain"), 404, "unknown-pool");
    await expectNothingBefore(sluice);
  });

  test("and no line has a token", async () => {
    const { sluice } = await stage();
    await ask(sluice, `POST ${WEB}/drain`, { as: "ci" });
    await ask(sluice, `POST ${WEB}/drain`, { as: "prometheus" });
    await expect.poll(() => sluice.audits).toHaveLength(2);
    expect(sluice.output.join("\n")).not.toMatch(/the-token-of|Bearer/);
  });
});

describe("the audit is durable:", () => {
  test("it is all there after the pool's object has crashed, and after the whole runtime has", async () => {
    const pools = IDLE_POOLS;
    let sluice = await Sluice.start({ pools });
    await ask(sluice, `POST ${WEB}/drain`, { body: { owner: "deploy-42" } });
    await ask(sluice, `DELETE ${WEB}/leases/none`);
    const before = await listed(sluice);
    await sluice.crash("web");
    expect(await listed(sluice)).toEqual(before);
    await ask(sluice, `POST ${WEB}/resume`, { body: { owner: "deploy-42" } });
    const [latest, ...others] = (await listed(sluice)).changes;
    expect([latest?.id, others]).toEqual([3, before.changes]);
    const folder = await sluice.stopKeepingStorage();
    sluice = await Sluice.start({ pools, folder });
    onTestFinished(() => sluice.stop());
    expect((await listed(sluice)).changes).toEqual([latest, ...others]);
  });

  describe("where the object crashes at any of the writes of a change, there are", () => {
    const MOST_WRITES = 10;
    const CASES = (["before", "after"] as const).flatMap((when) =>
      (["drain", "stop", "changeServer"] as const).flatMap((call) =>
        Array.from({ length: MOST_WRITES }, (_, n) => ({
          when,
          call,
          write: n + 1,
          pool: `${call}-${when}-${n + 1}`,
        })),
      ),
    );
    let sluice: Sluice;
    beforeAll(async () => {
      const pools = CASES.map(({ pool }) => [pool, { hosts: [`${pool.toLowerCase()}.test`], servers }]);
      sluice = await Sluice.start({ pools: Object.fromEntries(pools) });
    });
    afterAll(() => sluice.stop());

    const plan = (pool: string, init: RequestInit = {}) =>
      fetch(`${sluice.url}/__test/crash-at/${pool}`, init);

    test("both the change and its entry, or neither", async () => {
      const seen = await Promise.all(
        CASES.map(async ({ when, call, write, pool }) => {
          await sluice.snapshot(pool);
          await plan(pool, { method: "PUT", body: JSON.stringify({ of: "pool", write, when }) });
          const act = { ...ADMIN, id: crypto.randomUUID() };
          const given = {
            drain: [{ owner: "ci", reason: null, expiresMs: null }, act],
            stop: [{ owner: "ci", message: "Moving.", expiresMs: null, cutMs: 0 }, act],
            changeServer: ["web-1", { patch: { state: "maint" } }, act],
          }[call];
          const body = JSON.stringify({ call, given });
          await fetch(`${sluice.url}/__test/once/${pool}`, { method: "POST", body });
          const { hasCrashed } = (await (await plan(pool)).json()) as CrashPlan;
          const { drain, servers } = await sluice.snapshot(pool);
          const isDone = drain !== null || servers[0]?.state === "maint";
          const entries = (await listed(sluice, `?pool=${pool}`)).changes.length;
          return { pool, hasCrashed, isDone, entries };
        }),
      );
      expect(seen.filter(({ isDone, entries }) => entries !== Number(isDone))).toEqual([]);
      const crashed = seen.filter(({ hasCrashed }) => hasCrashed);
      expect(crashed.some(({ isDone }) => isDone) && crashed.some(({ isDone }) => !isDone)).toBe(true);
      // Beyond the last write there is none to crash at: all of them were tried.
      expect(seen.filter(({ pool, hasCrashed }) => pool.endsWith(`-${MOST_WRITES}`) && hasCrashed)).toEqual(
        [],
      );
    });
  });

  test("a call that was repeated, as its answer was lost in a crash, is one entry and one line", async () => {
    const { sluice } = await stage();
    await sluice.snapshot("web");
    const body = JSON.stringify({ of: "pool", write: 1, when: "after" });
    await fetch(`${sluice.url}/__test/crash-at/web`, { method: "PUT", body });
    expect((await ask(sluice, `POST ${WEB}/drain`)).status).toBe(200);
    const told = { pool: "web", ...ADMIN, act: "drain", owner: "admin", answer: "done" };
    expect(await changes(sluice)).toEqual([told]);
    await expect.poll(() => sluice.audits).toEqual([told]);
  });

  test("so is a slot's that was freed, though there is no such lease any more when the call is repeated", async () => {
    const { sluice, origin } = await stage();
    const request = fetch(sluice.url);
    const { response } = await origin.arrival();
    const lease = (await sluice.snapshot("web")).servers[0]?.leases[0]?.id;
    const body = JSON.stringify({ of: "pool", write: 1, when: "after" });
    await fetch(`${sluice.url}/__test/crash-at/web`, { method: "PUT", body });
    expect((await ask(sluice, `DELETE ${WEB}/leases/${lease}`)).status).toBe(200);
    await expectAlone(sluice, { act: "free-slot", lease, server: "web-1" }, "done");
    response.end();
    await (await request).text();
  });

  test("a client that leaves while its drain waits for what is in flight has left its entry and its line", async () => {
    const { sluice, origin } = await stage();
    const request = fetch(sluice.url);
    const { response } = await origin.arrival();
    const drain = fetch(`${sluice.leaverUrl}/_sluice/api${WEB}/drain`, {
      method: "POST",
      headers: { ...BEARER, "x-leave-after": "told" },
      body: '{"wait":"1h"}',
    });
    await sluice.until("web", ({ state }) => state === "draining");
    await sluice.tellLeavers();
    await drain;
    await expect.poll(() => sluice.audits).toMatchObject([{ act: "drain", answer: "done" }]);
    expect(await changes(sluice)).toMatchObject([{ act: "drain", answer: "done" }]);
    response.end();
    await (await request).text();
  });
});

describe("a drain that is extended", () => {
  test("is one entry, that says how often and until when, and a line each time", async () => {
    const { sluice } = await stage();
    const body = { owner: "deploy-42", expires: "2m" };
    await ask(sluice, `POST ${WEB}/drain`, { body });
    for (let n = 0; n < 4; n++) await ask(sluice, `POST ${WEB}/drain`, { body: { ...body, extend: true } });
    await ask(sluice, `POST ${WEB}/resume`, { body: { owner: "deploy-42" } });
    const [resume, drain] = (await listed(sluice)).changes;
    expect(resume).toMatchObject({ id: 2, act: "resume" });
    expect(drain).toMatchObject({ id: 1, act: "drain", expiresMs: 120_000, count: 5, at: ISO, until: ISO });
    expect(drain?.until && drain.until >= drain.at).toBe(true);
    await expect.poll(() => sluice.audits).toHaveLength(6);
    await sluice.crash("web");
    expect((await listed(sluice)).changes).toEqual([resume, drain]);
  });
});

test("a thousand and first change drops the first", async () => {
  const { sluice } = await stage();
  const set = (weight: number) => ask(sluice, `PATCH ${WEB}/servers/web-1`, { body: { weight } });
  for (let n = 0; n < 1_001; n += 13)
    await Promise.all(Array.from({ length: Math.min(13, 1_001 - n) }, (_, m) => set(((n + m) % 250) + 2)));
  const { changes: kept, next } = await listed(sluice, "?limit=1000");
  expect([kept.length, next, kept[0]?.id, kept.at(-1)?.id]).toEqual([1_000, null, 1_001, 2]);
  await sluice.crash("web");
  expect((await listed(sluice, "?limit=1000")).changes).toEqual(kept);
});

describe("the list of several pools", () => {
  const names = ["web", "api", "other"];
  const POOLS = Object.fromEntries(names.map((name) => [name, { hosts: [`${name}.test`], servers }]));
  let sluice: Sluice;
  beforeAll(async () => {
    sluice = await Sluice.start({ pools: POOLS, texts: { ADMIN_TOKENS: TOKENS } });
    for (let n = 0; n < 4; n++)
      await Promise.all(names.map((name) => ask(sluice, `DELETE /pools/${name}/leases/${n}`)));
  });
  afterAll(() => sluice.stop());

  const named = ({ changes: found }: AuditList) => found.map(({ pool, lease }) => `${pool} ${lease}`);

  test("is one, newest first", async () => {
    const { changes: found, next, unreachable } = await listed(sluice);
    expect([found.length, next, unreachable]).toEqual([12, null, []]);
    expect(found.map(({ at }) => at)).toEqual(
      found
        .map(({ at }) => at)
        .sort()
        .reverse(),
    );
    for (const name of names)
      expect(found.filter(({ pool }) => pool === name).map(({ lease }) => lease)).toEqual([
        "3",
        "2",
        "1",
        "0",
      ]);
  });

  test.each([1, 5, 12])("comes in pages of %i, which miss and repeat nothing", async (limit) => {
    const whole = named(await listed(sluice));
    const pages: string[] = [];
    let sizes = 0;
    for (let before: string | null = ""; before !== null; ) {
      const page: AuditList = await listed(
        sluice,
        `?limit=${limit}${before === "" ? "" : `&before=${before}`}`,
      );
      pages.push(...named(page));
      before = page.next;
      sizes++;
    }
    expect(pages).toEqual(whole);
    expect(sizes).toBe(Math.ceil(12 / limit));
  });

  test("has one pool alone, if it is asked for", async () => {
    expect(named(await listed(sluice, "?pool=api&limit=2"))).toEqual(["api 3", "api 2"]);
    await problemOf(await ask(sluice, "GET /audit?pool=none"), 404, "unknown-pool");
  });

  test("has those pools only that one may look at", async () => {
    const { changes: found } = await listed(sluice, "", "ci");
    expect(new Set(found.map(({ pool }) => pool))).toEqual(new Set(["web"]));
    for (const pool of ["other", "none"])
      await problemOf(await ask(sluice, `GET /audit?pool=${pool}`, { as: "ci" }), 403, "forbidden");
  });

  test.each(["limit=0", "limit=1001", "before=5", "before=a-b-web", "pools=web"])(
    "says what is wrong with a query: %s",
    async (query) => {
      const { detail } = await problemOf(await ask(sluice, `GET /audit?${query}`), 400, "invalid-request");
      expect(detail).toContain(`query.${query.split("=")[0]}`);
    },
  );

  test("names the pools that do not answer, and is 503 where none does", async () => {
    await sluice.losePool("other");
    const { changes: found, unreachable } = await listed(sluice);
    expect([found.length, unreachable]).toEqual([8, ["other"]]);
    await problemOf(await ask(sluice, "GET /audit?pool=other"), 503, "pool-unavailable");
    await problemOf(await ask(sluice, "POST /pools/other/resume"), 503, "pool-unavailable");
    await expect
      .poll(() => sluice.audits.at(-1))
      .toMatchObject({ pool: "other", act: "resume", answer: "pool-unavailable" });
    await sluice.findPool("other");
    expect((await listed(sluice)).changes).toHaveLength(12);
  });
});
