import { PriorityQueue } from "../collections/priority-queue.ts";
import { FailedServer } from "./failed-server.ts";
import type { Ticket, TicketRequest } from "./ticket.ts";

/** Distance of two tokens of the same millisecond, in ms. A power of two, exact in a double next to today's dates. */
const STEP_MS = 1 / 1024;

/**
 * How a ticket enters the list.
 * new       for the first time
 * returned  it waited at an earlier instance of the pool, as its token or its waiting time shows
 * retry     its request had a slot before
 */
export type Arrival = "new" | "returned" | "retry";

/**
 * Who is next: the tickets that wait, in FIFO order by their first arrival, which is what the token says. After a
 * restart, tickets return in any order, and each gets its old turn; a ticket without a token is ordered by how long it
 * has waited. Whether the next one gets a slot now is the scheduler's to say: not in a drain, nor in a regroup.
 *
 * To enter and to shift cost O(1) for new tickets, which are appended, and O(log n) for tickets that return. To leave
 * from the middle costs O(1).
 */
export class WaitingList {
  readonly #timeoutMs: number;
  /** When this instance of the pool began; `null`: there was none before. */
  readonly #restartedAt: number | null;
  #latestToken = Number.NEGATIVE_INFINITY;
  readonly #byId = new Map<string, Ticket>();
  readonly #byArrival = new PriorityQueue(arrivedBefore, hasLeft);
  /** Direct requests, in the order of their deadlines, as the timeout is the same for all. */
  readonly #byWait = new PriorityQueue(hasWaitedLonger, hasLeft);
  /** Deferred requests. */
  readonly #byExpiry = new PriorityQueue(expiresSooner, hasLeft);
  #deferred = 0;

  constructor(timeoutMs: number, restartedAt: number | null) {
    this.#timeoutMs = timeoutMs;
    this.#restartedAt = restartedAt;
  }

  get length(): number {
    return this.#byId.size;
  }

  /** How many of the tickets are of deferred requests. */
  get deferred(): number {
    return this.#deferred;
  }

  /** How many of the tickets hold a connection. */
  get direct(): number {
    return this.#byId.size - this.#deferred;
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
    const isRetry = retry !== undefined;
    const expiresAt = request.expiresAt ?? null;
    const hashKey = request.hashKey ?? null;
    const ticket: Ticket = { id, token, since, isRetry, failed, hashKey, expiresAt, left: false };
    this.#byId.set(id, ticket);
    this.#byArrival.push(ticket);
    if (expiresAt === null) this.#byWait.push(ticket);
    else {
      this.#deferred++;
      this.#byExpiry.push(ticket);
    }
    return { ticket, arrival };
  }

  /** Returns the ticket's token: its first arrival, in ms since the epoch. The token of a new ticket is unique. */
  tokenOf({ token, waitedMs = 0 }: TicketRequest, now: number): number {
    if (token === undefined && waitedMs > 0) return now - waitedMs;
    // Later than all before, even if the clock was set back or is behind the earlier instance's.
    this.#latestToken = Math.max(this.#latestToken, token ?? Math.max(now, this.#latestToken + STEP_MS));
    return token ?? this.#latestToken;
  }

  head(): Ticket | undefined {
    return this.#byArrival.peek();
  }

  /** Returns the direct request that has waited longest. A retry may stand before it, having waited less. */
  oldest(): Ticket | undefined {
    return this.#byWait.peek();
  }

  /** Returns all tickets, the next in line first. O(n log n). */
  inOrder(): Ticket[] {
    return [...this.#byId.values()].sort((a, b) => (arrivedBefore(a, b) ? -1 : 1));
  }

  /** Returns how many tickets go before this one. O(n): to be called for those who ask only. */
  ahead(ticket: Ticket): number {
    let count = 0;
    for (const other of this.#byId.values()) if (arrivedBefore(other, ticket)) count++;
    return count;
  }

  shift(): Ticket | undefined {
    const head = this.#byArrival.pop();
    if (!head) return undefined;
    this.#remove(head);
    return head;
  }

  leave(id: string): Ticket | undefined {
    const ticket = this.#byId.get(id);
    if (!ticket) return undefined;
    this.#remove(ticket);
    this.#byArrival.bury();
    return ticket;
  }

  /** Removes and returns a ticket that has waited too long; `undefined`: there is none (any more). */
  takeExpired(now: number): Ticket | undefined {
    if (this.nextDeadline() > now) return undefined;
    const expired = this.nextExpiry() <= now ? this.#byExpiry.peek() : this.#byWait.peek();
    return expired && this.leave(expired.id);
  }

  /** Returns when the next ticket times out; `Infinity`: the list is empty. */
  nextDeadline(): number {
    const first = this.#byWait.peek();
    const direct = first ? first.since + this.#timeoutMs : Number.POSITIVE_INFINITY;
    return this.#deferred === 0 ? direct : Math.min(direct, this.nextExpiry());
  }

  /** Returns when the next deferred request is given up; `Infinity`: none waits. */
  nextExpiry(): number {
    return this.#byExpiry.peek()?.expiresAt ?? Number.POSITIVE_INFINITY;
  }

  #remove(ticket: Ticket): void {
    this.#byId.delete(ticket.id);
    ticket.left = true;
    if (ticket.expiresAt === null) this.#byWait.bury();
    else {
      this.#deferred--;
      this.#byExpiry.bury();
    }
  }
}

function arrivedBefore(a: Ticket, b: Ticket): boolean {
  return a.token < b.token || (a.token === b.token && a.since < b.since);
}

function hasWaitedLonger(a: Ticket, b: Ticket): boolean {
  return a.since < b.since;
}

function expiresSooner(a: Ticket, b: Ticket): boolean {
  return (a.expiresAt as number) < (b.expiresAt as number);
}

function hasLeft(ticket: Ticket): boolean {
  return ticket.left;
}
