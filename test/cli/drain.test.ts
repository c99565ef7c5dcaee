import { describe, expect, test } from "vitest";
import { busyStage } from "./busy.ts";
import { Run } from "./command.ts";
import { relayTo, stage } from "./stage.ts";

describe("sluice drain", () => {
  test("waits for what is in flight, and says until when the drain stays and how to end it", async () => {
    const { sluice, answer, finish } = await busyStage();
    const run = new Run(["drain", "web", "--reason", "new disks", "--expires", "1h"], { url: sluice.url });
    await run.printed("web draining: 1 in flight\n");
    finish();
    expect(await run.code).toBe(0);
    expect(await answer).toBe(200);
    expect(run.stdout).toMatch(
      /^web drained after [\d.]+ s, 0 queued\nthe drain stays until (\S+ )?\d\d:\d\d:\d\d; to end it: sluice resume web\n$/,
    );
    expect(run.stderr).toBe("sluice: web draining: 1 in flight\n");
    const { state, drain } = await sluice.snapshot("web");
    expect({ state, reason: drain?.reason }).toEqual({ state: "drained", reason: "new disks" });
    expect(Date.parse(drain?.expiresAt ?? "") - Date.parse(drain?.since ?? "")).toBe(3_600_000);
  });

  test("--json is the drained pool as one object, and nothing else", async () => {
    const { sluice, finish } = await busyStage();
    const run = new Run(["drain", "web", "--json"], { url: sluice.url });
    await sluice.until("web", ({ state }) => state === "draining");
    finish();
    expect(await run.code).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({ name: "web", state: "drained", inFlight: 0 });
    expect(run.stderr).toBe("");
  });

  test("that is not done in time ends with 75, says who is still at work, and stays", async () => {
    const { sluice, answer, finish } = await busyStage();
    const run = new Run(["drain", "web", "--wait", "200ms"], { url: sluice.url });
    expect(await run.code).toBe(75);
    expect(run.stdout).toBe("");
    expect(run.stderr).toMatch(
      /\nsluice: web is not drained after 0\.2 s, still at work: web-0 for [\d.]+ s; the drain stays until (\S+ )?\d\d:\d\d:\d\d; to end it: sluice resume web\n$/,
    );
    expect((await sluice.snapshot("web")).state).toBe("draining");
    finish();
    expect(await answer).toBe(200);
    await sluice.until("web", ({ state }) => state === "drained");
  });

  test("again extends the drain that it began", async () => {
    const { sluice } = await stage();
    expect(await new Run(["drain", "web", "--expires", "1m"], { url: sluice.url }).code).toBe(0);
    const { drain: first } = await sluice.snapshot("web");
    expect(await new Run(["drain", "web", "--expires", "5m"], { url: sluice.url }).code).toBe(0);
    const { drain } = await sluice.snapshot("web");
    expect(drain?.since).toBe(first?.since);
    expect(Date.parse(drain?.expiresAt ?? "")).toBeGreaterThan(Date.parse(first?.expiresAt ?? "") + 200_000);
  });

  test("of a pool that somebody else drains ends with 76, and says who, since when and why", async () => {
    const { sluice } = await stage();
    await sluice.drain("web", { owner: "Ann", reason: "new disks" });
    const run = new Run(["drain", "web"], { url: sluice.url });
    expect(await run.code).toBe(76);
    expect(run.stderr).toMatch(
      /^sluice: pool web: "Ann" \(new disks\), begun by "admin", drains this pool since 20\S+, until /,
    );
    expect((await sluice.snapshot("web")).drain?.owner).toBe("Ann");
  });

  test("that somebody resumes meanwhile ends with 75, and does not begin anew", async () => {
    const { sluice } = await busyStage();
    const run = new Run(["drain", "web"], { url: sluice.url });
    await run.printed("web draining: 1 in flight");
    await sluice.resume("web", { force: true });
    expect(await run.code).toBe(75);
    expect(run.stderr).toContain("sluice: web was resumed meanwhile.\n");
    expect((await sluice.snapshot("web")).state).toBe("running");
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("that is interrupted by %s while it waits stays, and says so", async (signal, code) => {
    const { sluice } = await busyStage();
    const run = new Run(["drain", "web"], { url: sluice.url });
    await run.printed("web draining: 1 in flight");
    run.kill(signal);
    expect(await run.code).toBe(code);
    expect(run.stderr).toMatch(
      /\nsluice: interrupted; the drain stays until (\S+ )?\d\d:\d\d:\d\d; to end it: sluice resume web\n$/,
    );
    expect((await sluice.snapshot("web")).drain).not.toBeNull();
  });

  test("that loses touch with Sluice for a moment goes on waiting, and says so", async () => {
    const { sluice, finish } = await busyStage();
    const relay = await relayTo(sluice);
    const run = new Run(["drain", "web"], { url: relay.url });
    await run.printed("web draining: 1 in flight");
    await relay.cut();
    await run.printed("; trying again\n");
    await relay.mend();
    await run.printed("Sluice answers again\n");
    finish();
    expect(await run.code).toBe(0);
    expect(run.stdout).toMatch(/^web drained after /);
  });

  test("that loses touch with Sluice until its wait is over ends with 69, and says that it stays", async () => {
    const { sluice } = await busyStage();
    const relay = await relayTo(sluice);
    const run = new Run(["drain", "web", "--wait", "1s"], { url: relay.url });
    await run.printed("web draining: 1 in flight");
    await relay.cut();
    expect(await run.code).toBe(69);
    expect(run.stderr).toMatch(
      /cannot be reached: .*; the drain stays until (\S+ )?\d\d:\d\d:\d\d; to end it: sluice resume web\n$/,
    );
  });

  test.each([
    ["of a pool that does not exist", ["wep"], 'sluice: There is no pool "wep"'],
    ["with a wait that is no duration", ["web", "--wait", "soon"], "--wait"],
    ["with no end at once", ["web", "--expires", "0s"], "sluice: --expires: "],
    ["with an empty owner", ["web", "--owner", ""], "sluice: --owner: "],
    ["with an empty reason", ["web", "--reason", ""], "sluice: --reason: "],
  ])("%s ends with 64, and drains nothing", async (_, args, words) => {
    const { sluice } = await stage();
    const run = new Run(["drain", ...args], { url: sluice.url });
    expect(await run.code).toBe(64);
    expect(run.stderr).toContain(words);
    expect((await sluice.snapshot("web")).state).toBe("running");
  });
});
