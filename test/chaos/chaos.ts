import { Arena } from "./arena.ts";
import type { Cast } from "./director.ts";
import type { Journal } from "./journal.ts";
import { killAt, planKills } from "./kills.ts";
import { Pauses } from "./pauses.ts";
import { POOLS } from "./pool.ts";
import { Random } from "./random.ts";
import type { Tried } from "./report.ts";
import { Runtime } from "./runtime.ts";
import { story } from "./story.ts";

const MOST_STORIES = 10;

export interface Options {
  seed: number;
  seconds: number;
  /** How many copies of the Worker are in front of the objects. */
  isolates?: number;
  /** How many requests come, over the usual: a slow machine is late for everything with all of them. */
  load?: number;
  /** Of how many objects each pool is, at most. */
  shards?: number;
  /** Names of faults to leave out, as the report has them; of happenings, as the plan has them; of pools. */
  without?: string[];
  /** Shown the journals now and then. */
  onProgress?: (journals: Journal[]) => void;
}

/** Runs it all, and tells what was tried and the story of each promise that was broken. */
export async function chaos(options: Options): Promise<Tried & { stories: string[] }> {
  const { seed, seconds, isolates = 1, load = 1, shards = 1, without = [], onProgress } = options;
  const random = new Random(seed);
  const pauses = new Pauses();
  const pools = POOLS.filter((pool) => !without.includes(pool));
  const arenas = pools.map((pool) => new Arena(pool, random.fork(pool), pauses, { without, load, shards }));
  const journals = arenas.map(({ journal }) => journal);
  const opened = await Promise.all(arenas.map(async (arena) => [arena.pool, await arena.open()] as const));
  const tables = Object.fromEntries(opened);
  const runtime = await Runtime.start({ pools: tables }, isolates);
  const watching = new AbortController();
  const numbers = Array.from({ length: isolates }, (_, number) => number);
  const watched = numbers.map((number) => pauses.watch(() => runtime.ask(number), watching.signal));
  const progress = setInterval(() => onProgress?.(journals), 10_000);
  try {
    const forMs = seconds * 1_000;
    const casts = arenas.map((arena) => arena.cast(runtime, isolates));
    const kills = without.includes("kill") ? [] : planKills(random.fork("kill"), forMs, isolates, shards);
    const all = arenas.map((arena, index) => arena.run(casts[index] as Cast, forMs));
    await Promise.all([...all, killAt(kills, runtime, casts, tables)]);
    const stories = journals.flatMap((journal) =>
      journal.broken.slice(0, MOST_STORIES).map((one) => story(one, journal, runtime.log).join("\n")),
    );
    return { seed, seconds, isolates, longestPauseMs: pauses.longestMs, journals, stories };
  } finally {
    clearInterval(progress);
    watching.abort();
    await Promise.all(watched);
    pauses.stop();
    for (const arena of arenas) arena.close();
    await runtime.stop();
  }
}
