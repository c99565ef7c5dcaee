import { setTimeout as sleep } from "node:timers/promises";
import { HeldSlots } from "./held-slots.ts";
import type { Journal } from "./journal.ts";
import type { Runtime } from "./runtime.ts";

const INTERVAL_MS = 250;
/** How many of its last lines a runtime that has ended is quoted with. */
const LAST_WORDS = 20;

/** Looks at the pool now and then, until `signal`. */
export async function watch(runtime: Runtime, journal: Journal, signal: AbortSignal): Promise<void> {
  const slots = new HeldSlots(journal);
  while (!signal.aborted) {
    await sleep(INTERVAL_MS);
    if (!(await runtime.runs())) {
      const lastWords = runtime.output.slice(-LAST_WORDS).join("\n");
      journal.break("lost", `workerd has ended, its last words were\n${lastWords}`);
      break;
    }
    try {
      const { queued, servers, totals } = await runtime.through((sluice) =>
        sluice.snapshot(journal.settings.pool),
      );
      journal.longestQueue = Math.max(journal.longestQueue, queued);
      journal.totals = totals;
      slots.look(servers);
      journal.ownersAre(servers.map(({ shard }) => shard));
    } catch (error) {
      journal.break("lost", `a snapshot: ${(error as Error).message}`);
    }
  }
}
