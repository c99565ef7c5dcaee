import assert from "node:assert/strict";
import { type Arrival, mayGoBefore } from "./arrival.ts";

/** A request that waits, as its Worker knows it. Times are in ms since the epoch. */
export interface Waits {
  readonly id: string;
  readonly arrival: Arrival;
  /** Since when, without the time that servers spent on it. */
  readonly since: number;
  /** Only of a stored request: when it is given up. */
  readonly expiresAt?: number;
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

/** When a request is given up that has waited till then. */
export function deadlineOf({ since, expiresAt }: Waits, { queueTimeoutMs }: { queueTimeoutMs: number }) {
  return expiresAt ?? since + queueTimeoutMs;
}

/** The scheduler tells of exactly those who wait, and wants to be woken before it should have given one of them up. */
export function compareWaiting(
  waits: readonly Waits[],
  told: Told,
  settings: { queueTimeoutMs: number },
): void {
  const direct = waits.filter(({ expiresAt }) => expiresAt === undefined);
  const oldest = direct.length === 0 ? undefined : Math.min(...direct.map(({ since }) => since));
  const expiry = Math.min(...waits.map(({ expiresAt }) => expiresAt ?? Number.POSITIVE_INFINITY));
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

/** Each has the place that it is told: behind those who must go before it, and before those who must not. */
export function comparePlaces(waits: readonly Waits[], told: Told): void {
  for (const { id, arrival } of waits) {
    const others = waits.filter((other) => other.arrival !== arrival);
    const first = others.filter((other) => !mayGoBefore(arrival, other.arrival)).length + 1;
    const last = others.filter((other) => mayGoBefore(other.arrival, arrival)).length + 1;
    const place = told.placeOf(id);
    const isThere = place !== null && place >= first && place <= last;
    assert.ok(isThere, `${id} has place ${place}, not ${first} to ${last}`);
  }
}
