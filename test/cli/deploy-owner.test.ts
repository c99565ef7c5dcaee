import { describe, expect, test } from "vitest";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import { busyStage } from "./busy.ts";
import { Run } from "./command.ts";
import { Folder, WAIT_FOR_GO } from "./script.ts";
import { stage } from "./stage.ts";

describe("a pool that somebody else drains", () => {
  test("is not deployed: it says who, since when and why, and leaves the drain alone", async () => {
    const { sluice } = await stage();
    const folder = await Folder.make();
    await sluice.drain("web", { owner: "night shift", reason: "new disks" });
    const held = (await sluice.snapshot("web")).drain;
    const run = new Run(["deploy", "web", "--", "touch", "started"], { url: sluice.url, cwd: folder.path });
    expect(await run.code).toBe(76);
    for (const word of ["night shift", "new disks", held?.since, held?.expiresAt]) {
      expect(run.stderr).toContain(word);
    }
    // The pool is named only once.
    expect(run.stderr).toMatch(/^sluice: web: "night shift"/);
    expect(folder.has("started")).toBe(false);
    expect((await sluice.snapshot("web")).drain).toEqual(held);
  });

  test("is not deployed by a second deploy while the first one runs", async () => {
    const { sluice } = await stage();
    const folder = await Folder.make();
    const options = { url: sluice.url, cwd: folder.path };
    const first = new Run(["deploy", "web", "--", "sh", "-c", WAIT_FOR_GO], options);
    await folder.until("started");
    expect(await new Run(["deploy", "web", "--", "touch", "second"], options).code).toBe(76);
    expect((await sluice.snapshot("web")).state).toBe("drained");
    await folder.put("go");
    expect(await first.code).toBe(0);
    expect(await new Run(["deploy", "web", "--", "touch", "second"], options).code).toBe(0);
    expect(folder.has("second")).toBe(true);
  });

  test("never has two of several deploys that begin together at work; the others are told so", async () => {
    const { sluice } = await stage();
    const folder = await Folder.make();
    const script = "mkdir alone || exit 99; sleep 1; rmdir alone";
    const runs = Array.from(
      { length: 4 },
      () => new Run(["deploy", "web", "--", "sh", "-c", script], { url: sluice.url, cwd: folder.path }),
    );
    const codes = await Promise.all(runs.map((run) => run.code));
    expect(codes.filter((code) => code === 0).length).toBeGreaterThanOrEqual(1);
    expect(codes.filter((code) => code !== 0 && code !== 76)).toEqual([]);
    expect((await sluice.snapshot("web")).state).toBe("running");
  });
});

describe("a deploy whose drain somebody else ends", () => {
  test("while it waits: does not run the command, and does not drain again", async () => {
    const { sluice, answer, finish } = await busyStage();
    const folder = await Folder.make();
    const run = new Run(["deploy", "web", "--json", "--", "touch", "started"], {
      url: sluice.url,
      cwd: folder.path,
    });
    await run.saw("draining");
    await sluice.resume("web", { force: true });
    expect(await run.code).toBe(75);
    expect(run.events.map(({ event }) => event)).toEqual(["draining", "lost"]);
    expect(folder.has("started")).toBe(false);
    expect((await sluice.snapshot("web")).state).toBe("running");
    finish();
    expect(await answer).toBe(200);
  });

  test("while the command runs: says so at once, and never ends the drain of whoever comes next", async () => {
    const { sluice } = await stage();
    const folder = await Folder.make();
    const run = new Run(["deploy", "web", "--json", "--expires", "1s", "--", "sh", "-c", WAIT_FOR_GO], {
      url: sluice.url,
      cwd: folder.path,
    });
    await folder.until("started");
    await sluice.resume("web", { force: true });
    await sluice.drain("web", { owner: "night shift" });
    // The run may have polled between the two changes.
    const { drain } = (await run.saw("lost")) as { drain?: Snapshot["drain"] };
    expect([undefined, "night shift"]).toContain(drain?.owner);
    await folder.put("go");
    expect(await run.code).toBe(0);
    expect((await sluice.snapshot("web")).drain).toMatchObject({ owner: "night shift" });
  });

  test("in the very moment before it would resume: leaves the other one's drain alone", async () => {
    const { sluice } = await stage();
    const folder = await Folder.make();
    const run = new Run(["deploy", "web", "--json", "--", "sh", "-c", WAIT_FOR_GO], {
      url: sluice.url,
      cwd: folder.path,
    });
    await folder.until("started");
    await sluice.resume("web", { force: true });
    await sluice.drain("web", { owner: "night shift" });
    await folder.put("go");
    expect(await run.code).toBe(0);
    expect(run.events.map(({ event }) => event)).toEqual(["drained", "command", "lost"]);
    expect((await sluice.snapshot("web")).drain).toMatchObject({ owner: "night shift" });
  });
});
