import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { portProblem } from "../../demo/port.ts";
import { type Demo, freePort, stillRunning, takePort, useDemos } from "./support.ts";

const demos = useDemos();

describe("npm start -- --once", () => {
  let demo: Demo;
  let exitCode: number | null;
  let first = "";
  let second = "";

  beforeAll(async () => {
    demo = demos.start("--once", "--port", await freePort());
    exitCode = await demo.exited;
    [first = "", second = ""] = demo.stdout.split("Second act: ");
  });

  test("keeps every promise", () => {
    expect(exitCode).toBe(0);
  });

  test("drops nothing, has nothing rejected and keeps the order", () => {
    expect(first).toMatch(/ dropped +0 /);
    expect(first).toMatch(/ rejected by a server +0 /);
    expect(first).toMatch(/ order kept +yes /);
  });

  test("has every request answered", () => {
    const [, sent, answered] = / requests sent +(\d+)\n +answered +(\d+)\n/.exec(first) ?? [];
    expect(Number(sent)).toBeGreaterThan(900);
    expect(answered).toBe(sent);
  });

  test("prints the admin token", () => {
    expect(first).toMatch(/^Token {4}[0-9a-f]{32}$/m);
  });

  test("shows the steps of the deploy in their order", () => {
    expect(stepsIn(first)).toEqual([
      "draining…",
      "drained: in flight 0",
      "deploy: servers down",
      "deploy: servers up",
      "resumed",
    ]);
  });

  test("kills Sluice in the second act, which knows its drain and all that it has accepted when it is up again", () => {
    expect(stepsIn(second)).toEqual([
      "draining…",
      "drained: in flight 0",
      "deploy: servers down",
      "100 requests accepted",
      "crash: Sluice killed",
      "crash: Sluice up again, from what was on disk: drained, 100 waiting",
      "deploy: servers up",
      "resumed",
    ]);
  });

  test("has every request answered that was accepted before the crash, once and in order", () => {
    expect(second).toMatch(/ accepted +100 +of 100 sent; 202 after \d+\.\d ms \(median\)\n +answered +100 /);
    expect(second).toMatch(/ lost +0 /);
    expect(second).toMatch(/ worked twice +0 /);
    expect(second).toMatch(/ rejected by a server +0 /);
    expect(second).toMatch(/ order kept +yes /);
  });

  test("piped, it shows its progress in plain lines, and says nothing else", () => {
    expect(first.match(/^.* (running|drained) +in flight .*$/gm)?.length).toBeGreaterThanOrEqual(8);
    expect(demo.stdout).not.toContain("\x1b");
    expect(demo.stderr).toBe("");
  });

  test("leaves no file", async () => {
    expect(await demo.files()).toEqual([]);
  });
});

const STEP =
  / (draining…|drained: in flight \d+ → 0|deploy: servers .*|resumed|\d+ requests accepted|crash: (?:Sluice killed|.*))/g;

function stepsIn(act: string): string[] {
  return [...act.matchAll(STEP)].map(([, step = ""]) => step.replace(/\d+ → /, ""));
}

test("a taken port is named in one line, with the way to another one", async () => {
  const { port, release } = await takePort();
  onTestFinished(release);
  const demo = demos.start("--port", String(port));
  expect(await demo.exited).toBe(1);
  expect(demo.stderr).toBe(`Port ${port} is taken. Another one: npm start -- --port N\n`);
  expect(demo.stdout).toBe("");
});

test("an unknown argument is answered with the usage", async () => {
  const demo = demos.start("--prot", "9000");
  expect(await demo.exited).toBe(64);
  expect(demo.stderr).toBe("usage: npm start -- [--once] [--port N]\n");
});

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s in the middle of the rehearsal ends every process, and leaves no file",
  async (signal) => {
    const port = await freePort();
    const demo = demos.start("--port", port);
    await demo.untilSays("drained");
    const children = await demo.descendants();
    expect(children).not.toEqual([]);
    demo.signal(signal);
    expect(await demo.exited).toBe(signal === "SIGINT" ? 130 : 143);
    expect(demo.stderr).toBe("");
    // Killed processes take a moment to be gone, and what they listened on is closed when their last thread is.
    await expect.poll(() => stillRunning(children)).toEqual([]);
    await expect.poll(() => portProblem(Number(port))).toBeNull();
    expect(await demo.files()).toEqual([]);
  },
);
