import type { PoolConfig } from "../config/types.ts";
import { type Drain, type DrainRequest, DrainSwitch } from "./drain.ts";
import { Fleet } from "./fleet/fleet.ts";
import type { CheckResult } from "./fleet/health.ts";
import type { Server } from "./fleet/server.ts";
import type { Slot } from "./fleet/slot.ts";
import { Chronicle } from "./record/chronicle.ts";
import type { Counters, Counts, Totals } from "./record/counters.ts";
import type { PoolEvent } from "./record/events.ts";
import type { Journal } from "./record/journal.ts";
import { type Changes, Outbox } from "./record/outbox.ts";
import type { LeaseEnd, SchedulerRefusal } from "./terms/lease-end.ts";
import { isHeld, type ServerPatch, type ServerRow, type SlotRow } from "./terms/rows.ts";
import { Regroup } from "./waiting/regroup.ts";
import type { Ticket, TicketRequest } from "./waiting/ticket.ts";
import { WaitingList } from "./waiting/waiting-list.ts";

/** What the ledger kept of an earlier instance. */
export interface Restored {
  slots: SlotRow[];
  servers: ServerRow[];
  drain: Drain | null;
  /** It ended while tickets of a still earlier instance were coming back. */
  regrouping: boolean;
  counts: Partial<Counts>;
  events: PoolEvent[];
}

/**
 * Who may talk to which server, and when: the pool's rules and nothing else. No clock, no storage, no promise
 * and no platform in here, so that thousands of random histories can be played against it: each event comes
 * with the time, and what follows from it is collected in the outbox until `takeChanges()`.
 *
 * A slot's lease has the id of the ticket it was granted to. Every event may be repeated without harm.
 */
export class Scheduler {
  readonly #settings: PoolConfig;
  readonly #random: () => number;
  readonly #outbox = new Outbox();
  readonly #chronicle: Chronicle;
  readonly #fleet: Fleet;
  readonly #waiting: WaitingList;
  readonly #drain: DrainSwitch;
  readonly #regroup: Regroup;

