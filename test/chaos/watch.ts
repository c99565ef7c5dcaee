import { setTimeout as sleep } from "node:timers/promises";
import type { Sluice } from "../support/sluice.ts";
import type { Journal } from "./journal.ts";
import { longestLeaseMs } from "./pool.ts";

const INTERVAL_MS = 250;

/** Looks at the pool now and then, until `signal`. */
export async function watch(sluice: Sluice, journal: Journal, signal: AbortSignal): Promise<void> {
  const shutTooLong = new Set<string>();
  while (!signal.aborted) {
    await sleep(INTERVAL_MS);
    if (!runs(sluice)) {
      journal.break("lost", `workerd has ended, its last words were\n${sluice.output.slice(-20).join("\n")}`);
      break;
    }
    const snapshot = await sluice.snapshot(journal.settings.on_client_abort).catch((error: Error) => error);
    if (snapshot instanceof Error) {
      journal.break("lost", `a snapshot: ${snapshot.message}`);
      continue;
    }
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
        journal.break("slot", `${name}: lease ${id}, ${state}, has a slot for ${ageMs} ms, since ${since}`);
      }
    }
  }
}

export function runs(sluice: Sluice): boolean {
  try {
    return process.kill(sluice.pid, 0);
  } catch {
    return false;
  }
}
