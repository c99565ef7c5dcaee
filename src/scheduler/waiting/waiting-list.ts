import { PriorityQueue } from "../collections/priority-queue.ts";
import type { FailedServer } from "./failed-server.ts";

/** A request that holds no lease yet. Times are milliseconds since the epoch. */
export interface Waiting {
  readonly id: string;
  /** Place in the order: given on first arrival, kept when the ticket comes back after a restart. */
  readonly seq: number;
  readonly since: number;
  /** It had a slot before, whose server failed it. */
  readonly retry: boolean;
  /** Which one; `null` also where nobody said so. */
  readonly failed: FailedServer | null;
  left: boolean;
}

/** Who shares a place came to it by the time of its arrival. */
const comesBefore = (a: Waiting, b: Waiting) => a.seq < b.seq || (a.seq === b.seq && a.since < b.since);
const startedBefore = (a: Waiting, b: Waiting) => a.since < b.since;
const hasLeft = (waiting: Waiting) => waiting.left;

/**
 * First come first served by `seq`, not by the moment of insertion: after a restart tickets come back in any
 * order and each finds its old place. Entering and dispatching cost O(1) for new arrivals, which come at the end,
 * and O(log n) for those that return; leaving from the middle is a mark.
 */
export class WaitingList {
  readonly #timeoutMs: number;
  readonly #byId = new Map<string, Waiting>();
  readonly #bySeq = new PriorityQueue(comesBefore, hasLeft);
  /** In the order in which they give up: all wait equally long at most, from when each began. */
  readonly #bySince = new PriorityQueue(startedBefore, hasLeft);

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  get length(): number {
    return this.#byId.size;
  }

  get(id: string): Waiting | undefined {
    return this.#byId.get(id);
  }

  add(
    id: string,
    seq: number,
    since: number,
    { retry, failed }: Pick<Waiting, "retry" | "failed"> = { retry: false, failed: null },
  ): Waiting {
    const waiting: Waiting = { id, seq, since, retry, failed, left: false };
    this.#byId.set(id, waiting);
    this.#bySeq.push(waiting);
    this.#bySince.push(waiting);
    return waiting;
  }

  head(): Waiting | undefined {
    return this.#bySeq.peek();
  }

  /** The place of the first of those who came later than `since`, whom one of then goes before by sharing it. */
  placeBefore(since: number): number | undefined {
    let place: number | undefined;
    for (const waiting of this.#byId.values()) {
      // A retry's place is older than what it counts as its wait.
      if (waiting.retry || waiting.since <= since) continue;
      place = Math.min(place ?? waiting.seq, waiting.seq);
    }
    return place;
  }

  /** Who has waited longest; a retry goes before it, whose time at the server was no wait. */
  oldest(): Waiting | undefined {
    return this.#bySince.peek();
  }

  shift(): Waiting | undefined {
    const head = this.#bySeq.pop();
    if (!head) return undefined;
    this.#byId.delete(head.id);
    head.left = true;
    this.#bySince.bury();
    return head;
  }

  leave(id: string): Waiting | undefined {
    const waiting = this.#byId.get(id);
    if (!waiting) return undefined;
    this.#byId.delete(id);
    waiting.left = true;
    this.#bySeq.bury();
    this.#bySince.bury();
    return waiting;
  }

  /** Takes out, one a call, those who have waited too long. */
  takeExpired(now: number): Waiting | undefined {
    const first = this.nextDeadline() <= now ? this.#bySince.peek() : undefined;
    return first && this.leave(first.id);
  }

  /** `Infinity`: nobody waits. */
  nextDeadline(): number {
    const first = this.#bySince.peek();
    return first ? first.since + this.#timeoutMs : Number.POSITIVE_INFINITY;
  }
}
