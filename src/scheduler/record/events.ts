import type { CutOff, EndRefusal, SchedulerRefusal } from "../terms/lease-end.ts";
import type { ServerOverride } from "../terms/rows.ts";

/** Everything about a pool that a person may want to have been told. Instants are ISO 8601 in UTC. */
export type Happening =
  | { kind: "drain"; owner: string; reason: string | null; expiresAt: string }
  /** The last lease of a drain has ended. */
  | { kind: "drained" }
  | { kind: "resume"; owner: string | null; cause: "resumed" | "forced" | "expired" }
  | { kind: "server-down"; server: string; cause: "checks" | "connections" }
  | { kind: "server-up"; server: string }
  /** By an operator; only what changed. */
  | ({ kind: "server-changed"; server: string } & ServerOverride)
  | { kind: "quarantine"; server: string; lease: string; cause: CutOff }
  /** By an operator. */
  | { kind: "slot-freed"; server: string; lease: string }
  | { kind: "refusal"; code: SchedulerRefusal | EndRefusal }
  /** The pool's object started anew, and found requests of before. */
  | { kind: "restart" };

export type PoolEvent = Happening & {
  /** Rises by one an event, through restarts. */
  id: number;
  at: string;
  /** Of what can come in floods: how often it happened from `at` until `until`; `lease` is the latest. */
  count?: number;
  until?: string;
};

/** What happens again within `RUN_MS` makes one event grow instead of being a new one. `null`: it never does. */
export function runOf(happening: Happening): string | null {
  if (happening.kind === "refusal") return `refusal ${happening.code}`;
  if (happening.kind === "quarantine") return `quarantine ${happening.server} ${happening.cause}`;
  return null;
}

export const RUN_MS = 10_000;

/** How many events are kept. */
export const MOST_EVENTS = 200;

/**
 * Which one of too many goes: the oldest; but of a kind that has more than half of the list, so that a flood
 * of it does not push everything else out.
 */
export function dispensable(events: readonly { kind: Happening["kind"] }[]): number {
  const counts = new Map<string, number>();
  for (const { kind } of events) {
    const count = (counts.get(kind) ?? 0) + 1;
    if (count > events.length / 2) return events.findIndex((event) => event.kind === kind);
    counts.set(kind, count);
  }
  return 0;
}
