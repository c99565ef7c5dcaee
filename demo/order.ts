/**
 * Requests that are sent within this time of each other may reach the gate in any order: each has a connection
 * of its own, and a busy machine accepts many at once.
 */
export const SAME_TIME_MS = 500;

export interface Begun {
  number: number;
  sentAt: number;
}

/** How many requests were overtaken by one sent later, given all requests in the order in which servers began them. */
export function overtaken(begun: Begun[]): number {
  const late = new Set<number>();
  let latestSent = Number.NEGATIVE_INFINITY;
  for (const { number, sentAt } of begun) {
    if (latestSent - sentAt > SAME_TIME_MS) late.add(number);
    latestSent = Math.max(latestSent, sentAt);
  }
  return late.size;
}
