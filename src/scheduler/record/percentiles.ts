const KEPT_STEPS = 10;
const STEP_MS = 60_000;
/** Each power of two is divided into so many buckets, so that a percentile is wrong by 1/32 at most. */
const BUCKETS_OF_AN_OCTAVE = 16;
const LONGEST_MS = 2 ** 31 - 1;
const BUCKETS = bucketOf(LONGEST_MS) + 1;

/** So many per cent of the times were no longer, in ms. */
export interface Percentiles {
  p50: number;
  p95: number;
  p99: number;
}

/** How many times there were of each length: pairs of the number of a bucket and its count. Several can be added up. */
export type Sketch = number[][];

/** `null`: there are none. */
export function percentilesOf(sketches: Iterable<Sketch>): Percentiles | null {
  const sums = new Uint32Array(BUCKETS);
  let total = 0;
  for (const sketch of sketches) {
    for (const [bucket = 0, count = 0] of sketch) {
      sums[bucket] = (sums[bucket] ?? 0) + count;
      total += count;
    }
  }
  return percentiles(sums, total);
}

function percentiles(sums: Uint32Array, total: number): Percentiles | null {
  if (total === 0) return null;
  const atMost = (share: number) => msOf(rank(sums, Math.ceil(share * total)));
  return { p50: atMost(0.5), p95: atMost(0.95), p99: atMost(0.99) };
}

/**
 * Times of the last ten minutes, by their length. To note one allocates nothing, and in between nothing has to run.
 * Instants are in ms since the epoch.
 */
export class PercentileRecord {
  /** Ring buffer: a histogram a step, at the step's number modulo `KEPT_STEPS`. */
  readonly #counts = new Uint32Array(KEPT_STEPS * BUCKETS);
  /** The sum of all steps. */
  readonly #sums = new Uint32Array(BUCKETS);
  #total = 0;
  #current: number;
  /** When the current step ends. */
  #endsAt: number;
  #latestAt = Number.NEGATIVE_INFINITY;

  constructor(now: number) {
    this.#current = Math.floor(now / STEP_MS);
    this.#endsAt = (this.#current + 1) * STEP_MS;
  }

  note(ms: number, now: number): void {
    this.#catchUp(now);
    const bucket = bucketOf(ms);
    const index = (this.#current % KEPT_STEPS) * BUCKETS + bucket;
    this.#counts[index] = (this.#counts[index] as number) + 1;
    this.#sums[bucket] = (this.#sums[bucket] as number) + 1;
    this.#total++;
    this.#latestAt = now;
  }

  /** From then on `read` returns the same, unless something is noted. */
  get settlesAt(): number {
    return this.#latestAt + KEPT_STEPS * STEP_MS;
  }

  /** `null`: nothing was noted in the last ten minutes. */
  read(now: number): Percentiles | null {
    this.#catchUp(now);
    return percentiles(this.#sums, this.#total);
  }

  /** What `read` goes by, to be added to that of others. */
  sketch(now: number): Sketch {
    this.#catchUp(now);
    return [...this.#sums].flatMap((count, bucket): Sketch => (count > 0 ? [[bucket, count]] : []));
  }

  #catchUp(now: number): void {
    if (now < this.#endsAt) return;
    const step = Math.floor(now / STEP_MS);
    const first = Math.max(this.#current + 1, step - KEPT_STEPS + 1);
    for (let begun = first; begun <= step; begun++) this.#clear((begun % KEPT_STEPS) * BUCKETS);
    this.#current = step;
    this.#endsAt = (step + 1) * STEP_MS;
  }

  /** Takes the step that begins at this index out of all. */
  #clear(start: number): void {
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const count = this.#counts[start + bucket] as number;
      this.#sums[bucket] = (this.#sums[bucket] as number) - count;
      this.#total -= count;
    }
    this.#counts.fill(0, start, start + BUCKETS);
  }
}

/** The bucket of the time with this number, in the order of their lengths, from 1. */
function rank(counts: Uint32Array, number: number): number {
  let [bucket, upTo] = [0, counts[0] as number];
  while (upTo < number) upTo += counts[++bucket] as number;
  return bucket;
}

/** Exact up to 31 ms. */
function bucketOf(ms: number): number {
  const time = Math.min(Math.max(0, Math.round(ms)), LONGEST_MS);
  if (time < BUCKETS_OF_AN_OCTAVE) return time;
  const shift = 27 - Math.clz32(time);
  return shift * BUCKETS_OF_AN_OCTAVE + (time >> shift);
}

/** The middle of a bucket. */
function msOf(bucket: number): number {
  const shift = Math.max(0, Math.floor(bucket / BUCKETS_OF_AN_OCTAVE) - 1);
  const start = (bucket - shift * BUCKETS_OF_AN_OCTAVE) * 2 ** shift;
  return start + Math.floor(2 ** shift / 2);
}
