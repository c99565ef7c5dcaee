import { describe, expect, test } from "vitest";
import { busyStage } from "./busy.ts";
import { Run } from "./command.ts";
import { Folder, WAIT_FOR_GO } from "./script.ts";
import { relayTo, stage } from "./stage.ts";

async function deploying(options: string[] = []) {
  const pool = await stage();
  const relay = await relayTo(pool.sluice);
  const folder = await Folder.make();
  const run = new Run(["deploy", "web", "--json", ...options, "--", "sh", "-c", WAIT_FOR_GO], {
    url: relay.url,
    cwd: folder.path,
  });
  return { sluice: pool.sluice, relay, folder, run };
}

describe("a deploy that loses touch with Sluice", () => {
  test("while the command runs: goes on, says until when the drain lasts, and resumes when it is back", async () => {
    const { sluice, relay, folder, run } = await deploying(["--expires", "8s"]);
    await folder.until("started");
    await relay.cut();
    const { until, error } = await run.saw("unreachable");
    expect(error).toContain("cannot be reached");
    expect(Date.parse(String(until))).toBeGreaterThan(Date.now());
    await relay.mend();
    await run.saw("reached");
    await folder.put("go");
    expect(await run.code).toBe(0);
    expect((await sluice.snapshot("web")).state).toBe("running");
  });

  test("when it is to resume: keeps trying until it is back", async () => {
    const { sluice, relay, folder, run } = await deploying();
    await folder.until("started");
    await relay.cut();
    await folder.put("go");
    await run.saw("unreachable");
    expect((await sluice.snapshot("web")).state).toBe("drained");
    await relay.mend();
    expect(await run.code).toBe(0);
    expect(run.events.map(({ event }) => event)).toEqual([
      "drained",
      "command",
      "unreachable",
      "reached",
      "resumed",
    ]);
    expect((await sluice.snapshot("web")).state).toBe("running");
  });

  test("for good: gives up when the drain has ended by itself, and says so", async () => {
    const { sluice, relay, folder, run } = await deploying(["--expires", "2s"]);
    await folder.until("started");
    await relay.cut();
    await folder.put("go");
    expect(await run.code).toBe(69);
    expect((await run.saw("left")).error).toContain("cannot be reached");
    expect((await sluice.snapshot("web")).state).toBe("running");
  });

  test("for so long that the drain ends while the command runs: says so, and drains no more", async () => {
    const { sluice, relay, folder, run } = await deploying(["--expires", "1s"]);
    await folder.until("started");
    await relay.cut();
    await sluice.until("web", ({ state }) => state === "running");
    await relay.mend();
    expect(await run.saw("lost")).toMatchObject({ drain: null });
    await folder.put("go");
    expect(await run.code).toBe(0);
    expect((await sluice.snapshot("web")).state).toBe("running");
  });

  test("while it drains: goes on draining when it is back", async () => {
    const { sluice, answer, finish } = await busyStage();
    const relay = await relayTo(sluice);
    const run = new Run(["deploy", "web", "--json", "--", "true"], { url: relay.url });
    await run.saw("draining");
    await relay.cut();
    await run.saw("unreachable");
    await relay.mend();
    await run.saw("reached");
    finish();
    expect(await run.code).toBe(0);
    expect(await answer).toBe(200);
    expect((await sluice.snapshot("web")).state).toBe("running");
  });
});

describe("a deploy that never reaches Sluice", () => {
  test("does not run the command, and says so at once", async () => {
    const { sluice } = await stage();
    const relay = await relayTo(sluice);
    await relay.cut();
    const folder = await Folder.make();
    const run = new Run(["deploy", "web", "--", "touch", "started"], { url: relay.url, cwd: folder.path });
    expect(await run.code).toBe(69);
    expect(run.stderr).toMatch(/^sluice: web: http:\S+ cannot be reached: .*ECONNREFUSED.*\n$/);
    expect(folder.has("started")).toBe(false);
  });

  test.each([
    ["another's token", { SLUICE_TOKEN: "not-the-token" }, "web", 77],
    ["a pool that does not exist", {}, "shop", 64],
  ])("because of %s ends with its own code", async (_, env, pool, code) => {
    const { sluice } = await stage();
    const folder = await Folder.make();
    const run = new Run(["deploy", pool, "--", "touch", "started"], {
      url: sluice.url,
      env,
      cwd: folder.path,
    });
    expect(await run.code).toBe(code);
    expect(folder.has("started")).toBe(false);
    expect(await sluice.snapshot("web")).toMatchObject({ state: "running" });
  });
});
