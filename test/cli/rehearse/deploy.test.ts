import { readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import type { Report } from "../../../src/cli/rehearse/report.ts";
import { Account, rehearse } from "./account.ts";

test("--deploy plays on what it has deployed, keeps the token out of sight, and deletes both Workers", async () => {
  const account = await Account.open();
  const run = await rehearse(account, ["--deploy", "--holds", "1s"]);
  const report = JSON.parse(run.stdout) as Report;
  expect(report.acts.filter(({ result }) => result === "did not hold")).toEqual([]);
  expect(await run.code).toBe(0);
  expect(report).toMatchObject({ where: "deployed", url: account.url, held: true });
  expect(report.measured.places).toEqual({ worker: null, object: "TST", server: "TST" });
  const notRun = report.acts.filter(({ result }) => result === "not run");
  expect(notRun.map(({ name, why }) => `${name}: ${why}`)).toEqual([
    "long-answer: --quick",
    "crash: nobody can kill Cloudflare's runtime",
  ]);
  expect(account.commands).toEqual([
    "whoami",
    "deploy",
    "deploy",
    "secret put",
    "deploy",
    "delete",
    "delete",
  ]);
  expect([...account.workers.keys()]).toEqual([]);
  const token = account.asked.find(({ args }) => args[0] === "secret")?.input ?? "";
  expect(token).toMatch(/^[\da-f]{64}$/);
  expect(account.asked.map(({ args }) => args.join(" ")).join()).not.toContain(token);
  expect(run.stdout + run.stderr).not.toContain(token);
  expect(await readdir(account.tmp)).toEqual([]);
});
