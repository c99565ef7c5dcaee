/** `npm run chaos -- --seconds 300 --seed 7`: the long form of the chaos test. */
import { parseArgs } from "node:util";
import bundle from "../support/bundle.ts";
import { chaos } from "./chaos.ts";
import type { Journal } from "./journal.ts";
import { planKills } from "./kills.ts";
import { drawSettings, POOLS } from "./pool.ts";
import { Random } from "./random.ts";
import { reportLines } from "./report.ts";
import { schedule } from "./schedule.ts";
import { Spread } from "./spread.ts";

/** More take turns on a machine's cores, and are late for everything. */
const MOST_ISOLATES = 8;
const MOST_SHARDS = 64;
const USAGE =
  "usage: npm run chaos -- [--seconds N] [--seed N] [--isolates N] [--shards N] [--load SHARE] [--without FAULT]… [--plan]";

const { seconds, seed, isolates, shards, load, without, plan } = readArguments();
if (plan) {
  const forMs = seconds * 1000;
  const line = (atMs: number, text: string) =>
    console.log(`${(atMs / 1000).toFixed(3).padStart(8)} s  ${text}`);
  console.log("kills");
  for (const { atMs, ...kill } of planKills(new Random(seed).fork("kill"), forMs, isolates, shards))
    line(atMs, JSON.stringify(kill));
  for (const pool of POOLS) {
    console.log(pool);
    const random = new Random(seed).fork(pool);
    for (const { from, text } of new Spread(random.fork("isolates"), isolates, forMs).plan) line(from, text);
    for (const { atMs, ...happening } of schedule(
      random.fork("schedule"),
      forMs,
      drawSettings(random.fork("settings"), pool, without, shards),
    ))
      line(atMs, JSON.stringify(happening));
  }
} else {
  const unbundle = await bundle();
  try {
    const tried = await chaos({
      seed,
      seconds,
      isolates,
      shards,
      load,
      without,
      onProgress: (journals) => console.log(progressLine(journals)),
    });
    for (const told of tried.stories) console.log(`\n${told}`);
    console.log(`\n${reportLines(tried).join("\n")}`);
    process.exitCode = tried.journals.some(({ broken }) => broken.length > 0) ? 1 : 0;
  } finally {
    await unbundle();
  }
  // By itself Node 26.10 hangs here: it waits for handles of sockets that were reset, which never close.
  process.exit();
}

function progressLine(journals: Journal[]): string {
  const total = (count: (journal: Journal) => number) => journals.reduce((sum, one) => sum + count(one), 0);
  const faults = total((journal) => [...journal.faults.values()].reduce((sum, count) => sum + count, 0));
  const at = ((journals[0]?.now() ?? 0) / 1000).toFixed(0).padStart(5);
  const requests = total((journal) => journal.requests.size);
  const crashes = total((journal) => journal.operations.get("crash") ?? 0);
  const brokenPromises = total((journal) => journal.broken.length);
  return `${at} s  requests ${requests}  crashes ${crashes}  faults ${faults}  broken promises ${brokenPromises}`;
}

interface Arguments {
  seconds: number;
  seed: number;
  isolates: number;
  shards: number;
  load: number;
  without: string[];
  plan: boolean;
}

function readArguments(): Arguments {
  try {
    const { values } = parseArgs({
      options: {
        seconds: { type: "string", default: "300" },
        seed: { type: "string", default: String(Math.floor(Math.random() * 1_000_000)) },
        isolates: { type: "string", default: "1" },
        shards: { type: "string", default: "1" },
        load: { type: "string", default: "1" },
        without: { type: "string", multiple: true, default: [] },
        plan: { type: "boolean", default: false },
      },
    });
    const [seconds, seed, isolates] = [Number(values.seconds), Number(values.seed), Number(values.isolates)];
    const [load, shards] = [Number(values.load), Number(values.shards)];
    const isSound = seconds > 0 && load > 0 && load <= 1 && Number.isSafeInteger(seed);
    const isStartable = Number.isInteger(isolates) && isolates >= 1 && isolates <= MOST_ISOLATES;
    const isDivisible = Number.isInteger(shards) && shards >= 1 && shards <= MOST_SHARDS;
    if (isSound && isStartable && isDivisible) return { ...values, seconds, seed, isolates, shards, load };
  } catch {
    // Said below.
  }
  console.error(USAGE);
  process.exit(64);
}
