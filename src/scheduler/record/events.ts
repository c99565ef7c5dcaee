import type { CutOff, DeferRefusal, EndRefusal, SchedulerRefusal } from "../terms/lease-end.ts";
import type { ServerSettings } from "../terms/rows.ts";

/** How a drain has ended. */
export interface DrainEnd {
  /** Whose drain it was. */
  owner: string;
  /** Who ended it; `null`: it expired. */
  by: string | null;
  /** `forced`: it was another one than `by` claimed. */
  cause: "resumed" | "forced" | "expired";
}

/**
 * Everything that happens to a pool and that people may want to know. Instants are ISO 8601 in UTC; `by` is the operator
 * who has done it.
 */
export type Happening =
  | { kind: "drain"; owner: string; by: string; reason: string | null; expiresAt: string }
  /** Nothing is in flight any more in a drain, or it was cut off. */
  | { kind: "drained" }
  /** From now on requests are refused with the message. */
  | { kind: "stop"; owner: string; by: string; message: string | null; expiresAt: string }
  /** As `drained`, in a stop. */
  | { kind: "stopped" }
  /** Leases that were still held were cut off, as an operator had asked. `server`: its only; `null`: the pool's. */
  | { kind: "cut"; leases: number; server: string | null }
  | ({ kind: "resume" } & DrainEnd)
  /** `got`: what the last check got, if checks are the cause. */
  | { kind: "server-down"; server: string; cause: "checks" | "connections"; got?: string }
  | { kind: "server-up"; server: string }
  /** A server has registered, and was not there before. */
  | { kind: "server-registered"; server: string; url: string; by: string }
  /** A server that had registered takes no more requests. `by: null`: it has not renewed its registration in time. */
  | { kind: "server-left"; server: string; by: string | null }
  /** The pool has asked for servers, as requests wait and none is up. */
  | { kind: "wake"; got: string }
  /** An operator has changed a server; only what differs now. */
  | ({ kind: "server-changed"; server: string; by: string } & ServerSettings)
  | { kind: "quarantine"; server: string; lease: string; cause: CutOff }
  /** An operator has freed a slot. */
  | { kind: "slot-freed"; server: string; lease: string; by: string }
  | { kind: "refusal"; code: SchedulerRefusal | DeferRefusal | EndRefusal }
  /** A deferred request has failed; `code` is its refusal's. */
  | { kind: "deferred-failed"; code: string }
  /** The pool's object has restarted while there were requests. */
  | { kind: "restart" };

export type PoolEvent = Happening & {
  /** Rises by one with each event, through restarts. */
  id: number;
  at: string;
  /** Of events that can come in floods: how often it happened between `at` and `until`. `lease` is of the latest. */
  count?: number;
  until?: string;
  /** Of a pool of several objects: in which of them it happened; absent: in the first, or to all. */
  shard?: number;
};

/**
 * Returns the key of the run that a happening belongs to; `null`: it never forms one. Happenings of a run, each within
 * `RUN_MS` of the last, are one event that grows, so that a flood does not fill the journal.
 */
export function runOf(happening: Happening): string | null {
  if (happening.kind === "refusal" || happening.kind === "deferred-failed")
    return `${happening.kind} ${happening.code}`;
  if (happening.kind === "wake") return `wake ${happening.got}`;
  if (happening.kind === "quarantine") return `quarantine ${happening.server} ${happening.cause}`;
  return null;
}

/** The longest pause within a run, in ms. */
const RUN_MS = 10_000;
/** The same of calls for servers, which come at their own pace. */
const WAKE_RUN_MS = 600_000;

export function runMs({ kind }: Happening): number {
  return kind === "wake" ? WAKE_RUN_MS : RUN_MS;
}

/** How many events are kept. */
export const MOST_EVENTS = 200;

/**
 * Returns the index of the event to drop from a full list: the oldest, or the oldest of a kind that makes up more than
 * half of the list, so that a flood of one kind does not displace all others.
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
