/** How many seconds are kept; a power of two, longer than the longest time that anybody is told. */
const KEPT_S = 4_096;
/** The longest time that anybody is told, in s, and from when on times are drawn once there is no room before. */
const LONGEST_S = 3_600;
const CROWDED_S = 2_700;
/** Who comes so many seconds later than told, by a slow network, is still the one who was told. */
const LATE_S = 2;

/**
 * When refused clients are told to come again. Each second has room for as many as the pool can take in (a token bucket),
 * and who is refused gets the first second that has room left, so that they come one after another and not all at once.
 *
 * It also says how many of those who come were told to. Nobody can tell one request from another: in each second as many
 * as were told count as them. Memory is the same however many are refused. Times are in ms since the epoch.
 */
export class Bookings {
  /** Ring buffers: how many were told to come in a second, and have come, at its number modulo `KEPT_S`. */
  readonly #told = new Uint32Array(KEPT_S);
  readonly #came = new Uint32Array(KEPT_S);
  readonly #random: () => number;
  /** Number of the current second. */
  #current: number;
  #perSecond = 1;
  /** How many places there are at the beginning of the current second; negative: more were told to come before. */
  #free = 1;
  /** Where the search for room goes on in this second: there is none left before. `null`: at the current second. */
  #search: { second: number; free: number } | null = null;

  constructor(now: number, random: () => number) {
    this.#current = Math.floor(now / 1_000);
    this.#random = random;
  }

  /** Returns in how many whole seconds, not before `firstMs`, there is room, if there is for `perSecond` in each. */
  book(firstMs: number, perSecond: number, now: number): number {
    this.#catchUp(now);
    this.#perSecond = perSecond;
    const second = this.#roomFrom(this.#current + Math.max(1, Math.ceil(firstMs / 1_000)));
    const index = second % KEPT_S;
    this.#told[index] = (this.#told[index] as number) + 1;
    return second - this.#current;
  }

  /** A request has come. Returns true if it counts as one of those that were told to come now. */
  takeReturn(now: number): boolean {
    this.#catchUp(now);
    for (let ago = LATE_S; ago >= 0; ago--) {
      const index = (this.#current - ago + KEPT_S) % KEPT_S;
      const came = this.#came[index] as number;
      if (came === this.#told[index]) continue;
      this.#came[index] = came + 1;
      return true;
    }
    return false;
  }

  #roomFrom(first: number): number {
    const search = this.#search ?? { second: this.#current, free: this.#free - this.#toldIn(this.#current) };
    this.#search = search;
    const last = this.#current + LONGEST_S;
    while ((search.second < first || search.free < 1) && search.second < last) {
      search.second++;
      search.free = this.#refilled(search.free) - this.#toldIn(search.second);
    }
    if (search.free < 1) return last - Math.floor(this.#random() * (LONGEST_S - CROWDED_S));
    search.free--;
    return search.second;
  }

  /** What nobody was told to use is lost, but for fractions. */
  #refilled(free: number): number {
    return Math.min(free + this.#perSecond, this.#perSecond + 1);
  }

  #toldIn(second: number): number {
    return this.#told[second % KEPT_S] as number;
  }

  /** If the clock is set back, the current second stays until it is over. */
  #catchUp(now: number): void {
    const second = Math.floor(now / 1_000);
    if (second <= this.#current) return;
    this.#search = null;
    if (second - this.#current >= KEPT_S) this.#forgetAll();
    else
      for (let over = this.#current; over < second; over++) {
        this.#free = this.#refilled(this.#free - this.#toldIn(over));
        const index = (over - LATE_S + KEPT_S) % KEPT_S;
        this.#told[index] = 0;
        this.#came[index] = 0;
      }
    this.#current = second;
  }

  #forgetAll(): void {
    this.#told.fill(0);
    this.#came.fill(0);
    this.#free = 1;
  }
}
