import type { PoolConfig } from "../config/types.ts";
import { type Drain, type DrainRequest, DrainSwitch } from "./drain.ts";
import type { CheckResult } from "./fleet/checks.ts";
import { Fleet } from "./fleet/fleet.ts";
import type { SlotRow } from "./fleet/leases.ts";
import { isHeld, type Server, type ServerPatch, type ServerRow, type Slot } from "./fleet/server.ts";
import { Chronicle } from "./record/chronicle.ts";
import type { Counters, Counts, Totals } from "./record/counters.ts";
import type { PoolEvent } from "./record/events.ts";
import type { Journal } from "./record/journal.ts";
import { Outbox, type SchedulerRefusal } from "./record/outbox.ts";
import type { CutOff } from "./terms/lease-end.ts";
import { FailedServer } from "./waiting/failed-server.ts";
import { Places } from "./waiting/places.ts";
import { Regroup } from "./waiting/regroup.ts";
import { type Waiting, WaitingList } from "./waiting/waiting-list.ts";

export interface TicketRequest {
  id: string;
  /** The place it was given before; absent on first arrival. */
  seq?: number;
  /** How long it has waited already, in ms. */
  waitedMs?: number;
  /** How long it has paused, in ms, since it last tried to reach the pool; absent: as long as any may. */
  pausedMs?: number;
  /**
   * A further attempt, after a server failed the request: it goes by the `seq` it had, to another one if it can. The
   * server that is to `rest` gets it no sooner than in `ms`.
   */
  retry?: { avoid: string | null; rest?: { server: string; ms: number } };
}

/** How long a retry waits for another server before it takes the one that failed it again. */
const AVOID_MS = 1_000;

/** What the ledger kept of an earlier instance. */
export interface Restored {
  slots: SlotRow[];
  servers: Map<string, ServerRow>;
  drain: Drain | null;
  /** It ended while tickets of a still earlier instance were coming back. */
  regrouping: boolean;
  /** Every seq given so far is below this. */
  nextSeq: number;
  counts: Partial<Counts>;
  events: PoolEvent[];
}

/**
 * Who may talk to which server, and when: the pool's rules and nothing else. No clock, no storage, no promise
 * and no platform in here, so that thousands of random histories can be played against it: each event comes
 * with the time, and what follows from it is collected in the outbox until `takeOutbox()`.
 *
 * A slot's lease has the id of the ticket it was granted to. Every event may be repeated without harm.
 */
