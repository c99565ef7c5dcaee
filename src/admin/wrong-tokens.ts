/** The pause before a wrong token is answered, of one isolate: guesses get slow, whoever has the token does not. */

const PAUSE_MS = 200;
/** More would be held in memory at once, so that a flood of guesses could crowd out the requests of pools. */
const LONGEST_MS = 10 * PAUSE_MS;

/** One number is all it keeps: a count of those that pause would be wrong for ever once a client leaves in its pause. */
export class WrongTokens {
  #nextAt = 0;

  /** How long this one has to wait, each after those before it; 0 if too many do already. */
  pauseMs(now: number): number {
    const endsAt = Math.max(now, this.#nextAt) + PAUSE_MS;
    if (endsAt - now > LONGEST_MS) return 0;
    this.#nextAt = endsAt;
    return endsAt - now;
  }
}
