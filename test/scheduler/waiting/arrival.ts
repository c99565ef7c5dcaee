/** When a request first arrived, and how well its pool may know that. */
export interface Arrival {
  /** In ms since the epoch. */
  readonly at: number;
  /** It was the nth of all. */
  readonly nth: number;
  /** The instance of the pool that it came to. */
  readonly instance: number;
  /** It was late, or had to come again before it was told a token: its pool knows only how long it has waited. */
  byWait: boolean;
}

/**
 * First come, first served: whether one may be served while the other waits. Two that came to one instance go exactly
 * in their order; what comes from elsewhere is known to the millisecond.
 */
export function mayGoBefore(one: Arrival, other: Arrival): boolean {
  const isExact = one.instance === other.instance && !one.byWait && !other.byWait;
  return isExact ? one.nth < other.nth : one.at - other.at < 1;
}
