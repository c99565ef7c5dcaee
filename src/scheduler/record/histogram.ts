/** Upper bounds in ms: from what a free slot takes to the longest wait that is usual. */
export const BOUNDS_MS: readonly number[] = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000,
  600_000,
];

/** How often a time fell into each bucket, and not into one before; the last is of those beyond all bounds. */
export interface Histogram {
  counts: number[];
  sumMs: number;
}

export function emptyHistogram(): Histogram {
  return { counts: new Array(BOUNDS_MS.length + 1).fill(0), sumMs: 0 };
}

/** A stored one; of another version's buckets nothing can be made. */
export function storedHistogram(stored: Histogram | undefined): Histogram {
  return stored?.counts.length === BOUNDS_MS.length + 1 ? stored : emptyHistogram();
}

export function observe(histogram: Histogram, ms: number): void {
  // A clock may be set back.
  const time = Math.max(0, ms);
  let bucket = 0;
  while (bucket < BOUNDS_MS.length && time > (BOUNDS_MS[bucket] as number)) bucket++;
  histogram.counts[bucket] = (histogram.counts[bucket] as number) + 1;
  histogram.sumMs += time;
}
