import { setTimeout as sleep } from "node:timers/promises";
import type { Cast } from "./director.ts";
import type { Random } from "./random.ts";
import type { Runtime } from "./runtime.ts";

/** The first comes in a short run too. The shortest and the longest time to it, and between two kills. */
const FIRST_MS: [number, number] = [8_000, 14_000];
const GAP_MS: [number, number] = [15_000, 45_000];
/** None comes so shortly before the end. */
const LAST_MS = 3_000;
/** Longer than a server that is busy for others is left alone. */
const SETTLING_MS = 1_000;

/** When the runtime is killed in a run, in ms since its beginning. */
export function killTimes(random: Random, forMs: number): number[] {
  const times: number[] = [];
  for (let at = random.whole(...FIRST_MS); at < forMs - LAST_MS; at += random.whole(...GAP_MS))
    times.push(at);
  return times;
}

/** Kills the runtime with all that is in it, both pools and everybody's connections. It is back at once. */
export async function killAt(times: number[], runtime: Runtime, casts: Cast[]): Promise<void> {
  const start = performance.now();
  for (const time of times) {
    await sleep(Math.max(0, start + time - performance.now()));
    const restarted = runtime.restart();
    await Promise.all(casts.map((cast) => survive(cast, restarted)));
  }
}

/** What was in flight is cut off, and its slots are taken for half a minute, unless an operator knows better. */
async function survive({ journal, servers, guest, operator }: Cast, restarted: Promise<void>): Promise<void> {
  const kill = { from: journal.now(), to: Number.POSITIVE_INFINITY };
  journal.kills.push(kill);
  journal.operation("kill", "the runtime is killed");
  await restarted;
  kill.to = journal.now();
  const backAt = Date.now();
  journal.event("the runtime is back");
  for (const { sickness } of servers) sickness.interrupted(kill.from);
  await sleep(SETTLING_MS);
  await Promise.all([...servers, guest.server].map((server) => operator.freeFormer(server, backAt)));
}
