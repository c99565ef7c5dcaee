import { setTimeout as sleep } from "node:timers/promises";
import { Unreachable } from "./failures.ts";

const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [250, 2_000];

export interface Trying {
  /** Ms since the epoch; from then on the last failure stands. */
  giveUpAt: () => number;
  /** No more tries from then on. */
  stop: AbortSignal;
  /** Called once when Sluice cannot be reached any more. */
  onTrouble: (error: Unreachable) => void;
  /** Called once when it can be again. */
  onReached: () => void;
}

/** Asks again while Sluice cannot be reached; every other failure is for the caller. */
export async function keepTrying<T>(ask: () => Promise<T>, trying: Trying): Promise<T> {
  for (let pauseMs = FIRST_PAUSE_MS, troubled = false; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      const answer = await ask();
      if (troubled) trying.onReached();
      return answer;
    } catch (error) {
      if (!(error instanceof Unreachable) || trying.stop.aborted || Date.now() > trying.giveUpAt())
        throw error;
      if (!troubled) trying.onTrouble(error);
      troubled = true;
      await sleep(pauseMs, undefined, { signal: trying.stop });
    }
  }
}
