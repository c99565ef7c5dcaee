import { describe, expect, test } from "vitest";
import { send } from "../support/client.ts";
import { statuses } from "../support/connections.ts";
import { busyStage } from "./busy.ts";
import { Run } from "./command.ts";
import { loadUntil } from "./load.ts";
import { Folder, WAIT_FOR_GO } from "./script.ts";
import { ASK, controlOf, stage } from "./stage.ts";

describe("a deploy under load beyond the capacity of ten single-flight servers", () => {
  const restart = (ending: string) => `${ASK} ask /stop && sleep 3 && ask /start; ${ending}`;

  test.each([
    ["ends with 0", "exit 0", 0],
    ["fails with 3", "exit 3", 3],
  ])("that kills every server for 3 s and %s loses no request", async (_, ending, code) => {
    const pool = await stage(10, 100);
    const control = await controlOf(pool.servers);
    const loaded = pool.sluice.until("web", ({ queued }) => queued > 0);
    const deploy = loaded.then(
      () =>
        new Run(["deploy", "web", "--json", "--", "sh", "-c", restart(ending)], {
          url: pool.sluice.url,
          env: { CONTROL: control.url },
        }),
    );
    const answers = await loadUntil(
      pool,
      deploy.then((run) => run.code),
      120,
    );
    const run = await deploy;
    expect(await run.code, run.stderr).toBe(code);
    expect(control.asked).toEqual(["/stop", "/start"]);
    expect(statuses(answers)).toEqual({ 200: answers.length });
    // More than before and after the drain, so that most requests came during it.
    expect(answers.length).toBeGreaterThan(3 * 120);
    expect(pool.rejected).toBe(0);
    expect(await pool.sluice.snapshot("web")).toMatchObject({ state: "running", drain: null });
    expect(run.events.map(({ event }) => event)).toEqual(
      expect.arrayContaining(["drained", "command", "resumed"]),
    );
  });
});

describe("the command of a deploy", () => {
  test("runs only when nothing is in flight, and requests wait meanwhile", async () => {
    const pool = await stage(1, 400);
    const folder = await Folder.make();
    const before = pool.client.get("/before");
    await pool.sluice.until("web", ({ inFlight }) => inFlight === 1);
    const run = new Run(["deploy", "web", "--reason", "v42", "--", "sh", "-c", WAIT_FOR_GO], {
      url: pool.sluice.url,
      cwd: folder.path,
    });
    await folder.until("started");
    expect(pool.servers[0]?.busy).toBe(false);
    const during = pool.client.get("/during");
    const { state, drain } = await pool.sluice.until("web", ({ queued }) => queued === 1);
    expect(state).toBe("drained");
    expect(drain).toMatchObject({
      owner: expect.stringMatching(/^\S+@\S+ deploy [0-9a-f]{8}$/),
      reason: "v42",
    });
    await folder.put("go");
    expect(await run.code).toBe(0);
    expect([(await before).status, (await during).status]).toEqual([200, 200]);
    expect(pool.servers[0]?.served).toEqual(["/before", "/during"]);
  });

  test("has our input and output, byte for byte, and nothing of ours in stdout", async () => {
    const { sluice } = await stage();
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const run = new Run(["deploy", "web", "--", "sh", "-c", "cat; echo only this >&2"], {
      url: sluice.url,
      input: bytes,
    });
    expect(await run.code).toBe(0);
    expect(run.stdoutBytes).toEqual(bytes);
    const [drained, said, , resumed] = run.stderr.split("\n");
    expect(drained).toMatch(/^sluice: web drained after \d+\.\d s, running sh$/);
    expect(said).toBe("only this");
    expect(resumed).toMatch(/^sluice: web runs again after \d+\.\d s: 0 in flight, 0 queued$/);
  });

  test("may stop in the middle of a line of stderr: with --json ours begin on lines of their own", async () => {
    const { sluice } = await stage();
    const script = "printf partial >&2; exit 3";
    for (const args of [["deploy"], ["roll"]]) {
      const run = new Run([...args, "web", "--json", "--", "sh", "-c", script], { url: sluice.url });
      expect(await run.code).toBe(3);
      expect(run.stderr.split("\n")).toContain("partial");
      expect(run.events.map(({ event }) => event)).toContain("command");
    }
  });

  test("may stop in the middle of a line in a pipe too: ours begin on lines of their own", async () => {
    const { sluice } = await stage();
    const script = "printf partial >&2";
    for (const [name, words] of [
      ["deploy", /^sluice: web runs again/],
      ["roll", /^sluice: web web-0 \(1 of 1\) takes requests again/],
    ] as const) {
      const run = new Run([name, "web", "--", "sh", "-c", script], { url: sluice.url });
      expect(await run.code).toBe(0);
      const lines = run.stderr.split("\n");
      expect(lines[lines.indexOf("partial") + 1]).toMatch(words);
    }
  });

  test("may have options of its own, and sees our environment", async () => {
    const { sluice } = await stage();
    const run = new Run(["deploy", "web", "--", process.execPath, "-p", "process.env.SLUICE_URL"], {
      url: sluice.url,
    });
    expect(await run.code).toBe(0);
    expect(run.stdout).toBe(`${sluice.url}\n`);
  });

  test("keeps the pool drained for as long as it runs, however short the drain's own life is", async () => {
    const { sluice } = await stage();
    const folder = await Folder.make();
    const run = new Run(["deploy", "web", "--expires", "1s", "--", "sh", "-c", WAIT_FOR_GO], {
      url: sluice.url,
      cwd: folder.path,
    });
    await folder.until("started");
    const first = (await sluice.snapshot("web")).drain;
    const expires = Date.parse(first?.expiresAt ?? "");
    const later = await sluice.until(
      "web",
      ({ drain }) => Date.parse(drain?.expiresAt ?? "") > expires + 2_000,
    );
    expect(later).toMatchObject({ state: "drained", drain: { since: first?.since } });
    await folder.put("go");
    expect(await run.code).toBe(0);
    expect((await sluice.snapshot("web")).state).toBe("running");
  });
});

