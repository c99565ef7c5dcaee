import type { PoolConfig } from "../config/types.ts";
import {
  type DeferAgain,
  type DeferAnswer,
  type DeferRequest,
  type DeferredEnd,
  type DeferredEntry,
  type DeferredQuery,
  type EndedDeferred,
  isEndState,
  type Place,
} from "../link/deferral.ts";
import type { TurnAnswer } from "../link/deferred-calls.ts";
import { deferredAddress, deferredStub } from "../link/deferred-id.ts";
import { tellEnded } from "../link/endings.ts";
import type { Env } from "../link/env.ts";
import { logError } from "../link/log.ts";
import type { Granted } from "../link/protocol.ts";
import { backoffMs, type PoolAddress } from "../link/reach.ts";
import { shardAddress, shardStub } from "../link/shards.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import type { DeferredSnapshot } from "../scheduler/snapshot.ts";
import type { LeaseEnd, SchedulerRefusal } from "../scheduler/terms/lease-end.ts";
import type { TicketRequest } from "../scheduler/waiting/ticket.ts";
import type { DeferredLedger, DeferredRow } from "./deferred-ledger.ts";
import type { LeaseHandles } from "./lease-handles.ts";

/** How often the pool looks, in ms, whether a deferred request that has no slot any more has been forgotten. */
const LOOK_MS = 30_000;
/** The list that was full is said to have room again below this part of what it can hold. */
const ROOM = 0.9;
/** How a slot of another shard ends that is not needed. */
const SURPLUS: LeaseEnd = { how: "unused", served: true };
/** The longest pause between two calls of an object that does not answer, in ms. */
const LONGEST_PAUSE_MS = 10_000;

/**
 * The pool's side of deferred requests. Nobody waits at a connection for them: their tickets are in the ledger, and the
 * pool calls a request's own object when it is its turn. What became of a request is for its object to say.
 */
export class Deferral {
  readonly #env: Env;
  readonly #pool: PoolAddress;
  readonly #max: number;
  readonly #scheduler: Scheduler;
  readonly #ledger: DeferredLedger;
  readonly #handles: LeaseHandles;
  readonly #write: (changes: () => void) => void;
  readonly #changed: () => void;
  readonly #byTicket = new Map<string, DeferredRow>();
  readonly #byId = new Map<string, DeferredRow>();
  /** Tickets that the pool has granted a slot to, until their objects have answered and the slot is known to be used. */
  readonly #granted = new Map<string, Granted>();
  /** Tickets for which another shard is being asked for a slot. */
  readonly #borrowing = new Set<string>();
  /** Tickets whose objects are being called. */
  readonly #calls = new Set<string>();

  /** `write`: see `Pool.#write`. `changed`: called when the scheduler has something to commit. */
  constructor(
    { env, pool }: { env: Env; pool: PoolConfig },
    scheduler: Scheduler,
    ledger: DeferredLedger,
    handles: LeaseHandles,
    rows: DeferredRow[],
    on: {
      write: (changes: () => void) => void;
      changed: () => void;
    },
  ) {
    this.#env = env;
    this.#pool = pool;
    this.#max = pool.deferred?.max ?? 0;
    this.#scheduler = scheduler;
    this.#ledger = ledger;
    this.#handles = handles;
    this.#write = on.write;
    this.#changed = on.changed;
    for (const row of rows) this.#remember(row);
  }

  /** The tickets that wait, of an earlier instance's rows. Those with a slot are not among them. */
  static waiting(rows: DeferredRow[], leased: ReadonlySet<string>, now: number): TicketRequest[] {
    return rows
      .filter(({ ticket, refused, lender }) => refused === null && lender === null && !leased.has(ticket))
      .map((row) => ticketOf(row, now));
  }

  get unfinished(): number {
    return this.#byId.size;
  }

  /** True if no more may wait or run. */
  get isFull(): boolean {
    return this.unfinished >= this.#max;
  }

  /** True if enough have ended since it was full, so that it is not full again at once. */
  get hasRoom(): boolean {
    return this.unfinished < this.#max * ROOM;
  }

  snapshot(now: number): DeferredSnapshot {
    const { queuedDeferred } = this.#scheduler;
    const { answered, failed } = this.#ledger.kept;
    const oldest = this.#oldestSince();
    return {
      queued: queuedDeferred,
      running: this.unfinished - queuedDeferred,
      answered,
      failed,
      oldestMs: oldest === null ? 0 : Math.max(0, now - oldest),
    };
  }

