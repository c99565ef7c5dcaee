import { expect, test } from "vitest";
import type { Report } from "../../../src/cli/rehearse/report.ts";
import { Account, rehearse } from "./account.ts";

test("an act that cannot go on has not held, the others are played, and the Workers are deleted", async () => {
  const account = await Account.open();
  let deploys = 0;
  account.before = ({ args }) => {
    if (args[0] === "deploy" && ++deploys === 3) throw new Error("no deploys on Fridays");
  };
  const run = await rehearse(account, ["--deploy"]);
  const code = await run.code;
  const report = JSON.parse(run.stdout) as Report;
  const broken = report.acts.filter(({ result }) => result === "did not hold");
  expect(broken.map(({ name }) => name)).toEqual(["deploy"]);
  expect(broken[0]?.why.join()).toContain("no deploys on Fridays");
  expect(report.acts.at(-1)?.name).toBe("crash");
  expect({ code, held: report.held, left: account.workers.size }).toEqual({ code: 1, held: false, left: 0 });
});
