import type { Snapshot } from "../../scheduler/snapshot.ts";

export interface Wait {
  /** What the pool said to the drain itself. */
  first: Snapshot;
  timeoutMs: number;
  /** How the pool is after a little while. */
  ask: (leftMs: number) => Promise<Snapshot>;
  onSnapshot: (snapshot: Snapshot, leftMs: number) => void;
  /** Is the drain that goes on still the one that is waited for? */
  isMine: (snapshot: Snapshot) => boolean;
}

/**
 * drained  no server is at work for the pool
 * late     one still is, and the time is over
 * lost     somebody ended the drain
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
    if (snapshot.state === "drained") return { result: "drained", snapshot };
    if (leftMs <= 0) return { result: "late", snapshot };
    onSnapshot(snapshot, leftMs);
    snapshot = await ask(leftMs);
  }
}
