import assert from "node:assert/strict";
import type { PoolConfig } from "../../../src/config/types.ts";
import { type Arrival, mayGoBefore } from "./arrival.ts";

/** A request that waits, as its Worker knows it. Times are in ms since the epoch. */
export interface Waits {
  readonly id: string;
  readonly arrival: Arrival;
  /** Whose request it is, as its Worker says. */
  readonly flow?: string | undefined;
  /** Since when, without the time that servers spent on it. */
  readonly since: number;
  /** After how long a wait in all its client has enough of it, in ms. */
  readonly patienceMs?: number | undefined;
  /** After how long a wait in all its client wants to have it stored, in ms. */
  readonly deferAfterMs?: number | undefined;
  /** Only of a stored request: when it is given up. */
  readonly expiresAt?: number | undefined;
}

/** What a scheduler tells of its waiting list. */
interface Told {
  readonly queued: number;
  readonly queuedDeferred: number;
  readonly oldestSince: number | undefined;
  readonly nextExpiry: number;
  nextTick(): number;
  placeOf(id: string): number | null;
}

type Settings = Pick<PoolConfig, "queueTimeoutMs" | "flow">;

const NEVER = Number.POSITIVE_INFINITY;

/** When a request leaves the list that has waited till then. */
export function deadlineOf(waits: Waits, { queueTimeoutMs }: Settings): number {
  const { since, expiresAt, patienceMs = NEVER, deferAfterMs = NEVER } = waits;
  return expiresAt ?? since + Math.min(queueTimeoutMs, patienceMs, deferAfterMs);
}

/** Whether it is to be stored then, instead of given up. */
export function isToBeStored(waits: Waits, { queueTimeoutMs }: Settings): boolean {
  const { expiresAt, patienceMs = NEVER, deferAfterMs = NEVER } = waits;
  return expiresAt === undefined && deferAfterMs <= patienceMs && deferAfterMs < queueTimeoutMs;
}

/** Whose request it is, as far as the pool tells clients apart; `null`: nothing tells. */
export function flowOf({ flow }: Pick<Waits, "flow">, settings: Pick<PoolConfig, "flow">): string | null {
  return settings.flow ? (flow ?? null) : null;
}

/** The scheduler tells of exactly those who wait, and wants to be woken before it should have given one of them up. */
export function compareWaiting(waits: readonly Waits[], told: Told, settings: Settings): void {
  const direct = waits.filter(({ expiresAt }) => expiresAt === undefined);
  const oldest = direct.length === 0 ? undefined : Math.min(...direct.map(({ since }) => since));
  const expiry = Math.min(...waits.map(({ expiresAt }) => expiresAt ?? NEVER));
  const { queued, queuedDeferred, oldestSince, nextExpiry } = told;
  assert.equal(
    `${queued}, ${queuedDeferred} deferred, since ${oldestSince}, until ${nextExpiry}`,
    `${waits.length}, ${waits.length - direct.length} deferred, since ${oldest}, until ${expiry}`,
  );
  for (const one of waits) {
    const deadline = deadlineOf(one, settings);
    assert.ok(told.nextTick() <= deadline, `${one.id} is to be given up at ${deadline}`);
  }
}

/**
 * Each has the place that it is told: behind those of its flow who must go before it, and before those who must not.
 * Where others share, any of theirs may go before it.
 */
export function comparePlaces(waits: readonly Waits[], told: Told, settings: Settings): void {
  for (const one of waits) {
    const { id, arrival } = one;
    const flow = flowOf(one, settings);
    const own = waits.filter((other) => other.arrival !== arrival && flowOf(other, settings) === flow);
    const others = waits.filter((other) => other.arrival !== arrival).length - own.length;
    const first = own.filter((other) => !mayGoBefore(arrival, other.arrival)).length + 1;
    const last = own.filter((other) => mayGoBefore(other.arrival, arrival)).length + 1 + others;
    const place = told.placeOf(id);
    const isThere = place !== null && place >= first && place <= last;
    assert.ok(isThere, `${id} has place ${place}, not ${first} to ${last}`);
  }
}
