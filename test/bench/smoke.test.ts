import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import type { Report } from "../../bench/report/report.ts";
import { SCENARIOS } from "../../bench/scenarios/all.ts";

const RUN = join(import.meta.dirname, "../../bench/run.ts");
/** Those that take moments; all of them take minutes: `npm run bench -- --quick`. */
const SHORT = ["latency", "drain", "start", "scheduler", "shards"];
const EVERYWHERE = ["pass-through", "sluice"] as const;

async function bench(...args: string[]): Promise<{ stdout: string; stderr: string; code: number }> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [RUN, ...args], {
      maxBuffer: 2 ** 24,
    });
    return { stdout, stderr, code: 0 };
  } catch (error) {
    return error as { stdout: string; stderr: string; code: number };
  }
}

describe("a short run", () => {
  let report: Report;
  beforeAll(async () => {
    const { stdout, stderr, code } = await bench("--quick", "--json", "--only", SHORT.join(","));
    expect(code, stderr + stdout).toBe(0);
    report = JSON.parse(stdout);
  }, 280_000);

  test("tells the machine and all versions", () => {
    const told = ["date", "processor", "kernel", "Node", "workerd", "wrangler", "load generator", "HAProxy"];
    for (const key of told) expect(report.machine[key], key).toBeTruthy();
  });

  test("has each scenario, whole", () => {
    const asked = SCENARIOS.map(({ name }) => name).filter((name) => SHORT.includes(name));
    expect(report.sections.map(({ scenario }) => scenario)).toEqual(asked);
    expect(asked).toHaveLength(SHORT.length);
    for (const { scenario, rows, error } of report.sections) {
      expect(error, scenario).toBeUndefined();
      expect(rows.length, scenario).toBeGreaterThan(0);
      for (const { name, cells } of rows) {
        const values = Object.values(cells).flat();
        expect(values.length, `${scenario}, ${name}`).toBeGreaterThan(0);
        for (const value of values) expect(value, `${scenario}, ${name}`).toBeGreaterThanOrEqual(0);
      }
    }
  });

  test("measures Sluice and the limit of the runtime side by side", () => {
    const section = report.sections.find(({ scenario }) => scenario === "latency");
    for (const name of EVERYWHERE) expect(section?.rows[0]?.cells[name]).toHaveLength(1);
  });

  test("judges everything that is wanted", () => {
    const targets = report.sections.flatMap(({ rows }) => rows.flatMap((row) => row.targets ?? []));
    expect(targets.length).toBeGreaterThanOrEqual(2);
    for (const { wanted, found } of targets) expect(wanted && found).toBeTruthy();
  });
});

test.each([
  [["--only", "speed"], "no such scenario"],
  [["--rounds", "0"], "--rounds 0: not a whole number"],
  [["--rounds", "many"], "--rounds many: not a whole number"],
  [["--write", "--quick"], "--write needs a whole run"],
  [["--write", "--only", "latency"], "--write needs a whole run"],
  [["--write", "--only", "shards", "--quick"], "--write needs a whole run"],
  [["--faster"], "--faster"],
  [["--against", "bench"], "--against bench: there is no index.js in it"],
  [["--against", "bench", "--only", "latency"], "without --only"],
  [["--against", "bench", "--write"], "--write needs a whole run"],
])("%j is refused with a reason before anything starts", async (args, reason) => {
  const { code, stderr } = await bench(...args);
  expect(code).toBe(64);
  expect(stderr).toContain(reason);
});
