import { readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import type { Report } from "../../../src/cli/rehearse/report.ts";
import { Run } from "../command.ts";
import { Account } from "./account.ts";

/** On Cloudflare nothing of this was run: an account of the test's plays it, with the very files that are deployed. */
async function rehearse(account: Account, args: string[], env: NodeJS.ProcessEnv = {}): Promise<Run> {
  const run = new Run(["rehearse", "--quick", "--json", ...args], {
    url: "http://127.0.0.1:1",
    env: { ...account.env, ...env },
    cwd: account.cwd,
  });
  await run.code;
  return run;
}

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

test("--keep leaves a deployment of which nothing answers without its token, and which --url plays on", async () => {
  const account = await Account.open();
  const kept = await rehearse(account, ["--deploy", "--keep"]);
  expect(await kept.code, kept.stderr).toBe(0);
  expect([...account.workers.keys()]).toHaveLength(2);
  const { url, token } = kept.events.find(({ event }) => event === "kept") as unknown as Record<
    string,
    string
  >;
  expect(url).toBe(account.url);
  for (const path of [
    "/",
    "/_sluice/healthz",
    "/_sluice/rehearsal/servers",
    "/_sluice/rehearsal/direct/server-1",
  ]) {
    for (const authorization of ["", "Bearer of-another-deployment"]) {
      const response = await fetch(url + path, { headers: { authorization } });
      expect([path, response.status]).toEqual([path, 401]);
    }
  }
  const again = await rehearse(account, ["--url", `${url}`], { SLUICE_TOKEN: token });
  const report = JSON.parse(again.stdout) as Report;
  expect(report.acts.filter(({ result }) => result === "did not hold")).toEqual([]);
  expect(await again.code).toBe(0);
  expect(report.where).toBe("url");
  expect([...account.workers.keys()]).toHaveLength(2);
});
