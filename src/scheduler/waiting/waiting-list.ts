import { PriorityQueue } from "../collections/priority-queue.ts";
import { FailedServer } from "./failed-server.ts";
import type { FairShares } from "./fair-shares.ts";
import type { Order, UsedSlot } from "./order.ts";
import { goesBefore, hasLeft, type Ticket, type TicketRequest } from "./ticket.ts";

const NEVER = Number.POSITIVE_INFINITY;
/** Distance of two tokens of the same millisecond, in ms. A power of two, exact in a double next to today's dates. */
const STEP_MS = 1 / 1024;

/**
 * How a ticket enters the list.
 * new       for the first time
 * returned  it waited at an earlier instance of the pool, as its token or its waiting time shows
 * retry     its request had a slot before
 * sent-on   it waited at another shard
 */
export type Arrival = "new" | "returned" | "retry" | "sent-on";

/**
 * Who is next: the tickets that wait, in FIFO order by their first arrival, which is what the token says, or as much
 * earlier as they go ahead; where flows share, that is so within each. After a restart, tickets return in any order, and
 * each gets its old turn; a ticket without a token is ordered by how long it has waited. Whether the next one gets a slot
 * now is the scheduler's to say: not in a drain, nor in a regroup.
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
  readonly #order: Order;
  /** `null`: all are one flow. */
  readonly #shares: FairShares | null;
  /** Direct requests, in the order of their deadlines, as the timeout is the same for all. */
  readonly #byWait = new PriorityQueue(hasWaitedLonger, hasLeft);
  /** Deferred requests. */
  readonly #byExpiry = new PriorityQueue(expiresSooner, hasLeft);
  /** Those direct requests whose clients are less patient than the pool. */
  readonly #byPatience = new PriorityQueue(isPatientLess, hasLeft);
  #deferred = 0;

  constructor(timeoutMs: number, restartedAt: number | null, shares: FairShares | null = null) {
    this.#timeoutMs = timeoutMs;
    this.#restartedAt = restartedAt;
    this.#shares = shares;
    this.#order = shares ?? new PriorityQueue(goesBefore, hasLeft);
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
    const arrival = retry ? "retry" : request.sentOn ? "sent-on" : isReturning ? "returned" : "new";
    const token = this.tokenOf(request, now);
    const failed = retry ? new FailedServer(retry, now) : null;
    const isRetry = retry !== undefined;
    const expiresAt = request.expiresAt ?? null;
    const { hashKey = null, flow = null, aheadMs = 0, patienceMs, deferAfterMs, caller = null } = request;
    const patientMs = Math.min(patienceMs ?? NEVER, deferAfterMs ?? NEVER, this.#timeoutMs);
    const ticket: Ticket = {
      id,
      token,
      due: token - aheadMs,
      flow,
      since,
      isRetry,
      failed,
      hashKey,
      expiresAt,
      caller,
      patientUntil: expiresAt === null && patientMs < this.#timeoutMs ? since + patientMs : null,
      isToBeStored: deferAfterMs === patientMs,
      left: false,
    };
    this.#byId.set(id, ticket);
    this.#order.push(ticket);
    if (expiresAt === null) this.#byWait.push(ticket);
    else {
      this.#deferred++;
      this.#byExpiry.push(ticket);
    }
    if (ticket.patientUntil !== null) this.#byPatience.push(ticket);
    return { ticket, arrival };
  }

  /** Returns the ticket's token: its first arrival, in ms since the epoch. The token of a new ticket is unique. */
  tokenOf({ token, waitedMs = 0 }: TicketRequest, now: number): number {
    if (token === undefined && waitedMs > 0) return now - waitedMs;
    // Later than all before, even if the clock was set back or is behind the earlier instance's.
    this.#latestToken = Math.max(this.#latestToken, token ?? Math.max(now, this.#latestToken + STEP_MS));
    return token ?? this.#latestToken;
  }

  /** `undefined`: nobody waits, or only those of flows that may hold no more slots. */
  head(): Ticket | undefined {
    return this.#order.peek();
  }

  /** Returns the first tickets in line, at most so many. Only where all are one flow. */
  first(most: number): Ticket[] {
    return this.#order.first(most);
  }

  /** Returns the direct request that has waited longest. A retry may stand before it, having waited less. */
  oldest(): Ticket | undefined {
    return this.#byWait.peek();
  }

  /** Returns all tickets, the next in line of each flow first. O(n log n). */
  inOrder(): Ticket[] {
    return [...this.#byId.values()].sort((a, b) => (goesBefore(a, b) ? -1 : 1));
  }

  /**
   * Returns how many tickets go before this one, as far as can be told where flows share. O(n): to be called for those who
   * ask only.
   */
  ahead(ticket: Ticket): number {
    if (this.#shares) return this.#shares.ahead(ticket, this.#byId.values());
    return this.aheadInFlow(ticket);
  }

  /** Returns how many tickets of the same flow go before this one. O(n). */
  aheadInFlow(ticket: Ticket): number {
    const isOne = this.#shares === null;
    let count = 0;
    for (const other of this.#byId.values())
      if ((isOne || other.flow === ticket.flow) && goesBefore(other, ticket)) count++;
    return count;
  }

  /** When the ticket of each flow began to wait that has waited longest; deferred ones included. O(n). */
  oldestByFlow(): Map<string | null, number> {
    const oldest = new Map<string | null, number>();
    for (const { flow, since } of this.#byId.values())
      oldest.set(flow, Math.min(since, oldest.get(flow) ?? since));
    return oldest;
  }

  /** The next in line gets this slot. */
  shift(slot: UsedSlot): Ticket | undefined {
    const head = this.#order.pop(slot);
    if (!head) return undefined;
    this.#remove(head);
    return head;
  }

  leave(id: string): Ticket | undefined {
    const ticket = this.#byId.get(id);
    if (!ticket) return undefined;
    this.#remove(ticket);
    this.#order.bury(ticket);
    return ticket;
  }

  /** Removes and returns a ticket that has waited too long; `undefined`: there is none (any more). */
  takeExpired(now: number): Ticket | undefined {
    if (this.nextDeadline() > now) return undefined;
    const expired =
      this.nextExpiry() <= now
        ? this.#byExpiry.peek()
        : this.#endOfPatience <= now
          ? this.#byPatience.peek()
          : this.#byWait.peek();
    return expired && this.leave(expired.id);
  }

  /** Returns when the next ticket times out; `Infinity`: the list is empty. */
  nextDeadline(): number {
    const first = this.#byWait.peek();
    const direct = first ? first.since + this.#timeoutMs : NEVER;
    return Math.min(direct, this.#endOfPatience, this.#deferred === 0 ? NEVER : this.nextExpiry());
  }

  /** Returns when the next deferred request is given up; `Infinity`: none waits. */
  nextExpiry(): number {
    return this.#byExpiry.peek()?.expiresAt ?? NEVER;
  }

  get #endOfPatience(): number {
    return this.#byPatience.peek()?.patientUntil ?? NEVER;
  }

  #remove(ticket: Ticket): void {
    this.#byId.delete(ticket.id);
    ticket.left = true;
    if (ticket.expiresAt === null) this.#byWait.bury();
    else {
      this.#deferred--;
      this.#byExpiry.bury();
    }
    if (ticket.patientUntil !== null) this.#byPatience.bury();
  }
}

function hasWaitedLonger(a: Ticket, b: Ticket): boolean {
  return a.since < b.since;
}

function expiresSooner(a: Ticket, b: Ticket): boolean {
  return (a.expiresAt as number) < (b.expiresAt as number);
}

function isPatientLess(a: Ticket, b: Ticket): boolean {
  return (a.patientUntil as number) < (b.patientUntil as number);
}
