/** How many seconds are kept, the current one included; a power of two. */
const KEPT_S = 256;
/** The longest time that a mean is taken over, in s. */
const LONGEST_S = 240;
/** The shortest such time, in s. */
const SHORTEST_S = 4;
/** So many standard deviations are not chance: the rate has changed. */
const CHANGED = 4;
/** After a silence in which so many were to be expected (by chance: 1 in 20,000), the rate is zero. */
const MISSED = 10;
/** A shorter silence, in s, may be the pause of what happens once a second. */
const SHORTEST_SILENCE_S = 2;
/** A clock that goes back by less, in ms, from the end of the current second, was only made more exact. */
const SET_BACK_MS = 3_000;

export interface Rate {
  perSecond: number;
  /** The square of its standard error: how far the true rate may be away from what was counted. */
  variance: number;
}

const NONE: Rate = { perSecond: 0, variance: 0 };

/**
 * How often something happens: it is counted by the second, over the last four minutes. To count allocates nothing, and in
 * between nothing has to run. Times are in ms since the epoch.
 */
export class RateRecord {
  /** Ring buffer: the index of a second is its number modulo `KEPT_S`. */
  readonly #counts = new Uint32Array(KEPT_S);
  /** Numbers of the first second that is known from its beginning, and of the current one. */
  #first: number;
  #current: number;
  /** When the current second ends. */
  #endsAt: number;
  /** Number of the second with the latest count. */
  #latest = Number.NEGATIVE_INFINITY;
  /** What `read` returns in the current second; `undefined`: nobody has asked yet. */
  #rate: Rate | null | undefined;

  constructor(now: number) {
    this.#current = Math.floor(now / 1_000);
    this.#endsAt = (this.#current + 1) * 1_000;
    this.#first = this.#current + 1;
  }

  count(now: number): void {
    this.#catchUp(now);
    const index = this.#current % KEPT_S;
    this.#counts[index] = (this.#counts[index] as number) + 1;
    this.#latest = this.#current;
  }

  /** What was counted until now says nothing of what is to come. */
  forget(now: number): void {
    this.#catchUp(now);
    this.#first = this.#current + 1;
    this.#rate = undefined;
  }

  /** From then on `read` returns the same, unless something is counted. */
  get settlesAt(): number {
    return Math.max(this.#latest + KEPT_S, this.#first + SHORTEST_S) * 1_000;
  }

  /**
   * Returns the mean of whole seconds back to where the rate was another, of four minutes at most: as steady as possible
   * while the rate stays, and quick when it changes. `null`: not known for long enough.
   */
  read(now: number): Rate | null {
    this.#catchUp(now);
    if (this.#rate === undefined) this.#rate = this.#estimate();
    return this.#rate;
  }

  #estimate(): Rate | null {
    const known = Math.min(this.#current - this.#first, LONGEST_S);
    if (known < SHORTEST_S) return null;
    const total = this.#sum(known);
    if (total === 0) return NONE;
    const dispersion = this.#dispersion(known, total);
    let [seconds, count] = [known, total];
    for (let ago = this.#change(seconds, count, dispersion); ago > 0; ) {
      [seconds, count] = [ago, this.#sum(ago)];
      ago = this.#change(seconds, count, dispersion);
    }
    const silence = this.#current - 1 - this.#latest;
    const missed = (count / (seconds - silence)) * silence;
    if (count === 0 || (silence >= SHORTEST_SILENCE_S && missed > MISSED * dispersion)) return NONE;
    const perSecond = count / seconds;
    return { perSecond, variance: (dispersion * perSecond) / seconds };
  }

  /** How many seconds ago, of so many, the rate has changed most; 0: not at all, as far as can be told from chance. */
  #change(seconds: number, total: number, dispersion: number): number {
    const variance = (dispersion * total) / seconds;
    let [sum, most, changedAgo] = [0, CHANGED ** 2 * variance, 0];
    for (let ago = 1; ago < seconds; ago++) {
      sum += this.#at(ago - 1);
      if (ago < SHORTEST_S) continue;
      const before = seconds - ago;
      const difference = sum / ago - (total - sum) / before;
      const deviation = difference ** 2 / (1 / ago + 1 / before);
      if (deviation > most) [most, changedAgo] = [deviation, ago];
    }
    return changedAgo;
  }

  /**
   * Variance by mean of the counts of a second: 1 if each event comes by itself (Poisson), more if they come in bursts.
   * Successive seconds are compared, so that one change of the rate is no dispersion.
   */
  #dispersion(seconds: number, total: number): number {
    let squares = 0;
    for (let ago = 1; ago < seconds; ago++) squares += (this.#at(ago) - this.#at(ago - 1)) ** 2;
    return Math.max(1, squares / (2 * (seconds - 1)) / (total / seconds));
  }

  #sum(seconds: number): number {
    let sum = 0;
    for (let ago = 0; ago < seconds; ago++) sum += this.#at(ago);
    return sum;
  }

  /** The count of a whole second; the last one that has ended is 0 ago. */
  #at(ago: number): number {
    return this.#counts[(this.#current - 1 - ago) % KEPT_S] as number;
  }

  /** The clock was set back: until it is again where it was, what was counted would seem to be the latest. */
  #beginAnew(now: number): void {
    this.#counts.fill(0);
    this.#current = Math.floor(now / 1_000);
    this.#endsAt = (this.#current + 1) * 1_000;
    this.#first = this.#current + 1;
    this.#latest = Number.NEGATIVE_INFINITY;
    this.#rate = undefined;
  }

  #catchUp(now: number): void {
    if (now < this.#endsAt) {
      if (now < this.#endsAt - SET_BACK_MS) this.#beginAnew(now);
      return;
    }
    const second = Math.floor(now / 1_000);
    const begun = Math.max(this.#current + 1, second - KEPT_S + 1);
    for (let n = begun; n <= second; n++) this.#counts[n % KEPT_S] = 0;
    this.#current = second;
    this.#endsAt = (second + 1) * 1_000;
    this.#rate = undefined;
  }
}
