/** What a drain or a stop waits for, and what it cuts off, for the page and the command alike. */
import type { CutSnapshot, Snapshot } from "../scheduler/snapshot.ts";
import { counted } from "./phrases.ts";
import { wholeSeconds } from "./times.ts";

/** True if a drain or a stop waits for nothing any more: nothing is in flight, or what was has been cut off. */
export function isDrained({ state }: Pick<Snapshot, "state">): boolean {
  return state === "drained" || state === "stopped";
}

/** `cuts off in 12 s`; `null`: nothing is to be cut off, or it was. */
export function cutAhead(cut: CutSnapshot | null | undefined, now: number): string | null {
  if (!cut || cut.done) return null;
  return `cuts off in ${wholeSeconds(Date.parse(cut.at) - now)}`;
}

/** How many requests were cut off. */
export function cutLeases(cut: CutSnapshot | null | undefined): number {
  return cut?.done ? (cut.leases ?? 0) : 0;
}

/** `3 requests cut off`; `null`: none was. */
export function cutWords(cut: CutSnapshot | null | undefined): string | null {
  const leases = cutLeases(cut);
  return leases === 0 ? null : `${counted(leases, "request")} cut off`;
}
