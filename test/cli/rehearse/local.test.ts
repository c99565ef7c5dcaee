import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import type { Act, Report } from "../../../src/cli/rehearse/report.ts";
import { read } from "../../docs/documents.ts";
import { Run } from "../command.ts";
import { Folder } from "../script.ts";

/** SLUICE_URL is where pools serve: the rehearsal must not go there by itself. */
const NOWHERE = "http://127.0.0.1:1";

test("here, nothing is dropped, rejected, overtaken or lost; what needs the network is not run, and says why", async () => {
  const { path: TMPDIR } = await Folder.make();
  const args = ["rehearse", "--quick", "--json", "--holds", "1s"];
  const run = new Run(args, { url: NOWHERE, env: { TMPDIR } });
  const code = await run.code;
  const report = JSON.parse(run.stdout) as Report;
  expect(report.acts.filter(({ result }) => result === "did not hold")).toEqual([]);
  expect({ code, ...report }).toMatchObject({ code: 0, where: "local", held: true });

  const figures = (name: string) => (report.acts.find((act) => act.name === name) as Act).figures;
  const { sent = 0, held = 0, ...load } = figures("drain");
  expect(sent).toBeGreaterThan(100);
  expect(held).toBeGreaterThan(0);
  expect(load).toMatchObject({
    answered: sent,
    dropped: 0,
    rejected: 0,
    wrong: 0,
    overtaken: 0,
    repeated: 0,
  });
  expect(figures("leave-waiting-reset")).toMatchObject({ left: 10, worked: 0 });
  expect(figures("leave-server-reset")).toMatchObject({ left: 10, ended: 10, dropped: 0, overlaps: 0 });
  expect(figures("leave-answer-close")).toMatchObject({ left: 10, ended: 10, dropped: 0, overlaps: 0 });
  expect(figures("crash")).toMatchObject({ accepted: 20, answered: 20, lost: 0, repeated: 0, beforeTurn: 0 });
  expect(figures("hold-1s")).toMatchObject({ answered: 1 });

  const notRun = report.acts.filter(({ result }) => result === "not run");
  const needNetwork = ["deploy", "leave-waiting-close", "leave-server-close", "long-answer"];
  expect(notRun.map(({ name }) => name)).toEqual(needNetwork);
  const assumed = report.assumptions.filter(({ result }) => result === "not run");
  for (const { why } of [...notRun, ...assumed]) expect(why.join()).toMatch(/\w{3}/);
  expect(report.measured.places).toBeNull();
  const { all = 0, passedOn = -1, ...answered } = report.measured.handOvers ?? {};
  expect(all).toBeGreaterThan(20);
  expect(passedOn).toBeGreaterThan(0);
  expect(passedOn).toBeLessThanOrEqual(all);
  expect(answered).toEqual({ isolates: 1 });
  const judged = report.assumptions.filter(({ result }) => result !== "not run");
  expect(judged.map(({ name }) => name)).toEqual(["works-finish", "holds"]);
  expect(await readdir(TMPDIR)).toEqual([]);

  const documented = read("docs/rehearsal.md");
  expect(membersOf(report).filter((member) => !documented.includes(`\`${member}`))).toEqual([]);
});

/** The names of all members, of what is in lists too. */
function membersOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(membersOf);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => [name, ...membersOf(member)]);
}

test.each(["SIGINT", "SIGTERM"] as const)("%s ends it, and leaves no runtime and no file", async (signal) => {
  const { path: TMPDIR } = await Folder.make();
  const run = new Run(["rehearse", "--quick"], { url: NOWHERE, env: { TMPDIR } });
  await run.printed("drained, and the load goes on");
  const [folder = ""] = await readdir(TMPDIR);
  run.kill(signal);
  expect(await run.code).toBe(signal === "SIGINT" ? 130 : 143);
  expect(await runningIn(folder)).toEqual([]);
  expect(await readdir(TMPDIR)).toEqual([]);
});

/** The processes whose command names this folder. */
async function runningIn(folder: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)("ps", ["-A", "-o", "pid=,args="]);
  return stdout.split("\n").filter((line) => line.includes(folder));
}
