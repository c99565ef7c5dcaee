import { expect, onTestFinished, test } from "vitest";
import { Origin } from "../support/origin.ts";
import { Run } from "./command.ts";

test.each([
  ["drain", ["web"], 130, "interrupted; if the drain has begun, to end it: sluice resume web\n"],
  ["roll", ["web", "--", "echo", "ran"], 130, "interrupted by SIGINT\n"],
  ["top", [], 0, ""],
])(
  "%s that is interrupted before Sluice has answered at all ends, without a stack",
  async (name, args, code, words) => {
    const silent = await Origin.start();
    onTestFinished(() => silent.stop());
    const run = new Run([name, ...args], { url: silent.url });
    await silent.arrival();
    run.kill("SIGINT");
    expect(await run.code).toBe(code);
    expect(run.stdout).toBe("");
    expect(run.stderr).toBe(words && `sluice: ${words}`);
  },
);
