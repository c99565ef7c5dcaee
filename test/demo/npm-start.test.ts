import { expect, test } from "vitest";
import { portProblem } from "../../demo/port.ts";
import { freePort, stillRunning, useDemos } from "./support.ts";

const demos = useDemos();

test("SIGTERM to npm itself, whose shell passes nothing on, ends every process that it has started, and leaves no file", async () => {
  const port = await freePort();
  const demo = demos.startByNpm("--port", port);
  await demo.untilSays("running");
  const started = await demo.descendants();
  // The demo and the runtime, and npm's shell unless that has become the demo.
  expect(started.length).toBeGreaterThanOrEqual(2);
  demo.signal("SIGTERM");
  await demo.exited;
  await expect.poll(() => stillRunning(started)).toEqual([]);
  await expect.poll(() => portProblem(Number(port))).toBeNull();
  expect(await demo.files()).toEqual([]);
});
