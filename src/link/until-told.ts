import { backoffMs } from "./reach.ts";

/** The platform ends an invocation this long after its client left; trying on past that is of no use. */
const TRIES_MS = 28_000;

/** Says how leases ended until the pool has it on record, through restarts of its object. Never rejects. */
export async function untilTold(pool: string, leases: string[], tell: () => Promise<void>): Promise<void> {
  const givesUpAt = Date.now() + TRIES_MS;
  for (let attempt = 1; ; attempt++) {
    try {
      await tell();
      return;
    } catch (error) {
      if (Date.now() > givesUpAt) {
        // They run out by themselves, and their slots go through quarantine.
        console.error(JSON.stringify({ pool, leases, error: String(error) }));
        return;
      }
      await scheduler.wait(backoffMs(attempt));
    }
  }
}
