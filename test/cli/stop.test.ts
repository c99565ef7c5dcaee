import { describe, expect, test } from "vitest";
import { send } from "../support/client.ts";
import { busyStage } from "./busy.ts";
import { Run } from "./command.ts";
import { end } from "./end.ts";
import { stage } from "./stage.ts";

const MESSAGE = "New disks until 14:00.";

describe("sluice stop", () => {
  test("has requests refused with the message, waits for what is in flight, and says how it ends", async () => {
    const { sluice, answer, finish } = await busyStage();
    const run = new Run(["stop", "web", "--message", MESSAGE, "--expires", "1h"], { url: sluice.url });
    await run.printed("web stopping: 1 in flight\n");
    const { status, body } = await send(sluice.url);
    expect(status).toBe(503);
    expect(JSON.parse(body.toString())).toMatchObject({ code: "stopped", detail: MESSAGE });
    finish();
    expect(await run.code).toBe(0);
    expect(await answer).toBe(200);
    expect(run.stdout).toMatch(
      /^web stopped after [\d.]+ s, requests are refused with "New disks until 14:00\."\nthe stop stays until (\S+ )?\d\d:\d\d:\d\d; to end it: sluice resume web\n$/,
    );
    expect(await sluice.snapshot("web")).toMatchObject({
      state: "stopped",
      drain: { stop: { message: MESSAGE } },
    });
  });

  test("ends by resume", async () => {
    const { sluice } = await stage();
    expect((await end(["stop", "web"], { url: sluice.url })).stdout).toMatch(
      /^web stopped after [\d.]+ s, requests are refused\n/,
    );
    expect((await end(["resume", "web"], { url: sluice.url })).stdout).toMatch(/^web runs: /);
    expect((await send(sluice.url)).status).toBe(200);
  });

  test("that is not done in time ends with 75, says who is still at work, and stays", async () => {
    const { sluice } = await busyStage();
    const run = await end(["stop", "web", "--wait", "200ms"], { url: sluice.url });
    expect(run.code).toBe(75);
    expect(run.stderr).toMatch(
      /sluice: web is not stopped after 0\.2 s, still at work: web-0 for [\d.]+ s; the stop stays until .*: sluice resume web\n$/,
    );
    expect((await sluice.snapshot("web")).state).toBe("stopping");
  });

  test("with --cut-after is done once what is in flight is cut off", async () => {
    const { sluice } = await busyStage();
    const run = await end(["stop", "web", "--cut-after", "500ms"], { url: sluice.url });
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(/^web stopped after [\d.]+ s, 1 request cut off, requests are refused\n/);
  });

  test("turns one's drain into a stop, and a drain turns it back", async () => {
    const { sluice } = await stage();
    const states = [];
    for (const command of ["drain", "stop", "drain"]) {
      expect((await end([command, "web"], { url: sluice.url })).code).toBe(0);
      states.push((await sluice.snapshot("web")).state);
    }
    expect(states).toEqual(["drained", "stopped", "drained"]);
  });

  test("of a pool that somebody else drains ends with 76, and a roll of a stopped one says that it is", async () => {
    const { sluice } = await stage();
    await sluice.drain("web", { owner: "Ann" });
    expect((await end(["stop", "web"], { url: sluice.url })).code).toBe(76);
    await sluice.resume("web", { force: true });
    await end(["stop", "web"], { url: sluice.url });
    const roll = await end(["roll", "web", "--", "true"], { url: sluice.url });
    expect(roll.code).toBe(76);
    expect(roll.stderr).toContain('web is stopped by "admin" since ');
  });

  test("--json is the stopped pool as one object, and nothing else", async () => {
    const { sluice } = await stage();
    const { stdout, stderr } = await end(["stop", "web", "--json"], { url: sluice.url });
    expect(JSON.parse(stdout)).toMatchObject({ name: "web", state: "stopped" });
    expect(stderr).toBe("");
  });

  test("is shown by status: who, for how long, and with which message", async () => {
    const { sluice } = await stage();
    await end(["stop", "web", "--message", MESSAGE, "--owner", "disks"], { url: sluice.url });
    const { stdout } = await end(["status", "web"], { url: sluice.url });
    expect(stdout).toMatch(/^web {2}stopped {2}0 of 1 slots in flight/);
    expect(stdout).toMatch(/\nstopped by "disks" of "admin" since \S+, ends by itself in \d+ min( \d+ s)?\n/);
    expect(stdout).toContain('\nrequests are refused with "New disks until 14:00."\n');
  });
});
