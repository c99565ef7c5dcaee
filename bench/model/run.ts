/**
 * `npm run bench:model`: what a pool can do on Cloudflare's network, and how often the same key finds its own server;
 * `--write` puts it into bench/model.md, what deferred requests cost and what passing on changes into
 * docs/limits-and-costs.md too, keys and servers into docs/configuration.md, and shards into docs/sharding.md.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeBetweenMarkers } from "../report/between-markers.ts";
import { type Curve, plot } from "../report/plot.ts";
import { PLACEMENTS, type Placement, requestsPerSecond } from "./model.ts";
import { affinityTable, deferredTable, passedTable, shardsTable, tables } from "./tables.ts";

const BENCH = join(import.meta.dirname, "..");
const SLOTS = 10;
const SERVICE_MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000];

if (writes()) {
  writeBetweenMarkers(join(BENCH, "model.md"), "model", `\n${tables()}`);
  writeFileSync(join(BENCH, "model.svg"), drawing());
  const limits = join(BENCH, "../docs/limits-and-costs.md");
  writeBetweenMarkers(limits, "deferred", `\n${deferredTable()}\n`);
  writeBetweenMarkers(limits, "passed", `\n${passedTable()}\n`);
  writeBetweenMarkers(join(BENCH, "../docs/configuration.md"), "affinity", `\n${affinityTable()}\n`);
  writeBetweenMarkers(join(BENCH, "../docs/sharding.md"), "shards", `\n${shardsTable()}\n`);
} else {
  console.log(tables());
  console.log(
    `### How many of a key's requests go to its own of ten servers (\`balance = "hash:…"\`)\n\n${affinityTable()}`,
  );
}

function drawing(): string {
  const curve = (title: string, placement: Placement, passed: number): Curve => {
    const points = SERVICE_MS.map((x) => {
      const y = requestsPerSecond(placement, SLOTS, x, passed);
      return { x, y, low: y, high: y };
    });
    return { title, points };
  };
  const [best] = PLACEMENTS as [Placement];
  const passedOn = curve(`${best.name}, each lease passed on within one isolate`, best, 1);
  const curves = PLACEMENTS.map((placement) => curve(placement.name, placement, 0));
  return plot([...curves, passedOn], {
    title: `Requests a second of a pool of ${SLOTS} slots against service time`,
    x: "service time, ms",
    y: "requests a second",
  });
}

function writes(): boolean {
  try {
    const { values } = parseArgs({ options: { write: { type: "boolean", default: false } } });
    return values.write;
  } catch (error) {
    console.error(`${(error as Error).message}\nusage: npm run bench:model -- [--write]`);
    process.exit(64);
  }
}