  /** True if the pool has something to say of deferred requests. */
  get isUsed(): boolean {
    return this.unfinished > 0 || Object.values(this.#ledger.kept).some((count) => count > 0);
  }

  // ── Calls of objects ──

  defer(request: DeferRequest, now: number): DeferAnswer {
    const known = this.#byId.get(request.id);
    if (known) return this.#deferred(known);
    const namesake = request.key === null ? null : this.#ledger.withKey(request.key);
    if (namesake && namesake.id !== request.id) {
      const isSame = namesake.fingerprint === request.fingerprint;
      return isSame ? { code: "repeated", id: namesake.id } : { code: "idempotency-mismatch" };
    }
    const { id, expiresAt, hashKey, flow = null, aheadMs = 0, token = null } = request;
    if (token !== null) this.#scheduler.storedAfterWait();
    const refusal = this.#scheduler.deferRefusal(this.unfinished, now, request);
    if (refusal) {
      const message = refusal === "stopped" ? (this.#scheduler.stopMessage ?? undefined) : undefined;
      const outlook = this.#scheduler.admission.deferOutlook(
        refusal,
        this.unfinished,
        request.flow ?? null,
        now,
      );
      return { code: refusal, message, outlook };
    }
    const ticket = crypto.randomUUID();
    const row: DeferredRow = {
      number: 0,
      id,
      ticket,
      token: token ?? now,
      since: now,
      expiresAt,
      hashKey,
      flow,
      aheadMs,
      refused: null,
      lender: null,
    };
    const asks = { id: ticket, expiresAt, ...orderOf(row) };
    // It has waited as a direct request: it keeps its turn, and is not counted once more.
    const keeps = token === null ? {} : { token };
    row.token = this.#scheduler.enter({ ...asks, ...keeps }, now) ?? now;
    this.#write(() => {
      row.number = this.#ledger.insert(request, row);
    });
    this.#remember(row);
    return this.#deferred(row);
  }

  again({ id, ticket, end, retry }: DeferAgain, now: number): void {
    const row = this.#byId.get(id);
    // A repeated call: the request waits with another ticket already.
    if (row?.ticket === ticket) this.#enterAgain(row, now, retry);
    this.#scheduler.end(ticket, end, now);
  }

  ended(id: string, end: DeferredEnd, now: number): number | null {
    const row = this.#byId.get(id);
    if (!row) return null;
    // Should it still hold a slot, its object has restarted before it could say how its lease ended. A slot that it
    // has never heard of it will not use.
    if (!this.#scheduler.leave(row.ticket, now))
      this.#endLease(row, { how: row.ticket === end.ticket ? "lost" : "unused" }, now);
    this.#forget(row);
    this.#write(() => this.#ledger.end(row, end, now));
    if (end.state === "failed" && end.code !== null) this.#scheduler.deferredFailed(end.code, now);
    return row.number;
  }

  withdraw(id: string, key: string | null, now: number): void {
    const row = this.#byId.get(id);
    if (!row) return;
    if (!this.#scheduler.leave(row.ticket, now)) this.#endLease(row, { how: "unused" }, now);
    this.#forget(row);
    this.#write(() => this.#ledger.delete(row, key));
  }

  forget(ended: EndedDeferred, now: number): void {
    const row = this.#byId.get(ended.id);
    // The pool has not heard of the end. That of its lease, if it holds one, is told apart.
    if (row) {
      this.#scheduler.leave(row.ticket, now);
      this.#forget(row);
      this.#write(() => this.#ledger.delete(row));
    }
    this.#write(() => this.#ledger.forget(ended));
  }

  placeOf(id: string): Place | null {
    const row = this.#byId.get(id);
    const place = row ? this.#scheduler.placeOf(row.ticket) : null;
    if (!row || place === null) return null;
    return { place, startsInMs: this.#scheduler.admission.ticketStartsInMs(row.ticket, place, Date.now()) };
  }

  list({ state, limit, after }: DeferredQuery): DeferredEntry[] {
    const isEnd = isEndState(state);
    const unfinished = isEnd
      ? []
      : this.#ledger.listUnfinished((ticket) => this.#presentOf(ticket), state, after, limit);
    const ended = isEnd || state === null ? this.#ledger.listEnded(isEnd ? state : null, after, limit) : [];
    return [...unfinished, ...ended].sort((a, b) => a.number - b.number).slice(0, limit);
  }

  // ── Decisions of the scheduler ──

  has(ticket: string): boolean {
    return this.#byTicket.has(ticket);
  }

  granted(ticket: string, granted: Granted): void {
    this.#granted.set(ticket, granted);
    void this.#call(ticket);
  }

  /**
   * Another shard may have a slot for it, as long as it waits. Of that slot its object is told with the grant, and tells how its lease
   * ends; where it is, is on record before.
   */
  async borrow(ticket: string, lender: number): Promise<void> {
    const row = this.#byTicket.get(ticket);
    // It may have got a slot since that was decided, and perhaps that very lender's: to ask again would be to give it back.
    if (!row || this.#borrowing.has(ticket) || !this.#scheduler.isQueued(ticket)) return;
    this.#borrowing.add(ticket);
    try {
      const asked = { ...ticketOf(row, Date.now()), sentOn: true };
      // Its token is this object's: another would take it for one of a list that it had.
      const { token, ...request } = asked;
      const granted = await shardStub(this.#env, this.#pool, lender).borrow(request);
      if (!granted) return;
      if (this.#byTicket.get(ticket) !== row || !this.#scheduler.lent(ticket, Date.now())) {
        await tellEnded(this.#env, shardAddress(this.#pool, lender), [{ id: ticket, end: SURPLUS }]);
        return;
      }
      row.lender = lender;
      this.#write(() => this.#ledger.update(row));
      this.#changed();
      this.granted(ticket, { ...granted, tellEnd: "alone" });
    } catch (error) {
      logError(error, { deferred: true, shard: lender });
      // The answer may be lost with which it was granted, and nothing was sent to a server. No instance may borrow by this ticket any
      // more, as its lease is ended there, perhaps late: and that is a write, which fails for one that has been replaced.
      if (this.#byTicket.get(ticket) === row && this.#scheduler.lent(ticket, Date.now())) {
        this.#enterAgain(row, Date.now());
        this.#changed();
      }
      await tellEnded(this.#env, shardAddress(this.#pool, lender), [{ id: ticket, end: SURPLUS }]);
    } finally {
      this.#borrowing.delete(ticket);
    }
  }

  refused(ticket: string, code: SchedulerRefusal): void {
    const row = this.#byTicket.get(ticket);
    if (!row) return;
    row.refused = code;
    this.#write(() => this.#ledger.update(row));
    void this.#call(ticket);
  }

  /** Its lease ran out: its object may never have heard of it, or may have died. */
  lost(ticket: string): void {
    this.#granted.delete(ticket);
    void this.#call(ticket);
  }

  /** Calls the objects of all requests that neither wait nor hold a slot, or of which an earlier instance knew more. */
  look({ afterRestart = false } = {}): void {
    for (const { ticket, refused } of this.#byTicket.values()) {
      if (this.#scheduler.isQueued(ticket) && refused === null) continue;
      // One that has a slot of another shard is asked each time: nobody says here that it was lost.
      if (afterRestart || refused !== null || !this.#scheduler.isLeased(ticket)) void this.#call(ticket);
    }
  }

  /** When the pool must be awake to `look`, or to give a request up; ms since the epoch. */
  nextLook(now: number): number {
    const { queuedDeferred, currentDrain, nextExpiry } = this.#scheduler;
    const isAtWork = this.unfinished > (currentDrain ? queuedDeferred : 0);
    return isAtWork ? Math.min(now + LOOK_MS, nextExpiry) : nextExpiry;
  }

  // ── Internals ──

  #deferred(row: DeferredRow): DeferAnswer {
    // Whoever has just been given a slot was the next in line.
    const place = this.placeOf(row.id) ?? { place: 1, startsInMs: 0 };
    return { code: "deferred", number: row.number, place };
  }

  #remember(row: DeferredRow): void {
    this.#byId.set(row.id, row);
    this.#byTicket.set(row.ticket, row);
  }

  #forget({ id, ticket }: DeferredRow): void {
    this.#byId.delete(id);
    this.#byTicket.delete(ticket);
    this.#granted.delete(ticket);
  }

  #presentOf(ticket: string): Pick<DeferredEntry, "state" | "startedAt"> {
    if (this.#scheduler.isQueued(ticket)) return { state: "queued", startedAt: null };
    return { state: "running", startedAt: this.#scheduler.leasedSince(ticket) };
  }

  #enterAgain(row: DeferredRow, now: number, retry?: DeferAgain["retry"]): void {
    // Not `#forget`: it keeps its place in `#byId`, which is in the order in which the requests came.
    this.#byTicket.delete(row.ticket);
    this.#granted.delete(row.ticket);
    row.ticket = crypto.randomUUID();
    row.lender = null;
    this.#remember(row);
    this.#write(() => this.#ledger.update(row));
    this.#scheduler.enter({ ...ticketOf(row, now), ...(retry ? { retry } : {}) }, now);
  }

  /** Calls the ticket's object until it answers, one call at a time, with what there is to say by then. */
  async #call(ticket: string): Promise<void> {
    if (this.#calls.has(ticket)) return;
    this.#calls.add(ticket);
    try {
      for (let failures = 0; this.#byTicket.has(ticket); ) {
        const row = this.#byTicket.get(ticket) as DeferredRow;
        const { refused } = row;
        const granted = this.#granted.get(ticket) ?? null;
        try {
          const answer = await this.#ask(row, granted);
          const hasMoreToSay = row.refused !== refused || (this.#granted.get(ticket) ?? null) !== granted;
          if (row.ticket === ticket && this.#byTicket.has(ticket) && hasMoreToSay) continue;
          return this.#answered(row, ticket, granted, answer);
        } catch (error) {
          if (failures++ === 0) logError(error, { deferred: true, ticket });
          // When another shard's lease is lost, nobody says so here: such a slot is offered once.
          if (row.lender !== null) this.#granted.delete(ticket);
          await scheduler.wait(backoffMs(failures, LONGEST_PAUSE_MS));
        }
      }
    } finally {
      this.#calls.delete(ticket);
    }
  }

  async #ask({ id, ticket, refused, lender }: DeferredRow, granted: Granted | null): Promise<TurnAnswer> {
    const address = deferredAddress(this.#env, id);
    if (!address) return "unknown";
    const stub = deferredStub(this.#env, address);
    if (refused !== null) return await stub.refused(ticket, refused);
    if (granted === null) return await stub.turn(ticket, null);
    if (lender !== null) return await stub.turn(ticket, { granted, lease: null, shard: lender });
    const handle = this.#handles.create(ticket);
    const answer = await stub.turn(ticket, { granted, lease: handle });
    // A short request may be over before its object has answered.
    const isHeld = this.#scheduler.isLeased(ticket) || this.#scheduler.isCutOff(ticket);
    if (answer === "begun" && isHeld) this.#handles.keep(ticket, handle);
    return answer;
  }

  #answered(row: DeferredRow, ticket: string, granted: Granted | null, answer: TurnAnswer): void {
    this.#granted.delete(ticket);
    if (answer === "begun") return;
    const now = Date.now();
    const { lender } = row;
    if (row.ticket === ticket && this.#byTicket.has(ticket)) {
      // One that takes no slot does not know its pool, as in a deploy: `look` asks it after a while. At its old place it
      // would get the same slot again at once, in a loop, and nobody else would get it.
      if (answer === "waiting" && granted === null) this.#enterAgain(row, now);
      else if (answer === "unknown") {
        this.#forget(row);
        this.#write(() => this.#ledger.deleteLost(row));
      }
    }
    // Nothing was sent to the server: the object has never taken this slot.
    if (granted !== null || answer !== "ended")
      this.#endLease({ ticket, lender }, { how: "unused", retried: answer === "waiting" }, now);
    this.#changed();
  }

  /** Ends the slot of a request whose object does not do so by itself, wherever it is. */
  #endLease({ ticket, lender }: Pick<DeferredRow, "ticket" | "lender">, end: LeaseEnd, now: number): void {
    if (lender === null) this.#scheduler.end(ticket, end, now);
    else void tellEnded(this.#env, shardAddress(this.#pool, lender), [{ id: ticket, end }]);
  }

  #oldestSince(): number | null {
    for (const { ticket, since } of this.#byId.values()) if (this.#scheduler.isQueued(ticket)) return since;
    return null;
  }
}

function ticketOf(row: DeferredRow, now: number): TicketRequest {
  const { ticket, token, since, expiresAt } = row;
  return { id: ticket, token, waitedMs: now - since, expiresAt, ...orderOf(row) };
}

/** Whose turn it is, and where it goes. */
function orderOf({
  hashKey,
  flow,
  aheadMs,
}: DeferredRow): Pick<TicketRequest, "hashKey" | "flow" | "aheadMs"> {
  return { ...(hashKey === null ? {} : { hashKey }), ...(flow === null ? {} : { flow }), aheadMs };
}
