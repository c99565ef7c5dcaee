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

/**
 * How many requests went before their turn, given the places in line of all requests in the order in which servers
 * began them. Whoever begins with one of `slots` slots may still have `slots - 1` ahead of it: those that have the other
 * slots and are about to begin, too.
 */
export function beforeTheirTurn(places: number[], slots: number): number {
  const first = [...new Set(places)];
  const stillAhead = (place: number, index: number) => first.slice(index + 1).filter((one) => one < place);
  return first.filter((place, index) => stillAhead(place, index).length >= slots).length;
}
