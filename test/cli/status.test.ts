import { describe, expect, onTestFinished, test } from "vitest";
import { Sluice } from "../support/sluice.ts";
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
        "POOL  STATE    IN FLIGHT  QUARANTINED  QUEUED  OLDEST  SERVERS",
        "web   running        0/2            0       0       –      2/2",
      ),
      stderr: "",
    });
  });

  test("shows one pool, and its servers, a line each", async () => {
    const { sluice, servers } = await stage(2);
    await sluice.admin("PATCH", "/api/pools/web/servers/web-1", { state: "maint", weight: 20 });
    expect(await status(sluice.url, "web")).toEqual({
      code: 0,
      stdout: lines(
        "web  running  0 of 2 slots in flight · nobody queued",
        "",
        "SERVER  STATE  HEALTH     IN FLIGHT  QUARANTINED  LONGEST             WEIGHT  URL",
        `web-0   ready  unchecked        0/1            0        –                  1  ${servers[0]?.url}`,
        `web-1   maint  unchecked        0/1            0        –  20 (configured 1)  ${servers[1]?.url}`,
      ),
      stderr: "",
    });
  });

  test("shows what is in flight, how long the oldest waits, and who drains the pool and why", async () => {
    const pool = await stage(1, NEVER_MS);
    for (const answer of await pool.sendInOrder(1)) answer.catch(() => {});
    await pool.sluice.drain("web", { owner: "Ann", reason: "new disks", expires: "10m" });
    pool.client.get("/waits").catch(() => {});
    await pool.sluice.until("web", ({ queued }) => queued === 1);
    const { stdout } = await status(pool.sluice.url, "web");
    const [head, drained, , , server] = stdout.split("\n");
    expect(head).toMatch(/^web {2}draining {2}1 of 1 slots in flight · 1 queued, the oldest for [\d.]+ s$/);
    expect(drained).toMatch(
      /^drained by "Ann" of "admin" \("new disks"\) since (\S+ )?\d\d:\d\d:\d\d, ends by itself in (10|9) min( \d+ s)?$/,
    );
    expect(server).toMatch(/^web-0 +ready +unchecked +1\/1 +0 +[\d.]+ s +1 /);
  });

  test("shows an owner's and a reason's control characters as question marks", async () => {
    const { sluice } = await stage();
    await sluice.drain("web", { owner: "Ann\u001b]0;owned\u0007", reason: "a\rb\u009b2Jc\u202ed" });
    const { stdout } = await status(sluice.url, "web");
    expect(stdout).toContain('drained by "Ann?]0;owned?" of "admin" ("a?b?2Jc?d") since ');
  });

  test("--json is what the admin side says, as one object", async () => {
    const { sluice } = await stage(2);
    const one = await status(sluice.url, "web", "--json");
    expect(JSON.parse(one.stdout)).toEqual(await sluice.snapshot("web"));
    const all = await status(sluice.url, "--json");
    expect(JSON.parse(all.stdout)).toEqual({ pools: [await sluice.snapshot("web")], unreachable: [] });
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
        "POOL  STATE    IN FLIGHT  QUARANTINED  QUEUED  OLDEST  SERVERS",
        "api   running        0/1            0       0       –      1/1",
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
