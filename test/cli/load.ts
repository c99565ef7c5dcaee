import { setTimeout as sleep } from "node:timers/promises";
import type { Answer } from "../support/connections.ts";
import type { SingleFlightPool } from "../support/single-flight-pool.ts";

/** The load ends after so many requests, even if a test does not. */
const MOST_REQUESTS = 3_000;

/**
 * Sends requests at a constant rate until `end`, without waiting for earlier ones: users do not know of a deploy.
 * Resolves with all answers.
 */
export async function loadUntil(
  pool: SingleFlightPool,
  end: Promise<unknown>,
  perSecond: number,
): Promise<Answer[]> {
  const answers: Promise<Answer>[] = [];
  let over = false;
  void end.finally(() => {
    over = true;
  });
  for (const began = performance.now(); !over && answers.length < MOST_REQUESTS; await sleep(5)) {
    const due = ((performance.now() - began) / 1_000) * perSecond;
    while (answers.length < Math.min(due, MOST_REQUESTS)) {
      const answer = pool.client.get(`/${answers.length}`);
      // Failures are counted at the end.
      answer.catch(() => {});
      answers.push(answer);
    }
  }
  return Promise.all(answers);
}
