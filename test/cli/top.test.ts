import stringWidth from "string-width";
import { describe, expect, onTestFinished, test } from "vitest";
import { Sluice } from "../support/sluice.ts";
import { Run } from "./command.ts";
import { Terminal } from "./pty.ts";
import { relayTo, stage } from "./stage.ts";

const ENTER = "\u001b[?1049h\u001b[?25l";
const LEAVE = "\u001b[?25h\u001b[?1049l";
/** Longer than any test, in ms. */
const NEVER_MS = 60_000;

const hasLine = (start: string) => (terminal: Terminal) =>
  terminal.screen.some((line) => line.startsWith(start));

describe("top on a terminal", () => {
  test("shows the pool as it changes", async () => {
    const pool = await stage(2, NEVER_MS);
    const top = await Terminal.run(["top", "web"], { url: pool.sluice.url });
    await top.until(hasLine("web  running  0 of 2 slots in flight · nobody queued"));
    expect(top.output.startsWith(ENTER)).toBe(true);
    expect(top.screen[0]).toMatch(/^sluice top {2}\d\d:\d\d:\d\d {2}q quits$/);
    for (const path of ["/a", "/b", "/c"]) pool.client.get(path).catch(() => {});
    await top.until(hasLine("web  running  2 of 2 slots in flight · 1 queued, the oldest for "));
    await top.until(hasLine("queue, at most 1"));
    await top.until(hasLine("web-1   ready  unchecked        1/1"));
  });

  test("shows all pools without a name", async () => {
    const { sluice } = await stage(2);
    const top = await Terminal.run(["top"], { url: sluice.url });
    await top.until(hasLine("queue of web, at most 0  ▁"));
    expect(top.screen[2]).toMatch(
      /^POOL +STATE +IN FLIGHT +QUARANTINED +QUEUED +OLDEST +TIME LEFT +SERVERS$/,
    );
  });

  test("fits itself to a terminal that changes its size", async () => {
    const { sluice } = await stage(8);
    const top = await Terminal.run(["top", "web"], { url: sluice.url, columns: 120, rows: 30 });
    await top.until(hasLine("web-7"));
    expect(top.screen.join("\n")).toContain("WEIGHT");
    await top.resize(50, 13);
    await top.until(hasLine("… 5 more lines"));
    expect(top.screen.length).toBe(13);
    expect(Math.max(...top.screen.map((line) => stringWidth(line)))).toBeLessThanOrEqual(50);
    await top.resize(120, 30);
    // The columns change first, then the rows, and each change draws a screen.
    await top.until(
      (terminal) => hasLine("web-7")(terminal) && terminal.screen.join("\n").includes("WEIGHT"),
    );
  });

  test.each([
    ["q", "q"],
    ["Ctrl-C", "\u0003"],
    ["Escape", "\u001b"],
  ])("ends by %s with 0, and leaves the terminal as it was", async (_, key) => {
    const { sluice } = await stage();
    const top = await Terminal.run(["top"], { url: sluice.url });
    await top.until(hasLine("POOL"));
    expect(await top.isCooked()).toBe(false);
    top.type(key);
    expect(await top.code).toBe(0);
    expect(top.output.endsWith(LEAVE)).toBe(true);
    expect(await top.wasLeftCooked()).toBe(true);
  });

  test("says since when nobody answers, and recovers", async () => {
    const { sluice } = await stage();
    const relay = await relayTo(sluice);
    const top = await Terminal.run(["top", "web"], { url: relay.url });
    await top.until(hasLine("web  running"));
    await relay.cut();
    await top.until((terminal) =>
      /^last seen \d+\.\d s ago: .* cannot be reached/.test(terminal.screen[0] ?? ""),
    );
    expect(hasLine("web  running")(top)).toBe(true);
    await relay.mend();
    await top.until(hasLine("sluice top"));
    top.type("q");
    expect(await top.code).toBe(0);
  });
});

test("top on a terminal that cannot be drawn on prints a line for each change, without escape sequences", async () => {
  const { sluice } = await stage();
  const top = await Terminal.run(["top", "web"], { url: sluice.url, env: { TERM: "dumb" } });
  await top.until(({ output }) => output.includes("web running: 0 in flight, 0 queued\r\n"));
  await sluice.drain("web");
  await top.until(({ output }) => output.includes("web drained: 0 in flight, 0 queued\r\n"));
  expect(top.output).not.toContain("\u001b");
  top.type("\u0003");
  expect(await top.code).toBe(0);
});

describe("top in a pipe", () => {
  test("prints a line for each change, and none while nothing changes", async () => {
    const pool = await stage(1, NEVER_MS);
    const top = new Run(["top", "web"], { url: pool.sluice.url });
    await top.printed("web running: 0 in flight, 0 queued\n");
    pool.client.get("/long").catch(() => {});
    await top.printed("web running: 1 in flight, 0 queued\n");
    await pool.sluice.admin("PATCH", "/api/pools/web/servers/web-0", { state: "maint" });
    await top.printed("web no server: 1 in flight, 0 queued\n");
    await pool.sluice.drain("web");
    await top.printed("web draining, no server: 1 in flight, 0 queued\n");
    top.kill("SIGINT");
    expect(await top.code).toBe(0);
    const lines = top.stdout.trimEnd().split("\n");
    expect(lines.length).toBe(4);
    for (const line of lines) expect(line).toMatch(/^\d\d:\d\d:\d\d web /);
    expect(top.stderr).toBe("");
  });

  test("says once that nobody answers, and goes on when somebody does", async () => {
    const { sluice } = await stage();
    const relay = await relayTo(sluice);
    const top = new Run(["top", "web"], { url: relay.url });
    await top.printed("0 queued\n");
    await relay.cut();
    await top.printed("; trying again\n");
    await sluice.drain("web");
    await relay.mend();
    await top.printed("web drained: 0 in flight, 0 queued\n");
    top.kill("SIGTERM");
    expect(await top.code).toBe(0);
    expect(top.stderr).toMatch(/^sluice: \S+ cannot be reached: [^\n]*; trying again\n$/);
  });

  test("says once that one of the pools cannot be reached, and goes on with the others", async () => {
    const servers = [{ name: "a", url: "http://127.0.0.1:9" }];
    const sluice = await Sluice.start({ pools: { web: { servers }, api: { path_prefix: "/api", servers } } });
    onTestFinished(() => sluice.stop());
    const top = new Run(["top"], { url: sluice.url });
    await top.printed("web running");
    await sluice.losePool("web");
    await top.printed("pool web cannot be reached; trying again\n");
    await sluice.drain("api");
    await top.printed("api drained");
    top.kill("SIGINT");
    expect(await top.code).toBe(0);
    expect(top.stderr.match(/cannot be reached/g)).toHaveLength(1);
  });

  test("--json prints a pool as an object a line, whenever it looks", async () => {
    const { sluice } = await stage();
    const top = new Run(["top", "--json"], { url: sluice.url });
    await top.printed('"state":"running"');
    await sluice.drain("web");
    await top.printed('"state":"drained"');
    top.kill("SIGINT");
    expect(await top.code).toBe(0);
    const states = top.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).state);
    expect(new Set(states)).toEqual(new Set(["running", "drained"]));
  });
});
