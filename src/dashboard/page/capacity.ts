import type { Snapshot } from "../../scheduler/snapshot.ts";
import { fullWords, timeLeftWords } from "../../words/capacity.ts";

/** A pool as it is so many ms after its snapshot: between snapshots, the page counts down by itself. */
export function aged(pool: Snapshot, ms: number): Snapshot {
  const { timeLeft, fullInMs, firstTimeoutInMs } = pool;
  const later = (left: number | null) => left && Math.max(0, left - ms);
  // Only a snapshot can tell that the list is full: 0 would mean that it is.
  const laterFull = (left: number | null) => left && Math.max(1, left - ms);
  // While nobody waits, whoever comes now has always the same time.
  const isFixed = timeLeft?.until === "queue-timeout" && firstTimeoutInMs === null;
  const shrunk = timeLeft?.until === "queue-full" ? laterFull : later;
  return {
    ...pool,
    fullInMs: laterFull(fullInMs),
    firstTimeoutInMs: later(firstTimeoutInMs),
    timeLeft: timeLeft && { ...timeLeft, ms: isFixed ? timeLeft.ms : (shrunk(timeLeft.ms) ?? 0) },
  };
}

/** How long the waiting list lasts: always a sentence, so that nothing moves when there is something to say. */
export function capacityWords(pool: Snapshot): string {
  const { arrivalsPerSecond, grantsPerSecond, fullInMs } = pool;
  const left = timeLeftWords(pool);
  if (left !== null) return `Time left: ${left}.`;
  if (fullInMs === 0) return "The waiting list is full: new requests are refused (max_queue).";
  const full = fullWords(fullInMs);
  if (full !== null) return `The waiting list is ${full} if all goes on as it does (max_queue).`;
  const isKnown = arrivalsPerSecond !== null && grantsPerSecond !== null;
  return isKnown
    ? "Nothing says that the waiting list fills up."
    : "Whether the waiting list fills up is not known yet.";
}
