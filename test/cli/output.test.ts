import { spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { commandPath } from "../support/bundle.ts";
import { Origin } from "../support/origin.ts";
import { Run } from "./command.ts";

/** Far more than the buffer of a pipe. */
const LARGE = JSON.stringify({ name: "web", servers: [], padding: "x".repeat(4_000_000) });

test("a result that is larger than a pipe comes out whole", async () => {
  const origin = await Origin.start((_, response) => response.end(LARGE));
  onTestFinished(() => origin.stop());
  const run = new Run(["status", "web", "--json"], { url: origin.url });
  expect(await run.code).toBe(0);
  expect(run.stdout).toBe(`${LARGE}\n`);
});

test.each([[["--help"]], [["complete", "bash"]]])(
  "a result that cannot be written ends %j with 74, and says why",
  (args) => {
    const full = openSync("/dev/full", "w");
    const command = [commandPath(), ...args];
    const { status, stderr } = spawnSync(process.execPath, command, {
      stdio: ["ignore", full, "pipe"],
      encoding: "utf8",
    });
    closeSync(full);
    expect(status).toBe(74);
    expect(stderr).toMatch(/^sluice: the result cannot be written: ENOSPC.*\n$/);
  },
);
