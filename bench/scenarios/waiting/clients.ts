import type { HeldClient } from "../../load/held-client.ts";

/** How many requests are under way before the next are sent: within these the order is nobody's promise. */
export const BATCH = 100;

/** How many got which status; 0 is a broken connection. */
export async function statuses(clients: HeldClient[]): Promise<Map<number, number>> {
  const counts = new Map<number, number>();
  for (const client of clients) {
    const status = await client.answer.catch(() => 0);
    counts.set(status, (counts.get(status) ?? 0) + 1);
  }
  return counts;
}

/**
 * How many requests came to a server before one of an earlier batch, by more than what is under way at once: as
 * many as there are slots set out together, and may arrive in any order.
 */
export function overtaken(order: readonly number[], slots: number): number {
  const batchOf = (n: number) => Math.floor(n / BATCH);
  let earliestLater = Number.POSITIVE_INFINITY;
  let count = 0;
  for (let position = order.length - 1 - slots; position >= 0; position--) {
    earliestLater = Math.min(earliestLater, batchOf(order[position + slots] as number));
    if (batchOf(order[position] as number) > earliestLater) count++;
  }
  return count;
}
