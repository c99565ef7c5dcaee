import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { familiesOf } from "../../src/admin/metrics/families.ts";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { snapshotOf } from "../../src/scheduler/snapshot.ts";
import { settings } from "../scheduler/settings.ts";
import { promtool } from "../support/promtool.ts";
import { shardWith } from "../support/snapshots.ts";

const FOLDER = join(import.meta.dirname, "../../monitoring");
const ALERTS = join(FOLDER, "alerts.yml");
const UNIT_TESTS = join(import.meta.dirname, "alerts.yml");

/** All that Sluice shows, a drain, a full list, flows, deferred requests and shards included. */
function metricNames(): string[] {
  const scheduler = new Scheduler(settings({ max_queue: 0, flow: "address" }), null, 0);
  scheduler.drain({ owner: "me", by: "me", reason: null, expiresAt: 1 }, 0);
  const deferred = { queued: 0, running: 0, answered: 0, failed: 0, oldestMs: 0 };
  const snapshot = snapshotOf("web", scheduler, 0, deferred);
  const metrics = { snapshot: { ...snapshot, shards: [shardWith()] }, counts: scheduler.counters.tell() };
  return familiesOf([{ pool: "web", metrics }], 0).flatMap(({ name, samples }) =>
    samples.map(({ suffix = "" }) => name + suffix),
  );
}

function expectKnown(text: string): void {
  const used = new Set(text.match(/\bsluice_\w+/g));
  expect(used.size).toBeGreaterThan(4);
  expect([...used].filter((name) => !metricNames().includes(name))).toEqual([]);
}

describe("the alert rules", () => {
  test("are rules to Prometheus, without anything to say against them", async () => {
    expect(await promtool(["check", "rules", "--lint=all", "--lint-fatal", ALERTS])).toContain(
      "13 rules found",
    );
  });

  test("fire when they should, and not otherwise", async () => {
    await promtool(["test", "rules", UNIT_TESTS]);
  });

  test("have each a case in which they fire", async () => {
    const names = [...(await readFile(ALERTS, "utf8")).matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
    const cases = await readFile(UNIT_TESTS, "utf8");
    const fires = (name?: string) =>
      new RegExp(`alertname: ${name}\n +exp_alerts:\n +- exp_labels`).test(cases);
    expect(names).toHaveLength(12);
    expect(names.filter((name) => !fires(name))).toEqual([]);
  });

  test("ask for nothing that Sluice does not show", async () => {
    expectKnown(await readFile(ALERTS, "utf8"));
  });
});

describe("the Grafana dashboard", () => {
  interface Panel {
    id: number;
    title: string;
    targets: { expr: string }[];
    gridPos: { x: number; y: number; w: number; h: number };
  }

  const read = async () => JSON.parse(await readFile(join(FOLDER, "grafana-dashboard.json"), "utf8"));

  test("asks for nothing that Sluice does not show", async () => {
    const { panels } = await read();
    expectKnown(JSON.stringify(panels));
  });

  test("asks in a language that Prometheus understands", async () => {
    const { panels, annotations } = (await read()) as {
      panels: Panel[];
      annotations: { list: { expr: string }[] };
    };
    const expressions = [...panels.flatMap(({ targets }) => targets), ...annotations.list].map(({ expr }) =>
      expr.replaceAll(/\$__(rate_)?interval/g, "1m").replaceAll("$pool", "web"),
    );
    const folder = await mkdtemp(join(tmpdir(), "sluice-rules-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const rules = expressions.map((expr, n) => ({ record: `test:expression:${n}`, expr }));
    // JSON is YAML.
    await writeFile(join(folder, "rules.yml"), JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
    const said = await promtool(["check", "rules", join(folder, "rules.yml")]);
    expect(said).toContain(`${expressions.length} rules found`);
  });

  test("has panels that do not lie on each other, each under an id and a title of its own", async () => {
    const { panels } = (await read()) as { panels: Panel[] };
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
  });
});
