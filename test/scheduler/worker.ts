import { hashOf } from "../../src/scheduler/terms/hash.ts";
import type { LeaseEnd } from "../../src/scheduler/terms/lease-end.ts";
import type { Waits } from "./waiting/waiting-model.ts";

/** A request's Worker, or the object of a stored one: what it knows of itself. */
export interface Worker extends Waits {
  /**
   * lost touch  its pool does not know that it waits. A stored request only if it has a slot of which it was not told
   * stored      its pool has it in the ledger, and knows neither that it waits nor of a slot
   */
  state: "lost touch" | "stored" | "waiting" | "holding" | "gone";
  /** Its requests go to the same server as all of this key, if they can. */
  readonly hashKey?: number;
  /** That it was sent to. */
  server?: string;
  /** What it was told. */
  token?: number;
  /** What it will be told if it still waits then. */
  notice?: { token: number; at: number } | undefined;
  /** How long it had waited when it was given its last slot. */
  waitedMs: number;
  /** An instance has taken it in. */
  accepted: boolean;
  /** When it last asked for a slot. */
  askedAt: number;
  /** What it told of the end of its lease. */
  ended?: LeaseEnd | undefined;
  /** Its pool has taken it off the list for its client to have it stored, which it can be by this token. */
  toBeStored?: number | undefined;
  /** Its client left before it could ask a new instance of the pool, which never heard of it. */
  leftUnheard: boolean;
  /** This is a further attempt: the server that failed the last one gets it no sooner. */
  failed?: { server: string; elsewhere: boolean; restsUntil: number } | undefined;
}

/** What a request brings along: whose it is, how far it goes ahead, and how long its client waits. */
export interface Asks extends Pick<Waits, "flow" | "patienceMs" | "deferAfterMs"> {
  readonly aheadMs?: number | undefined;
}

/** One that comes to this instance of its pool, as the nth of all, and asks for its first slot. */
export function newWorker(
  nth: number,
  { now, instance, lateMs = 0 }: { now: number; instance: number; lateMs?: number },
  { aheadMs = 0, ...wants }: Asks = {},
): Worker {
  const since = now - lateMs;
  const arrival = { at: since, aheadMs, nth, instance, isKnown: false, byWait: lateMs > 0 };
  const asks = { waitedMs: 0, accepted: false, askedAt: now, leftUnheard: false };
  // Some have no key, and others share theirs.
  const key = nth % 4 === 0 ? {} : { hashKey: hashOf(`key ${nth % 7}`) };
  return { id: `t${nth}`, state: "waiting", arrival, since, ...key, ...wants, ...asks };
}

export function isStored(worker: Waits): boolean {
  return worker.expiresAt !== undefined;
}

/** It asks once more, with another ticket. What servers spend on a direct request does not count as waiting. */
export function anotherAttempt(worker: Worker, nth: number, now: number, failed: Worker["failed"]): Worker {
  const since = isStored(worker) ? worker.since : now - worker.waitedMs;
  const fresh = { leftUnheard: false, ended: undefined, failed };
  return { ...worker, ...fresh, id: `t${nth}`, state: "waiting", since };
}
