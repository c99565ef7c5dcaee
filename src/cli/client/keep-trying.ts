import { setTimeout as sleep } from "node:timers/promises";
import { Unreachable } from "./failures.ts";

const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [250, 2_000];

interface Options {
  /** The time after which a failure is final, in ms since the epoch. */
  giveUpAt: () => number;
  stop: AbortSignal;
  /** Called once an outage, with its first error. */
  onTrouble: (error: Unreachable) => void;
  /** Called once at the end of an outage. */
  onReached: () => void;
}

/** Repeats `ask` while it rejects with `Unreachable`, with growing pauses. Rejects with any other error. */
export async function keepTrying<T>(ask: () => Promise<T>, options: Options): Promise<T> {
  for (let pauseMs = FIRST_PAUSE_MS, troubled = false; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      const answer = await ask();
      if (troubled) options.onReached();
      return answer;
    } catch (error) {
      if (!(error instanceof Unreachable) || options.stop.aborted || Date.now() > options.giveUpAt())
        throw error;
      if (!troubled) options.onTrouble(error);
      troubled = true;
      await sleep(pauseMs, undefined, { signal: options.stop });
    }
  }
}