  /** `newId` never gives an id twice, in no instance of the pool. */
  constructor(
    settings: PoolConfig,
    restored: Restored | null,
    now: number,
    random = Math.random,
    newId = () => `${Math.random()}-${Math.random()}`,
  ) {
    this.#settings = settings;
    this.#random = random;
    this.#chronicle = new Chronicle(restored);
    this.#waiting = new WaitingList(settings.queueTimeoutMs, restored && now);
    this.#drain = new DrainSwitch(settings.drainExpiresMs, restored?.drain ?? null);
    const record = { outbox: this.#outbox, journal: this.journal };
    this.#fleet = new Fleet(settings, restored, record, now, newId);
    // Requests wait only while the pool is drained or no server can take one; else nobody is on the way back.
    const hadQueue = restored?.regrouping || this.#drain.current !== null || !this.#fleet.idle;
    this.#regroup = new Regroup(now, restored !== null && hadQueue);
    this.#outbox.regroupChanged = this.#regroup.active;
    if (restored?.slots.some(isHeld)) this.#chronicle.restarted(now);
    this.tick(now);
  }

  // ── Requests ──

  /** A request asks for a slot, for the first time or again after it lost touch with the pool. */
  enter(request: TicketRequest, now: number): void {
    const { id } = request;
    this.#fleet.work(now);
    const held = this.#fleet.leased(id);
    const known = this.#waiting.get(id);
    if (held) {
      // Granted, but the answer never arrived: its holder has sent nothing to the server yet.
      this.#holderLives(held, now);
      this.#outbox.decided({
        kind: "grant",
        ticket: id,
        slot: held,
        token: this.#waiting.tokenOf(request, now),
      });
    } else if (known) {
      this.#outbox.decided({ kind: "queued", ticket: id, token: known.token });
    } else if (this.#refusesForLackOfServers(now)) {
      this.#refuse(id, "no-server", now);
    } else {
      this.#enqueue(request, now);
    }
  }

  /** The client left while its request waited. `false`: it does not wait (any more). */
  leave(id: string): boolean {
    if (!this.#waiting.leave(id)) return false;
    this.counters.abandoned();
    return true;
  }

  /** The holder lives. `false`: the slot is no longer its own. */
  renew(id: string, now: number): boolean {
    const slot = this.#fleet.leased(id);
    if (!slot) return false;
    this.#holderLives(slot, now);
    return true;
  }

  /**
   * The request's lease is over. Of a slot in quarantine, whose holder was taken to be lost, what the holder knows
   * better counts from now.
   */
  end(id: string, end: LeaseEnd, now: number): void {
    const slot = this.#fleet.leased(id);
    if (!slot) return;
    this.#chronicle.leaseEnded(slot, end, now);
    this.#fleet.end(slot, end, now);
    this.#serversChanged(now);
  }

  // ── Servers ──

  /** How a health check went. */
  checked(id: string, result: CheckResult, now: number): void {
    this.#fleet.checked(id, result, now);
    this.#serversChanged(now);
    this.tick(now);
  }

  /** A check that had timed out has ended after all: its server is at it no more. */
  checkedLate(id: string, result: CheckResult, now: number): void {
    this.#fleet.checkedLate(id, result, now);
    this.tick(now);
  }

  /** A server said whether it is idle, asked at `askedAt`. */
  probed(server: string, idle: boolean, askedAt: number, now: number): void {
    this.#fleet.probed(server, idle, askedAt, now);
    this.tick(now);
  }

  // ── Operator ──

  /** `false`: another owner holds the drain. */
  drain(request: DrainRequest, now: number): boolean {
    const started = this.#drain.start(request, now);
    if (started === "held") return false;
    if (started !== "over") this.#outbox.drainChanged = true;
    const { current } = this.#drain;
    if (started === "begun" && current) {
      this.#chronicle.drainBegun(current, now);
      this.#noteIfDrained(now);
    }
    return true;
  }

  /** `false`: another owner holds the drain. */
  resume(owner: string, force: boolean, now: number): boolean {
    if (!this.#drain.current) return true;
    const cause = this.#drain.current.owner === owner ? "resumed" : "forced";
    const resumed = this.#drain.resume(owner, force);
    if (resumed) this.#drainEnded(owner, cause, now);
    return resumed;
  }

  /** `false`: no such server in the configuration. */
  changeServer(name: string, patch: ServerPatch, now: number): boolean {
    if (!this.#fleet.change(name, patch, now)) return false;
    // One that is back in service is looked at before it gets work.
    this.#ask(now);
    this.#serversChanged(now);
    this.tick(now);
    return true;
  }

  /** The operator knows that the server is idle. `false`: no such lease. */
  freeLease(id: string, now: number): boolean {
    const slot = this.#fleet.taken(id);
    if (!slot) return false;
    this.#chronicle.freedByHand(slot, now);
    this.#fleet.free(slot, now);
    this.#dispatch(now);
    return true;
  }

  // ── Time ──

  /** Ends everything whose time has come. */
  tick(now: number): void {
    this.#fleet.tick(now, () => this.counters.abandoned());
    for (let late = this.#waiting.takeExpired(now); late; late = this.#waiting.takeExpired(now)) {
      this.#refuse(late.id, "queue-timeout", now);
    }
    // In a drain too: nobody looks at it there, and its time must not come again and again.
    this.#waiting.head()?.failed?.tick(now);
    if (this.#drain.expire(now)) this.#drainEnded(null, "expired", now);
    if (this.#regroup.end(now)) this.#outbox.regroupChanged = true;
    this.#ask(now);
    this.#dispatch(now);
  }

  /** When `tick` has something to do next; `Infinity`: never. */
  nextTick(): number {
    return Math.min(
      this.#fleet.next(),
      this.#waiting.nextDeadline(),
      this.#waiting.head()?.failed?.next() ?? Number.POSITIVE_INFINITY,
      this.#regroup.endsAt,
      this.#drain.current?.expiresAt ?? Number.POSITIVE_INFINITY,
    );
  }

  // ── What there is to see ──

  takeChanges(): Changes {
    return this.#outbox.take();
  }

  get journal(): Journal {
    return this.#chronicle.journal;
  }

  get counters(): Counters {
    return this.#chronicle.counters;
  }

  get totals(): Totals {
    return this.counters.totals;
  }

  /** The drain that is on, whether or not requests are still in flight. */
  get currentDrain(): Readonly<Drain> | null {
    return this.#drain.current;
  }

  /** Are servers' healths checked at all? */
  get hasChecks(): boolean {
    return this.#settings.check !== null;
  }

  get regrouping(): boolean {
    return this.#regroup.active;
  }

  get queued(): number {
    return this.#waiting.length;
  }

  get oldestSince(): number | undefined {
    return this.#waiting.oldest()?.since;
  }

  get servers(): readonly Server[] {
    return this.#fleet.servers;
  }

  /** Slots whose server may be at work for a request. */
  get inFlight(): number {
    return this.#fleet.inFlight;
  }

  /** A server is about to be asked something, and one of its slots may be held for that. */
  get hasQuestions(): boolean {
    return this.#outbox.hasQuestions;
  }

  /** A server would take a request at once. */
  get hasFreeSlot(): boolean {
    return this.#fleet.hasFreeSlot;
  }

  // ── Rules ──

  #enqueue(request: TicketRequest, now: number): void {
    const { ticket, arrival } = this.#waiting.enter(request, now);
    if (arrival === "returned") this.#ticketReturned(request, now);
    this.#dispatch(now);
    // What was accepted before is not turned away by a list that is full by now.
    if (arrival === "new" && !ticket.left && this.#waiting.length > this.#settings.maxQueue) {
      this.#waiting.leave(ticket.id);
      this.#refuse(ticket.id, "queue-full", now);
      return;
    }
    // With a token it was counted when it was given that.
    if (request.token === undefined && arrival !== "retry") this.counters.accepted();
    if (!ticket.left) this.#outbox.decided({ kind: "queued", ticket: ticket.id, token: ticket.token });
  }

  #ask(now: number): void {
    this.#outbox.ask(this.#fleet.questions(this.#waiting.length > 0, now));
  }

  #dispatch(now: number): void {
    this.#noteIfDrained(now);
    if (this.#fleet.checkOverdue) this.#ask(now);
    if (!this.#drain.current && !this.#regroup.active) this.#grant(now);
    this.#fleet.requestsHadTheirTurn();
  }

  #grant(now: number): void {
    for (let head = this.#waiting.head(); head; head = this.#waiting.head()) {
      head.failed?.tick(now);
      const slot = this.#fleet.grant(head.id, head.failed, now, this.#random);
      if (!slot) return;
      this.#waiting.shift();
      this.#granted(head, slot, now);
    }
  }

  #granted({ id, token, since, isRetry }: Ticket, slot: Slot, now: number): void {
    if (!isRetry) this.counters.granted(now - since);
    this.#outbox.decided({ kind: "grant", ticket: id, slot, token });
  }

  #holderLives(slot: Slot<Server>, now: number): void {
    if (slot.state === "quarantined") this.#chronicle.holderFound();
    this.#fleet.renew(slot, now);
  }

  #ticketReturned({ pausedMs }: TicketRequest, now: number): void {
    if (this.#regroup.returned(now, pausedMs)) this.#outbox.regroupChanged = true;
    if (this.#regroup.active) this.#chronicle.restarted(now);
  }

  #noteIfDrained(now: number): void {
    if (this.#drain.current && this.#fleet.inFlight === 0) this.#chronicle.drained(now);
  }

  #drainEnded(owner: string | null, cause: "resumed" | "forced" | "expired", now: number): void {
    this.#outbox.drainChanged = true;
    this.#chronicle.drainEnded(owner, cause, now);
    this.#serversChanged(now);
  }

  /** There may be more to give, or nobody left to wait for. */
  #serversChanged(now: number): void {
    if (this.#refusesForLackOfServers(now)) {
      for (let next = this.#waiting.shift(); next; next = this.#waiting.shift())
        this.#refuse(next.id, "no-server", now);
    }
    this.#dispatch(now);
  }

  #refuse(ticket: string, code: SchedulerRefusal, now: number): void {
    this.#chronicle.refused(code, now);
    this.#outbox.decided({ kind: "refuse", ticket, code });
  }

  /** A drain holds everything: the deploy behind it may well take every server down. */
  #refusesForLackOfServers(now: number): boolean {
    return this.#settings.whenDown === "refuse" && !this.#drain.current && this.#fleet.isOut(now);
  }
}
