import { setTimeout as sleep } from "node:timers/promises";
import type { Cast } from "./director.ts";
import type { Kill } from "./journal.ts";
import type { Random } from "./random.ts";
import type { Runtime } from "./runtime.ts";

/** The first comes in a short run too. The shortest and the longest time to it, and between two kills. */
const FIRST_MS: [number, number] = [8_000, 14_000];
const GAP_MS: [number, number] = [15_000, 45_000];
/** The same of kills of one isolate alone. What it has lost keeps all others from passing leases on until that is found. */
const FIRST_ALONE_MS: [number, number] = [4_000, 12_000];
const GAP_ALONE_MS: [number, number] = [16_000, 48_000];
/** None comes so shortly before the end. */
const LAST_MS = 3_000;
/** Longer than a server that is busy for others is left alone. */
const SETTLING_MS = 1_000;
/** How often the runtime comes back with another number of shards. */
const RESHARDS = 0.7;
/** How often an operator frees the slots of an isolate that was killed. Else they run out by themselves. */
const FREES = 0.7;

export interface PlannedKill {
  /** Since the run began. */
  atMs: number;
  /** Numbers from 0; with the first one go all objects. */
  isolates: number[];
  /** An operator frees the slots of those who are gone. */
  frees: boolean;
  /** How many objects each pool has from then on; absent: as many as before. */
  shards?: number;
}

/** When how much of the runtime is killed in a run: all of it, or one isolate alone while the others go on. */
export function planKills(random: Random, forMs: number, isolates: number, shards = 1): PlannedKill[] {
  const numbers = random.fork("shards");
  const everything = Array.from({ length: isolates }, (_, isolate) => isolate);
  const kills = times(random, FIRST_MS, GAP_MS, forMs).map((atMs): PlannedKill => {
    const all = { atMs, isolates: everything, frees: true };
    return shards > 1 && numbers.chance(RESHARDS) ? { ...all, shards: numbers.whole(1, shards) } : all;
  });
  if (isolates === 1) return kills;
  const own = random.fork("alone");
  const alone = times(own, FIRST_ALONE_MS, GAP_ALONE_MS, forMs).map((atMs): PlannedKill => {
    return { atMs, isolates: [own.whole(0, isolates - 1)], frees: own.chance(FREES) };
  });
  return [...kills, ...alone].sort((a, b) => a.atMs - b.atMs);
}

function times(random: Random, first: [number, number], gap: [number, number], forMs: number): number[] {
  const all: number[] = [];
  for (let at = random.whole(...first); at < forMs - LAST_MS; at += random.whole(...gap)) all.push(at);
  return all;
}

/** Kills them, for all pools at once, with everybody's connections. They are back at once. `pools`: as configured at first. */
export async function killAt(
  kills: PlannedKill[],
  runtime: Runtime,
  casts: Cast[],
  pools: Record<string, Record<string, unknown>>,
): Promise<void> {
  const start = performance.now();
  const survived: Promise<unknown>[] = [];
  for (const kill of kills) {
    await sleep(Math.max(0, start + kill.atMs - performance.now()));
    const restarted = runtime.restart(kill.isolates, kill.shards && withShards(pools, kill.shards));
    for (const cast of casts) {
      const fail = (error: Error) => cast.journal.break("lost", `a kill, and after it ${error.message}`);
      survived.push(survive(cast, kill, restarted).catch(fail));
    }
    await restarted;
  }
  await Promise.all(survived);
}

function withShards(pools: Record<string, Record<string, unknown>>, shards: number): typeof pools {
  return Object.fromEntries(Object.entries(pools).map(([name, table]) => [name, { ...table, shards }]));
}

/** What was in flight is cut off, and its slots are taken for half a minute, unless an operator knows better. */
async function survive(
  { journal, servers, guest, operator, isolates }: Cast,
  { isolates: numbers, frees, shards }: PlannedKill,
  restarted: Promise<void>,
): Promise<void> {
  const kill: Kill = { from: journal.now(), to: Number.POSITIVE_INFINITY, isolates: numbers };
  journal.kills.push(kill);
  const all = numbers.length === isolates;
  const [what, its] = all
    ? ["the runtime", ""]
    : [`isolate ${numbers}`, numbers.includes(0) ? ", with the objects," : ""];
  journal.operation(all ? "kill" : "kill of one isolate", `${what}${its} is killed`);
  if (shards !== undefined && shards !== journal.shards) journal.hasShards(shards);
  await restarted;
  kill.to = journal.now();
  const backAt = Date.now();
  journal.event(`${what} is back`);
  if (numbers.includes(0)) for (const { sickness } of servers) sickness.interrupted(kill.from);
  if (!frees) return;
  await sleep(SETTLING_MS);
  await Promise.all([...servers, guest.server].map((server) => operator.freeFormer(server, backAt, all)));
}
