/** Pauses between two looks: at first a few, later a tenth of the time that it has taken so far. */
const [LEAST_MS, MOST_MS] = [2, 50];

/**
 * Asks until the answer fits, and resolves with that. It asks ever more seldom, as asking costs both sides CPU time: as
 * often as at first, a test that waits for seconds would keep half a core busy.
 */
export async function until<T>(
  ask: () => T | Promise<T>,
  fits: (answer: T) => boolean,
  patienceMs = 20_000,
): Promise<T> {
  for (const begun = Date.now(); ; ) {
    const answer = await ask();
    if (fits(answer)) return answer;
    const waited = Date.now() - begun;
    if (waited > patienceMs) throw new Error(`not in time, still ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, Math.min(Math.max(waited / 10, LEAST_MS), MOST_MS)));
  }
}