test("a deploy keeps its drain up while it waits too, however short that drain's own life is", async () => {
  const { sluice, answer, finish } = await busyStage();
  const run = new Run(["deploy", "web", "--json", "--expires", "1s", "--", "true"], { url: sluice.url });
  await run.saw("draining");
  const first = Date.parse((await sluice.snapshot("web")).drain?.expiresAt ?? "");
  await sluice.until("web", ({ drain }) => Date.parse(drain?.expiresAt ?? "") > first + 2_000);
  finish();
  expect(await run.code, run.stderr).toBe(0);
  expect(await answer).toBe(200);
});

describe("a deploy that cannot drain in time", () => {
  test("does not run the command, says who is still at work, and resumes", async () => {
    const { sluice, answer, finish } = await busyStage();
    const folder = await Folder.make();
    const waits = send(sluice.url);
    await sluice.until("web", ({ queued }) => queued === 1);
    const run = new Run(["deploy", "web", "--drain-timeout", "300ms", "--", "touch", "started"], {
      url: sluice.url,
      cwd: folder.path,
    });
    expect(await run.code).toBe(75);
    expect(run.stderr).toMatch(/web draining: 1 in flight\n/);
    expect(run.stderr).toMatch(/not drained after 0\.3 s, still at work: web-0 for [\d.]+ s\n/);
    expect(folder.has("started")).toBe(false);
    expect((await sluice.snapshot("web")).state).toBe("running");
    finish();
    expect([await answer, (await waits).status]).toEqual([200, 200]);
  });
});

describe("a command that fails", () => {
  test.each([
    ["with its own code", "exit 3", 3, "sh ended with 3"],
    ["by a signal", "kill -TERM $$", 143, "sh was killed by SIGTERM"],
  ])("%s ends the deploy with it, and the pool runs again", async (_, script, code, words) => {
    const { sluice } = await stage();
    const run = new Run(["deploy", "web", "--", "sh", "-c", script], { url: sluice.url });
    expect(await run.code).toBe(code);
    expect(run.stderr).toContain(words);
    expect((await sluice.snapshot("web")).state).toBe("running");
  });

  test("leaves the pool drained with --on-failure hold, and says how to end that", async () => {
    const pool = await stage();
    const run = new Run(["deploy", "web", "--on-failure", "hold", "--", "sh", "-c", "exit 3"], {
      url: pool.sluice.url,
    });
    expect(await run.code).toBe(3);
    expect(run.stderr).toContain("sluice resume web --force");
    const held = await pool.sluice.snapshot("web");
    // The pool's drain_expires, not the shorter --expires of the run.
    expect(Date.parse(held.drain?.expiresAt ?? "") - Date.now()).toBeGreaterThan(14 * 60_000);
    const waiting = pool.client.get("/waits");
    await pool.sluice.until("web", ({ queued }) => queued === 1);
    expect(await new Run(["resume", "web"], { url: pool.sluice.url }).code).toBe(76);
    expect(await new Run(["resume", "web", "--force"], { url: pool.sluice.url }).code).toBe(0);
    expect((await waiting).status).toBe(200);
  });
});
