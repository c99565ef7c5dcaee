import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Gear } from "../../bench/measure/gear.ts";
import { against } from "../../bench/scenarios/against.ts";
import type { Bundles } from "../../bench/subjects/bundles.ts";
import { bundle, bundlePath } from "../support/bundle.ts";

let folder: string;
let gear: Gear;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-against-"));
  await cp(bundlePath("production"), join(folder, "index.js"));
  for (const name of ["crowd", "leaver"])
    await bundle(`bench/workers/${name}.ts`, folder, "bench/workers/wrangler.toml");
  const bundles: Partial<Bundles> = {
    sluice: bundlePath("production"),
    crowd: join(folder, "crowd.js"),
    leaver: join(folder, "leaver.js"),
  };
  gear = { bundles: bundles as Bundles, haproxy: null, wrk: null, pinned: false };
});
afterAll(() => rm(folder, { recursive: true }));

test("two bundles are measured in turns, each in processes of its own", async () => {
  const order: string[] = [];
  const progress = (what: string) => void order.push(what.split(": ")[1] as string);
  const { rows } = await against(folder).run({ gear, rounds: 1, quick: true, progress });
  expect(order).toEqual(["other", "sluice"]);
  for (const { name, cells } of rows)
    expect(Object.keys(cells).toSorted(), name).toEqual(["other", "sluice"]);
  const names = rows.map(({ name }) => name);
  for (const beginning of [
    "1 connection: p50",
    "40 connections: CPU",
    "10 ms: served",
    "10 ms, 2 isolates: served",
  ])
    expect(names.some((name) => name.startsWith(beginning))).toBe(true);
  expect(rows.flatMap(({ targets = [] }) => targets).map(({ met }) => typeof met)).toEqual([
    "boolean",
    "boolean",
    "boolean",
  ]);
}, 280_000);
