import { setTimeout as sleep } from "node:timers/promises";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import type { Job, Journal, Sent } from "./journal.ts";
import { longestLeaseMs } from "./pool.ts";
import type { Runtime } from "./runtime.ts";

const INTERVAL_MS = 250;
const SAME_MOMENT_MS = 100;
/** How many of its last lines a runtime that has ended is quoted with. */
const LAST_WORDS = 20;

/** Looks at the pool now and then, until `signal`. */
export async function watch(runtime: Runtime, journal: Journal, signal: AbortSignal): Promise<void> {
  const shutTooLong = new Set<string>();
  while (!signal.aborted) {
    await sleep(INTERVAL_MS);
    if (!(await runtime.runs())) {
      const lastWords = runtime.output.slice(-LAST_WORDS).join("\n");
      journal.break("lost", `workerd has ended, its last words were\n${lastWords}`);
      break;
    }
    try {
      const snapshot = await runtime.through((sluice) => sluice.snapshot(journal.settings.on_client_abort));
      look(snapshot, journal, shutTooLong);
    } catch (error) {
      journal.break("lost", `a snapshot: ${(error as Error).message}`);
    }
  }
}

function look(snapshot: Snapshot, journal: Journal, shutTooLong: Set<string>): void {
  const { queued, servers } = snapshot;
  const seen = Date.now();
  journal.longestQueue = Math.max(journal.longestQueue, queued);
  for (const { name, leases } of servers) {
    for (const { id, since, quarantined } of leases) {
      const ageMs = seen - Date.parse(since);
      journal.longestLeaseMs = Math.max(journal.longestLeaseMs, ageMs);
      if (ageMs <= longestLeaseMs(journal.settings) || shutTooLong.has(id)) continue;
      shutTooLong.add(id);
      const state = quarantined ? "in quarantine" : "leased";
      const text = `${name}: lease ${id}, ${state}, has a slot for ${ageMs} ms, since ${since}`;
      const takenAt = journal.now() - ageMs;
      journal.break("slot", text, suspects(name, takenAt, journal), takenAt);
    }
  }
}

/** Which of its requests the server got when the slot was taken. Perhaps it got none. */
function suspects(server: string, takenAt: number, { jobs }: Journal): Sent[] {
  const isOf = (job: Job) => job.server === server && Math.abs(job.readAt - takenAt) < SAME_MOMENT_MS;
  return jobs.filter(isOf).map(({ sent }) => sent);
}
