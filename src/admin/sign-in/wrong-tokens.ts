/** The pause before a wrong token is answered, in ms. */
const PAUSE_MS = 200;
/** A request in its pause takes memory: without a limit, a flood of guesses would take that of proxied requests. */
const LONGEST_MS = 10 * PAUSE_MS;

/**
 * Slows guesses down, and nobody who has a right one. Keeps one number; a counter of the requests that pause would be
 * wrong for ever after a client has left in its pause.
 */
export class WrongTokens {
  #nextAt = 0;

  /** The pause, each after the one before; 0 while too many requests pause. */
  pauseMs(now: number): number {
    const endsAt = Math.max(now, this.#nextAt) + PAUSE_MS;
    if (endsAt - now > LONGEST_MS) return 0;
    this.#nextAt = endsAt;
    return endsAt - now;
  }
}
