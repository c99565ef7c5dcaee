import { expect, test } from "vitest";
import { Run } from "../command.ts";

test.each([
  ["reports an overlap", "overlap", /\d+ came to a server that was at work/],
  ["sends another answer than it says", "answer", /\d+ got another answer than their servers say they sent/],
])("a server that %s breaks a promise: exit code 1, and the report names it", async (_, lie, words) => {
  const run = new Run(["rehearse", "--quick", "--lie", lie], { url: "http://127.0.0.1:1" });
  expect(await run.code, run.stderr).toBe(1);
  expect(run.stdout).toMatch(words);
  expect(run.stdout).toMatch(/^did not hold {2}requests under load/m);
  expect(run.stdout).toMatch(/^Promises were broken in \d acts, 5 acts not run\.$/m);
});
