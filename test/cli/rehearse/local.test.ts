import { mkdir, readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import type { Act, Report } from "../../../src/cli/rehearse/report.ts";
import { Run } from "../command.ts";
import { Folder } from "../script.ts";

/** SLUICE_URL is where pools serve: the rehearsal must not go there by itself. */
const NOWHERE = "http://127.0.0.1:1";

async function rehearsed(...args: string[]) {
  const { path: TMPDIR } = await Folder.make();
  await mkdir(TMPDIR, { recursive: true });
  const run = new Run(["rehearse", "--quick", "--json", ...args], { url: NOWHERE, env: { TMPDIR } });
  const code = await run.code;
  const report = JSON.parse(run.stdout) as Report;
  const act = (name: string) => report.acts.find((one) => one.name === name) as Act;
  return { code, report, act, files: await readdir(TMPDIR) };
}

test("here, nothing is dropped, rejected, overtaken or lost, all that can be played is, and the exit code is 0", async () => {
  const { code, report, act, files } = await rehearsed("--holds", "1s");
  expect(report.acts.filter(({ result }) => result === "did not hold")).toEqual([]);
  expect(report).toMatchObject({ where: "local", held: true });
  expect(code).toBe(0);
  const { sent = 0, held = 0, ...load } = act("drain").figures;
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
  expect(act("leave-waiting-reset").figures).toMatchObject({ left: 10, worked: 0 });
  expect(act("leave-server-reset").figures).toMatchObject({ left: 10, ended: 10, dropped: 0, overlaps: 0 });
  expect(act("leave-answer-close").figures).toMatchObject({ left: 10, ended: 10, dropped: 0, overlaps: 0 });
  expect(act("crash").figures).toMatchObject({
    accepted: 20,
    answered: 20,
    lost: 0,
    repeated: 0,
    beforeTurn: 0,
  });
  expect(act("hold-1s")).toMatchObject({ result: "held", figures: { answered: 1 } });
  expect(files).toEqual([]);
});

test("here, what needs the network is not run, and each of it says why", async () => {
  const { report } = await rehearsed();
  const notRun = report.acts.filter(({ result }) => result === "not run");
  expect(notRun.map(({ name }) => name)).toEqual([
    "deploy",
    "leave-waiting-close",
    "leave-server-close",
    "long-answer",
    "hold",
  ]);
  for (const { why } of [...notRun, ...report.assumptions.filter(({ result }) => result === "not run")])
    expect(why.join()).toMatch(/\w{3}/);
  expect(report.measured.places).toBeNull();
  const held = report.assumptions.filter(({ result }) => result !== "not run");
  expect(held.map(({ name }) => name)).toEqual(["works-finish"]);
});
