import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { portProblem } from "../../demo/port.ts";
import { Demo, freePort, stillRunning, takePort } from "./support.ts";

describe("npm start -- --once", () => {
  let demo: Demo;
  let exitCode: number | null;

  beforeAll(async () => {
    demo = new Demo("--once", "--port", await freePort());
    exitCode = await demo.exited;
  });

  test("drops nothing, has nothing rejected and keeps the order", () => {
    expect(demo.stdout).toMatch(/ dropped +0 /);
    expect(demo.stdout).toMatch(/ rejected by a server +0 /);
    expect(demo.stdout).toMatch(/ order kept +yes /);
    expect(exitCode).toBe(0);
  });

  test("has every request answered", () => {
    const [, sent, answered] = / requests sent +(\d+)\n +answered +(\d+)\n/.exec(demo.stdout) ?? [];
    expect(Number(sent)).toBeGreaterThan(900);
    expect(answered).toBe(sent);
  });

  test("prints the admin token", () => {
    expect(demo.stdout).toMatch(/^Token {4}[0-9a-f]{32}$/m);
  });

  test("shows the steps of the deploy in their order", () => {
    const steps = demo.stdout.matchAll(/ (draining…|drained: in flight \d+ → 0|deploy: servers .*|resumed)/g);
    expect([...steps].map(([, step]) => step?.replace(/\d+ → /, ""))).toEqual([
      "draining…",
      "drained: in flight 0",
      "deploy: servers down",
      "deploy: servers up",
      "resumed",
    ]);
  });

  test("piped, it shows its progress in plain lines, and says nothing else", () => {
    expect(demo.stdout.match(/^.* (running|drained) +in flight .*$/gm)?.length).toBeGreaterThanOrEqual(8);
    expect(demo.stdout).not.toContain("\x1b");
    expect(demo.stderr).toBe("");
  });
});

test("a taken port is named in one line, with the way to another one", async () => {
  const { port, release } = await takePort();
  onTestFinished(release);
  const demo = new Demo("--port", String(port));
  expect(await demo.exited).toBe(1);
  expect(demo.stderr).toBe(`Port ${port} is taken. Another one: npm start -- --port N\n`);
  expect(demo.stdout).toBe("");
});

test("an unknown argument is answered with the usage", async () => {
  const demo = new Demo("--prot", "9000");
  expect(await demo.exited).toBe(64);
  expect(demo.stderr).toBe("usage: npm start -- [--once] [--port N]\n");
});

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s in the middle of the rehearsal ends every process",
  async (signal) => {
    const port = await freePort();
    const demo = new Demo("--port", port);
    await demo.untilSays("drained");
    const children = await demo.children();
    expect(children).not.toEqual([]);
    demo.signal(signal);
    expect(await demo.exited).toBe(signal === "SIGINT" ? 130 : 143);
    expect(demo.stderr).toBe("");
    // Killed processes take a moment to be gone.
    await expect.poll(() => stillRunning(children)).toEqual([]);
    expect(await portProblem(Number(port))).toBeNull();
  },
);