export class Scheduler {
  readonly #settings: PoolConfig;
  readonly #random: () => number;
  readonly #chronicle: Chronicle;
  readonly #fleet: Fleet;
  readonly #waiting: WaitingList;
  readonly #drain: DrainSwitch;
  readonly #regroup: Regroup;
  readonly #places: Places;
  #outbox = new Outbox();

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
    this.#waiting = new WaitingList(settings.queueTimeoutMs);
    this.#places = new Places(restored?.nextSeq ?? null, now);
    this.#drain = new DrainSwitch(settings.drainExpiresMs, restored?.drain ?? null);
    const changes = {
      slot: (slot: Slot) => this.#outbox.slotChanged(slot),
      server: (server: Server) => this.#outbox.serverChanged(server),
      happened: this.journal.note.bind(this.journal),
    };
    this.#fleet = new Fleet(settings, restored, changes, now, newId);
    // Requests wait only while the pool is drained or no server can take one; else nobody is on the way back.
    const hadQueue = restored?.regrouping || this.#drain.current !== null || !this.#fleet.idle;
    this.#regroup = new Regroup(now, restored !== null && hadQueue);
    this.#outbox.regroupChanged = this.#regroup.active;
    if (restored?.slots.some(isHeld)) this.#chronicle.restarted(now);
    this.tick(now);
  }

  // ── Requests ──

  /** A request asks for a slot, for the first time or again after it lost touch with the pool. */
  acquire(ticket: TicketRequest, now: number): void {
    const { id } = ticket;
    this.#fleet.work(now);
    const held = this.#fleet.leased(id);
    const known = this.#waiting.get(id);
    if (held) {
      // Granted, but the answer never arrived: its holder has sent nothing to the server yet.
      this.#holderLives(held, now);
      this.#outbox.decided({ kind: "grant", ticket: id, slot: held, seq: ticket.seq ?? null });
    } else if (known) {
      this.#outbox.decided({ kind: "queued", ticket: id, seq: known.seq });
    } else if (this.#refusesForLackOfServers(now)) {
      this.#refuse(id, "no-server", now);
    } else if (ticket.seq !== undefined) {
      // It was accepted before: a list that is full by now does not turn it away.
      if (!ticket.retry) this.#ticketReturned(ticket, now);
      this.#tellIfQueued(this.#enqueue(ticket, ticket.seq, now));
    } else {
      const waitedMs = ticket.waitedMs ?? 0;
      const { seq, returned } = this.#places.ofArrival(waitedMs, now);
      if (returned) this.#ticketReturned(ticket, now);
      // This instance was there all the time, and out of its reach.
      const late = !returned && waitedMs > 0 ? this.#waiting.placeBefore(now - waitedMs) : undefined;
      const waiting = this.#enqueue(ticket, late ?? seq, now);
      if (!returned && !waiting.left && this.#waiting.length > this.#settings.maxQueue) {
        this.#waiting.leave(id);
        this.#refuse(id, "queue-full", now);
        return;
      }
      this.counters.accepted();
      this.#tellIfQueued(waiting);
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

  /** The server is done with the request, whatever we thought of its holder meanwhile. */
  release(id: string, now: number, status?: number): void {
    const slot = this.#fleet.leased(id);
    if (!slot) return;
    if (isHeld(slot)) this.counters.completed(slot.server.name, now - slot.since, status);
    this.#fleet.answered(slot, now);
    this.#dispatch(now);
  }

  /** The lease was granted to a client that had left: nothing was sent to the server. */
  giveBack(id: string, now: number): void {
    const slot = this.#fleet.leased(id);
    if (!slot) return;
    if (isHeld(slot)) this.counters.abandoned();
    this.#fleet.free(slot, now);
    this.#dispatch(now);
  }

  /** The request ended before its server was done, as far as we know. `retried`: it will be tried again. */
  cutOff(id: string, cause: CutOff, now: number, retried = false, status?: number): void {
    const slot = this.#fleet.leased(id);
    if (!slot) return;
    if (retried) this.#countRetry(slot);
    else if (isHeld(slot) && cause === "early")
      this.counters.completed(slot.server.name, now - slot.since, status);
    else if (isHeld(slot)) this.#chronicle.cutOff(cause, now);
    // Quarantined already, its holder taken to be lost: what the holder knows better counts from now.
    this.#fleet.cutOff(slot, cause, now);
    this.#serversChanged(now);
  }

  /** The server said that it is busy for somebody else: it has nothing of this request, which comes back. */
  busy(id: string, restMs: number, now: number): void {
    const slot = this.#fleet.leased(id);
    if (!slot) return;
    this.#countRetry(slot);
    this.#fleet.rest(slot, restMs, now);
    this.#dispatch(now);
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
    if (isHeld(slot)) this.counters.abandoned();
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

  takeOutbox(): Outbox {
    const outbox = this.#outbox;
    this.#outbox = new Outbox();
    return outbox;
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

  get drained(): Readonly<Drain> | null {
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

  /** All places given so far are below. */
  get nextSeq(): number {
    return this.#places.next;
  }

  get servers(): readonly Server[] {
    return this.#fleet.servers;
  }

  /** Slots whose server may be at work for a request. */
  get inFlight(): number {
    return this.#fleet.inFlight;
  }

  /** A server is about to be asked something, and one of its slots may be held for that. */
  get asks(): boolean {
    return this.#outbox.questions.length > 0;
  }

  /** A server would take a request at once. */
  get hasFreeSlot(): boolean {
    return this.#fleet.hasFreeSlot;
  }

  // ── Rules ──

  #enqueue(ticket: TicketRequest, seq: number, now: number): Waiting {
    const since = now - (ticket.waitedMs ?? 0);
    this.#places.taken(seq);
    const retry = ticket.retry !== undefined;
    const waiting = this.#waiting.add(ticket.id, seq, since, { retry, failed: failedServer(ticket, now) });
    this.#dispatch(now);
    return waiting;
  }

  #tellIfQueued({ id, seq, left }: Waiting): void {
    if (!left) this.#outbox.decided({ kind: "queued", ticket: id, seq });
  }

  #ask(now: number): void {
    this.#outbox.asks(this.#fleet.questions(this.#waiting.length > 0, now));
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
      if (!head.retry) this.counters.granted(now - head.since);
      this.#outbox.decided({ kind: "grant", ticket: head.id, slot, seq: head.seq });
    }
  }

  #holderLives(slot: Slot, now: number): void {
    // It was counted as lost, and is not.
    if (slot.state === "quarantined") this.counters.notAbandoned();
    this.#fleet.renew(slot, now);
  }

  #countRetry(slot: Slot): void {
    if (!isHeld(slot)) {
      if (!slot.lost) return;
      // It was counted as lost, and is not.
      this.counters.notAbandoned();
    }
    this.counters.retried(slot.server.name);
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

function failedServer({ retry }: TicketRequest, now: number): FailedServer | null {
  const name = retry?.avoid ?? retry?.rest?.server;
  if (!retry || !name) return null;
  // No longer than it may be avoided: a head of the list that waits for it holds up the others.
  const restMs = retry.rest && Math.min(retry.rest.ms, AVOID_MS);
  return new FailedServer(
    name,
    restMs === undefined ? null : now + restMs,
    retry.avoid ? now + AVOID_MS : null,
  );
}
