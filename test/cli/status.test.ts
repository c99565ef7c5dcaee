import { createHash } from "node:crypto";
import { describe, expect, onTestFinished, test } from "vitest";
import { send } from "../support/client.ts";
import { Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";
import { timeless } from "../support/snapshots.ts";
import { Run } from "./command.ts";
import { stage } from "./stage.ts";

async function status(url: string, ...args: string[]) {
  const run = new Run(["status", ...args], { url });
  const code = await run.code;
  return { code, stdout: run.stdout, stderr: run.stderr };
}

/** A server that does not answer. */
const NEVER_MS = 60_000;

/** Without colours, as in a pipe. */
function lines(...all: string[]): string {
  return `${all.join("\n")}\n`;
}

describe("sluice status", () => {
  test("shows every pool, a line each", async () => {
    const { sluice } = await stage(2);
    expect(await status(sluice.url)).toEqual({
      code: 0,
      stdout: lines(
        "POOL  STATE    IN FLIGHT  QUARANTINED    QUEUED  OLDEST  TIME LEFT  SERVERS",
        "web   running        0/2            0  0/100000       –          –      2/2",
      ),
      stderr: "",
    });
  });

  test("shows one pool, and its servers, a line each", async () => {
    const { sluice, servers } = await stage(2);
    await sluice.admin("PATCH", "/api/pools/web/servers/web-1", { state: "maint", weight: 20 });
    const { code, stdout, stderr } = await status(sluice.url, "web");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout.split("\n")).toEqual([
      "web  running  0 of 2 slots in flight · nobody queued",
      expect.stringMatching(/^waiting 0 of 100,000 · arrivals (–|0\/s) · grants (–|0\/s)$/),
      "waited  p50 – · p95 – · p99 –",
      "served  p50 – · p95 – · p99 –",
      "",
      "SERVER  STATE  HEALTH     IN FLIGHT  QUARANTINED  LONGEST             WEIGHT  URL",
      `web-0   ready  unchecked        0/1            0        –                  1  ${servers[0]?.url}`,
      `web-1   maint  unchecked        0/1            0        –  20 (configured 1)  ${servers[1]?.url}`,
      "",
    ]);
  });

  test("shows what is in flight, how long the oldest waits, and who drains the pool and why", async () => {
    const pool = await stage(1, NEVER_MS);
    for (const answer of await pool.sendInOrder(1)) answer.catch(() => {});
    await pool.sluice.drain("web", { owner: "Ann", reason: "new disks", expires: "10m" });
    pool.client.get("/waits").catch(() => {});
    await pool.sluice.until("web", ({ queued }) => queued === 1);
    const { stdout } = await status(pool.sluice.url, "web");
    const [head, drained, left, ...rest] = stdout.split("\n");
    expect(head).toMatch(/^web {2}draining {2}1 of 1 slots in flight · 1 queued, the oldest for [\d.]+ s$/);
    expect(drained).toMatch(
      /^drained by "Ann" of "admin" \("new disks"\) since (\S+ )?\d\d:\d\d:\d\d, ends by itself in (10|9) min( \d+ s)?$/,
    );
    expect(left).toMatch(
      /^time left: (10 min|9 min \d+ s), then the (oldest request is refused \(queue_timeout\)|drain ends by itself)$/,
    );
    expect(rest.find((line) => line.startsWith("web-0"))).toMatch(
      /^web-0 +ready +unchecked +1\/1 +0 +[\d.]+ s +1 /,
    );
  });

  test("shows below the servers of a pool with flows who waits longest, by the hash in the log", async () => {
    const { sluice } = await stage(1, 20, { flow: "header:x-api-key" });
    await sluice.drain("web");
    const of = (key: string) => fetch(sluice.url, { headers: { "x-api-key": key } });
    const answers = [of("acme")];
    await sluice.until("web", ({ queued }) => queued === 1);
    answers.push(of("acme"), fetch(sluice.url));
    await sluice.until("web", ({ queued }) => queued === 3);
    const { stdout } = await status(sluice.url, "web");
    const hash = createHash("sha256").update("acme").digest("hex").slice(0, 16);
    expect(stdout.split("\n\n")[2]?.split("\n")).toEqual([
      expect.stringMatching(/^FLOW +QUEUED +IN FLIGHT +OLDEST +SHARE$/),
      expect.stringMatching(new RegExp(`^${hash} +2 +0 +[\\d.]+ s +0 %$`)),
      expect.stringMatching(/^no key +1 +0 +[\d.]+ s +0 %$/),
      "",
    ]);
    expect(stdout).not.toContain("acme");
    const { flows } = JSON.parse((await status(sluice.url, "web", "--json")).stdout);
    expect(flows).toMatchObject([
      { key: hash, queued: 2 },
      { key: null, queued: 1 },
    ]);
    await sluice.resume("web");
    for (const answer of answers) expect((await answer).status).toBe(200);
  });

  test("shows an owner's and a reason's control characters as question marks", async () => {
    const { sluice } = await stage();
    await sluice.drain("web", { owner: "Ann\u001b]0;owned\u0007", reason: "a\rb\u009b2Jc\u202ed" });
    const { stdout } = await status(sluice.url, "web");
    expect(stdout).toContain('drained by "Ann?]0;owned?" of "admin" ("a?b?2Jc?d") since ');
  });

  test("says in words, and with 0, which pools have no server, refuse, fail, or miss servers, drained ones too", async () => {
    const down = "http://127.0.0.1:9";
    const [alive, broken] = await Promise.all([
      Origin.start((_, response) => response.end("done")),
      Origin.start((request, response) =>
        request.url === "/up" ? response.end("up") : request.socket.destroy(),
      ),
    ]);
    onTestFinished(() => Promise.all([alive.stop(), broken.stop()]).then(() => {}));
    const check = { path: "/up", interval: "100ms", fall: 1, rise: 1 };
    const pool = (name: string, urls: string[], keys = {}) => ({
      hosts: [`${name}.test`],
      servers: urls.map((url, n) => ({ name: `${name}-${n}`, url })),
      check,
      ...keys,
    });
    const sluice = await Sluice.start({
      pools: {
        dead: pool("dead", [down]),
        refusing: pool("refusing", [down, alive.url], { max_queue: 0 }),
        failing: pool("failing", [broken.url], { retries: 0, check: { ...check, fall: 10 } }),
        some: pool("some", [alive.url, down]),
        both: pool("both", [alive.url], { max_queue: 0 }),
        well: pool("well", [alive.url]),
      },
    });
    onTestFinished(() => sluice.stop());
    const ask = (name: string) => send(sluice.url, { headers: { Host: `${name}.test` } });
    await sluice.drain("refusing");
    await sluice.drain("both");
    for (const name of ["refusing", "both"]) expect((await ask(name)).status).toBe(503);
    await sluice.resume("refusing");
    expect((await ask("failing")).status).toBe(502);
    // Without requests nobody asks how a server is.
    for (const name of ["dead", "refusing", "some"]) ask(name).catch(() => {});
    for (const name of ["dead", "refusing", "some"])
      await sluice.until(name, ({ servers }) => servers.some(({ health }) => health === "down"));
    const { code, stdout } = await status(sluice.url);
    expect(code).toBe(0);
    const states = [...stdout.matchAll(/^(\S+) +(.+?) +\d\/\d /gm)].map(([, name, state]) => [name, state]);
    expect(Object.fromEntries(states)).toEqual({
      dead: "no server",
      refusing: "refusing",
      failing: "failing",
      some: "1 of 2 servers",
      both: "drained, refusing",
      well: "running",
    });
    const one = await status(sluice.url, "dead");
    expect(one.code).toBe(0);
    expect(one.stdout).toMatch(/^dead {2}no server {2}[01] of 1 slots in flight/);
  });

  test("--json is what the admin side says, as one object", async () => {
    const { sluice } = await stage(2);
    const one = await status(sluice.url, "web", "--json");
    const web = timeless(await sluice.snapshot("web"));
    expect(timeless(JSON.parse(one.stdout))).toEqual(web);
    const all = await status(sluice.url, "--json");
    const { pools, unreachable } = JSON.parse(all.stdout);
    expect([pools.map(timeless), unreachable]).toEqual([[web], []]);
    expect([one, all].map(({ stdout }) => stdout.split("\n").length)).toEqual([2, 2]);
  });

  test("shows the pools that can be reached, names those that cannot, and ends with 69", async () => {
    const servers = [{ name: "a", url: "http://127.0.0.1:9" }];
    const sluice = await Sluice.start({ pools: { web: { servers }, api: { path_prefix: "/api", servers } } });
    onTestFinished(() => sluice.stop());
    await sluice.losePool("web");
    expect(await status(sluice.url)).toEqual({
      code: 69,
      stdout: lines(
        "POOL  STATE    IN FLIGHT  QUARANTINED  QUEUED  OLDEST  TIME LEFT  SERVERS",
        "api   running        0/1            0  0/1000       –          –      1/1",
        "web  cannot be reached",
      ),
      stderr: "",
    });
    const { code, stdout } = await status(sluice.url, "--json");
    expect([code, JSON.parse(stdout)]).toMatchObject([
      69,
      { pools: [{ name: "api" }], unreachable: ["web"] },
    ]);
  });
});
