import { PriorityQueue } from "../collections/priority-queue.ts";
import { FailedServer } from "./failed-server.ts";
import type { Ticket, TicketRequest } from "./ticket.ts";

/** Between two tickets that arrive in the same millisecond: small, and exact in a double of today's dates. */
const STEP_MS = 1 / 1024;

/**
 * How a ticket came onto the list.
 * new       for the first time
 * returned  an earlier instance of the pool had it, as its token or its waiting time says
 * retry     it had a slot before
 */
export type Arrival = "new" | "returned" | "retry";

/**
 * Who is next: first come, first served (FIFO) by the moment of first arrival, which is what the token says. After a
 * restart tickets come back in any order, and each finds its old turn; one that was told no token goes by how long it
 * has waited.
 *
 * Entering and dispatching cost O(1) for new arrivals, which come at the end, and O(log n) for those that return;
 * leaving from the middle is a mark.
 */
export class WaitingList {
  readonly #timeoutMs: number;
  /** When this instance began; `null`: there was none before. */
  readonly #restartedAt: number | null;
  /** The latest token. */
  #latest = Number.NEGATIVE_INFINITY;
  readonly #byId = new Map<string, Ticket>();
  readonly #inOrder = new PriorityQueue(comesBefore, hasLeft);
  /** In the order in which they give up: all wait equally long at most, from when each began. */
  readonly #bySince = new PriorityQueue(startedBefore, hasLeft);

  constructor(timeoutMs: number, restartedAt: number | null) {
    this.#timeoutMs = timeoutMs;
    this.#restartedAt = restartedAt;
  }

  get length(): number {
    return this.#byId.size;
  }

  get(id: string): Ticket | undefined {
    return this.#byId.get(id);
  }

  enter(request: TicketRequest, now: number): { ticket: Ticket; arrival: Arrival } {
    const { id, retry } = request;
    const since = now - (request.waitedMs ?? 0);
    const isReturning = request.token !== undefined || since < (this.#restartedAt ?? since);
    const arrival = retry ? "retry" : isReturning ? "returned" : "new";
    const token = this.tokenOf(request, now);
    const failed = retry ? new FailedServer(retry, now) : null;
    const ticket: Ticket = { id, token, since, isRetry: retry !== undefined, failed, left: false };
    this.#byId.set(id, ticket);
    this.#inOrder.push(ticket);
    this.#bySince.push(ticket);
    return { ticket, arrival };
  }

  /** The moment of first arrival, in ms since the epoch: no other new ticket has the same. */
  tokenOf({ token, waitedMs = 0 }: TicketRequest, now: number): number {
    if (token === undefined && waitedMs > 0) return now - waitedMs;
    // A clock may be set back, or be behind the one of an earlier instance.
    this.#latest = Math.max(this.#latest, token ?? Math.max(now, this.#latest + STEP_MS));
    return token ?? this.#latest;
  }

  head(): Ticket | undefined {
    return this.#inOrder.peek();
  }

  /** Who has waited longest; a retry goes before it, whose time at the server was no wait. */
  oldest(): Ticket | undefined {
    return this.#bySince.peek();
  }

  shift(): Ticket | undefined {
    const head = this.#inOrder.pop();
    if (!head) return undefined;
    this.#byId.delete(head.id);
    head.left = true;
    this.#bySince.bury();
    return head;
  }

  leave(id: string): Ticket | undefined {
    const ticket = this.#byId.get(id);
    if (!ticket) return undefined;
    this.#byId.delete(id);
    ticket.left = true;
    this.#inOrder.bury();
    this.#bySince.bury();
    return ticket;
  }

  /** Takes out, one a call, those who have waited too long. */
  takeExpired(now: number): Ticket | undefined {
    const first = this.nextDeadline() <= now ? this.#bySince.peek() : undefined;
    return first && this.leave(first.id);
  }

  /** `Infinity`: nobody waits. */
  nextDeadline(): number {
    const first = this.#bySince.peek();
    return first ? first.since + this.#timeoutMs : Number.POSITIVE_INFINITY;
  }
}

function comesBefore(a: Ticket, b: Ticket): boolean {
  return a.token < b.token || (a.token === b.token && a.since < b.since);
}

function startedBefore(a: Ticket, b: Ticket): boolean {
  return a.since < b.since;
}

function hasLeft(ticket: Ticket): boolean {
  return ticket.left;
}
