import type { Snapshot } from "../../scheduler/snapshot.ts";
import { isDrained } from "../../words/drain.ts";

export interface Wait {
  /** The snapshot that answered the drain. */
  first: Snapshot;
  timeoutMs: number;
  /** Resolves with a new snapshot, after a pause. */
  ask: (leftMs: number) => Promise<Snapshot>;
  onSnapshot: (snapshot: Snapshot, leftMs: number) => void;
  /** True unless the snapshot's drain is another one. */
  isMine: (snapshot: Snapshot) => boolean;
}

/**
 * drained  nothing is in flight, or what was has been cut off
 * late     the timeout has passed before
 * lost     somebody else has ended the drain
 */
export interface WaitEnd {
  result: "drained" | "late" | "lost";
  snapshot: Snapshot;
}

export async function waitUntilDrained({
  first,
  timeoutMs,
  ask,
  onSnapshot,
  isMine,
}: Wait): Promise<WaitEnd> {
  const deadline = performance.now() + timeoutMs;
  for (let snapshot = first; ; ) {
    const leftMs = deadline - performance.now();
    if (!snapshot.drain || !isMine(snapshot)) return { result: "lost", snapshot };
    if (isDrained(snapshot)) return { result: "drained", snapshot };
    if (leftMs <= 0) return { result: "late", snapshot };
    onSnapshot(snapshot, leftMs);
    snapshot = await ask(leftMs);
  }
}
