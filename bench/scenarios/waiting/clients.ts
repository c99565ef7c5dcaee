import { HeldClient } from "../../load/held-client.ts";
import { openFilesLimit } from "../../measure/process-use.ts";
import type { SluiceSubject } from "../../subjects/sluice.ts";

/** How many requests are under way before the next are sent: within these the order is nobody's promise. */
export const BATCH = 100;

/** Of a process: its storage, its other sockets, its servers' connections. */
const OTHER_FILES = 600;
/** workerd holds each socket twice (2026-11-17). */
const FILES_A_SOCKET = 2;

/** For how many sockets a workerd process has room. */
export function roomForSockets(): number {
  return Math.floor((openFilesLimit() - OTHER_FILES) / FILES_A_SOCKET);
}

/** Requests that wait, on one connection each or all on one. */
export interface Waiting {
  size: number;
  answer: Promise<number>;
}

/** The next requests of a batch that all wait for the pool: each on its connection, as long as there is room. */
export function joinPool(sluice: SluiceSubject, from: number): Waiting[] {
  if (from + BATCH > roomForSockets()) {
    const path = `/?from=${from}&count=${BATCH}`;
    return [{ size: BATCH, answer: new HeldClient(sluice.crowdUrl, path, from).answer }];
  }
  return Array.from({ length: BATCH }, (_, n) => {
    const client = new HeldClient(sluice.url, `/order/${from + n}`, from + n);
    return { size: 1, answer: client.answer };
  });
}

/** How many were answered by a server. */
export async function served(all: Waiting[]): Promise<number> {
  let count = 0;
  for (const { size, answer } of all) {
    if ((await answer.catch(() => 0)) === 200) count += size;
  }
  return count;
}

/**
 * How many requests came to a server after one of a later batch, by more than what is under way at once: as many
 * as there are slots set out together, and may arrive in any order.
 */
export function overtaken(order: readonly number[], slots: number): number {
  const batchOf = (n: number) => Math.floor(n / BATCH);
  let latest = Number.NEGATIVE_INFINITY;
  let count = 0;
  for (let position = slots; position < order.length; position++) {
    latest = Math.max(latest, batchOf(order[position - slots] as number));
    if (batchOf(order[position] as number) < latest) count++;
  }
  return count;
}
