/** `setTimeout` cannot wait longer: its delay is a signed 32-bit number of ms. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * One timer that calls `wake` at the earliest time asked for, then waits for the next `wakeBy`. Used by the pool's
 * object while it is in memory, and by each request's `Clock`. `wakeBy` only ever moves the timer to an earlier time,
 * so that thousands of leases a second do not each set and clear one; a wake-up with nothing to do is harmless.
 */
export class Ticker {
  readonly #wake: () => void;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #at = Number.POSITIVE_INFINITY;

  constructor(wake: () => void) {
    this.#wake = wake;
  }

  /** Wakes no later than `at`. Both are ms since the epoch; a time beyond `setTimeout`'s limit wakes too early. */
  wakeBy(at: number, now: number): void {
    if (at >= this.#at) return;
    this.stop();
    this.#at = at;
    const delay = Math.min(Math.max(0, at - now), LONGEST_TIMEOUT_MS);
    this.#timer = setTimeout(() => {
      this.#at = Number.POSITIVE_INFINITY;
      this.#wake();
    }, delay);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#at = Number.POSITIVE_INFINITY;
  }
}

export interface Alarm {
  /** ms since the epoch. */
  at: number;
  ring: () => void;
}

/**
 * The alarms of one request, which share one timer: a runtime timer for each of three cost 4 % of a request's CPU time
 * (workerd 2026-11-17).
 */
export class Clock {
  readonly #alarms = new Set<Alarm>();
  readonly #ticker = new Ticker(() => this.#ring());

  /** Rings once, `ms` from now, unless the alarm is cancelled or the clock stopped before. */
  set(ms: number, ring: () => void): Alarm {
    const now = Date.now();
    const alarm = { at: now + ms, ring };
    this.#alarms.add(alarm);
    this.#ticker.wakeBy(alarm.at, now);
    return alarm;
  }

  /** Leaves the timer as it is: a wake-up with nothing to do is harmless. */
  cancel(alarm: Alarm): void {
    this.#alarms.delete(alarm);
  }

  stop(): void {
    this.#alarms.clear();
    this.#ticker.stop();
  }

  #ring(): void {
    const now = Date.now();
    for (const alarm of [...this.#alarms]) {
      // An alarm that has just rung may have cancelled this one.
      if (alarm.at <= now && this.#alarms.delete(alarm)) alarm.ring();
    }
    for (const { at } of this.#alarms) this.#ticker.wakeBy(at, now);
  }
}

/** Rejects if `answer` takes longer than `ms`. The work behind it is not cancelled. */
export async function inTime<T>(answer: Promise<T>, ms: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer for ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
