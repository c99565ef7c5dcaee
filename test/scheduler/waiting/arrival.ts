/** When a request first arrived, and how well its pool may know that. */
export interface Arrival {
  /** In ms since the epoch. */
  readonly at: number;
  /** It goes as if it had come so much earlier, in ms. */
  readonly aheadMs: number;
  /** It was the nth of all. */
  readonly nth: number;
  /** The instance of the pool that it came to. */
  readonly instance: number;
  /** Its request is stored, and has waited through each restart: the new instance knows of it before anybody comes. */
  isKnown: boolean;
  /** It was late, or had to come again before it was told a token: its pool knows only how long it has waited. */
  byWait: boolean;
}

/**
 * First come, first served, or as much earlier as a request goes ahead: whether one may be served while the other waits.
 * Two that came to one instance, and go ahead alike, go exactly in their order, and so do those that come after a stored
 * one; all else is known to the millisecond.
 */
export function mayGoBefore(one: Arrival, other: Arrival): boolean {
  return isExact(one, other) ? one.nth < other.nth : dueAt(one) - dueAt(other) < 1;
}

function dueAt({ at, aheadMs }: Arrival): number {
  return at - aheadMs;
}

function isExact(one: Arrival, other: Arrival): boolean {
  if (one.byWait || other.byWait || one.aheadMs !== other.aheadMs) return false;
  const first = one.nth < other.nth ? one : other;
  return one.instance === other.instance || first.isKnown;
}
