import { describe, expect, test } from "vitest";
import { busyStage } from "./busy.ts";
import { Run } from "./command.ts";
import { Folder, WAIT_FOR_GO } from "./script.ts";
import { answeringAllBut, relayTo, stage } from "./stage.ts";

/** Writes down each SIGINT. */
const CAREFUL = `trap 'echo x >> heard; exit 7' INT; ${WAIT_FOR_GO}`;
const STUBBORN = `trap 'echo x >> heard' INT TERM; ${WAIT_FOR_GO}`;

async function deploying(script: string, options: string[] = [], env: NodeJS.ProcessEnv = {}) {
  const { sluice } = await stage();
  const folder = await Folder.make();
  const run = new Run(["deploy", "web", "--json", ...options, "--", "sh", "-c", script], {
    url: sluice.url,
    cwd: folder.path,
    env,
  });
  await folder.until("started");
  return { sluice, folder, run };
}

describe("a deploy that is interrupted", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)("by %s passes it to the command, and then resumes", async (signal, code) => {
    const { sluice, run } = await deploying(WAIT_FOR_GO);
    run.kill(signal);
    expect(await run.code).toBe(code);
    expect((await run.saw("command")).words).toBe(`was killed by ${signal}`);
    expect((await sluice.snapshot("web")).state).toBe("running");
  });

  test("lets the command clean up, and ends with its code", async () => {
    const { sluice, folder, run } = await deploying(CAREFUL);
    run.kill("SIGINT");
    expect(await run.code).toBe(7);
    expect(folder.has("heard")).toBe(true);
    expect((await sluice.snapshot("web")).state).toBe("running");
  });

  test("is not done, even if the command says that it is", async () => {
    const { sluice, run } = await deploying(`trap 'exit 0' INT; ${WAIT_FOR_GO}`);
    run.kill("SIGINT");
    expect(await run.code).toBe(130);
    expect((await sluice.snapshot("web")).state).toBe("running");
  });

  test("twice kills the command that does not end, and resumes", async () => {
    const { sluice, folder, run } = await deploying(STUBBORN);
    run.kill("SIGINT");
    await folder.until("heard");
    expect((await sluice.snapshot("web")).state).toBe("drained");
    run.kill("SIGINT");
    expect(await run.code).toBe(137);
    expect((await sluice.snapshot("web")).state).toBe("running");
  });

  test("reaches what a script is just running too, for which the script itself would wait", async () => {
    // One program that says itself that it runs: a shell that is just about to run one would wait for it, signal or not.
    const program = "require('node:fs').writeFileSync('started', ''); setTimeout(() => {}, 60_000)";
    const script = 'trap "exit 7" INT; "$NODE" -e "$PROGRAM"; :';
    const { sluice, run } = await deploying(script, [], { NODE: process.execPath, PROGRAM: program });
    run.kill("SIGINT");
    expect(await run.code).toBe(7);
    expect((await sluice.snapshot("web")).state).toBe("running");
  });

  test("twice kills what a script is just running too", async () => {
    const step = `trap 'touch heard' INT; ${WAIT_FOR_GO}`;
    const { folder, run } = await deploying(`sh -c "$STEP"; :`, [], { STEP: step });
    run.kill("SIGINT");
    await folder.until("heard");
    run.kill("SIGINT");
    // The output closes only when every process that holds it has ended.
    expect(await run.code).toBe(137);
  });

  test("stays drained with --on-failure hold", async () => {
    const { sluice, run } = await deploying(WAIT_FOR_GO, ["--on-failure", "hold"]);
    run.kill("SIGINT");
    expect(await run.code).toBe(130);
    await run.saw("held");
    expect((await sluice.snapshot("web")).state).toBe("drained");
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("by %s while it drains does not run the command, and resumes", async (signal, code) => {
    const { sluice, answer, finish } = await busyStage();
    const folder = await Folder.make();
    const run = new Run(["deploy", "web", "--json", "--on-failure", "hold", "--", "touch", "started"], {
      url: sluice.url,
      cwd: folder.path,
    });
    await run.saw("draining");
    run.kill(signal);
    expect(await run.code).toBe(code);
    expect(run.events.map(({ event }) => event)).toEqual(["draining", "interrupted", "resumed"]);
    expect(folder.has("started")).toBe(false);
    expect((await sluice.snapshot("web")).state).toBe("running");
    finish();
    expect(await answer).toBe(200);
  });

  test("once more while its resume is on its way waits for the answer, and the pool runs again", async () => {
    const { sluice } = await busyStage();
    const relay = await relayTo(sluice);
    const run = new Run(["deploy", "web", "--json", "--", "true"], { url: relay.url });
    await run.saw("draining");
    relay.delayMs = 300;
    run.kill("SIGINT");
    await run.saw("interrupted");
    run.kill("SIGINT");
    expect(await run.code).toBe(130);
    expect(run.events.at(-1)).toMatchObject({ event: "resumed" });
    expect((await sluice.snapshot("web")).state).toBe("running");
  });

  test("while it cannot reach Sluice to resume, and again: leaves it to the drain's own end, and says so", async () => {
    const { sluice } = await stage();
    const relay = await relayTo(sluice);
    const folder = await Folder.make();
    const run = new Run(["deploy", "web", "--json", "--expires", "3s", "--", "sh", "-c", WAIT_FOR_GO], {
      url: relay.url,
      cwd: folder.path,
    });
    await folder.until("started");
    await relay.cut();
    run.kill("SIGINT");
    await run.saw("command");
    await run.saw("unreachable");
    run.kill("SIGINT");
    expect(await run.code).toBe(130);
    const { until } = await run.saw("left");
    const running = await sluice.until("web", ({ state }) => state === "running");
    expect(running.drain).toBeNull();
    expect(Date.now()).toBeLessThan(Date.parse(String(until)) + 5_000);
  });
});

describe("a deploy that is interrupted before it knows whether its drain has begun", () => {
  test("ends the drain all the same", async () => {
    const { sluice } = await stage();
    const deaf = await answeringAllBut("/drain", sluice.url);
    const run = new Run(["deploy", "web", "--json", "--", "true"], { url: deaf });
    await sluice.until("web", ({ state }) => state === "drained");
    run.kill("SIGINT");
    expect(await run.code).toBe(130);
    expect(run.events.map(({ event }) => event)).toEqual(["interrupted", "resumed"]);
    expect((await sluice.snapshot("web")).state).toBe("running");
  });
});

describe("a deploy that is killed", () => {
  test("leaves a drain that ends by itself, and nothing is lost", async () => {
    const pool = await stage();
    const folder = await Folder.make();
    const run = new Run(["deploy", "web", "--expires", "2s", "--", "sh", "-c", WAIT_FOR_GO], {
      url: pool.sluice.url,
      cwd: folder.path,
    });
    await folder.until("started");
    const waiting = await pool.sendInOrder(3);
    run.kill("SIGKILL");
    expect((await pool.sluice.snapshot("web")).state).toBe("drained");
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(pool.servers[0]?.served).toEqual(["/0", "/1", "/2"]);
    expect((await pool.sluice.snapshot("web")).state).toBe("running");
    await folder.put("go");
  });
});
