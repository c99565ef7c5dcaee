import type { PoolConfig } from "../config/types.ts";
import { Admission, type Refused } from "./admission.ts";
import { type Capacity, capacityOf } from "./capacity.ts";
import { type Drain, type DrainRequest, DrainSwitch, type ResumeRequest } from "./drain.ts";
import type { CheckReport } from "./fleet/check-report.ts";
import { Fleet } from "./fleet/fleet.ts";
import { LEASE_TTL_MS } from "./fleet/leases.ts";
import type { Registered, RegisterRequest } from "./fleet/registrations.ts";
import type { Assigned } from "./fleet/roster.ts";
import type { Server } from "./fleet/server.ts";
import type { Slot } from "./fleet/slot.ts";
import { Passing } from "./passing.ts";
import { Chronicle } from "./record/chronicle.ts";
import type { Counters, Counts, Totals } from "./record/counters.ts";
import type { DrainEnd, PoolEvent } from "./record/events.ts";
import type { Journal } from "./record/journal.ts";
import { type Changes, type Decision, Outbox } from "./record/outbox.ts";
import type { Traffic } from "./record/traffic.ts";
import { type ShardOptions, Sharing } from "./sharing.ts";
import type { DeferRefusal, LeaseEnd, SchedulerRefusal } from "./terms/lease-end.ts";
import type { Next, Passed, PassPermit } from "./terms/passing.ts";
import {
  isHeld,
  type RestoredRegistration,
  type ServerPatch,
  type ServerRow,
  type SlotRow,
} from "./terms/rows.ts";
import { FairShares, type FlowUse } from "./waiting/fair-shares.ts";
import { Regroup } from "./waiting/regroup.ts";
import type { Ticket, TicketRequest } from "./waiting/ticket.ts";
import { WaitingList } from "./waiting/waiting-list.ts";
import { Wake, type WakeRecord } from "./wake.ts";

/** The state that an earlier instance of the pool's object left in the ledger. */
export interface Restored {
  slots: SlotRow[];
  servers: ServerRow[];
  registered: RestoredRegistration[];
  lastWake: WakeRecord | null;
  drain: Drain | null;
  /** True if that instance was still waiting for its own tickets to return. */
  regrouping: boolean;
  /** Deferred requests that wait; with tokens. */
  deferred: TicketRequest[];
  counts: Partial<Counts>;
  events: PoolEvent[];
}

/**
 * The pool's rules: which request gets a slot of which server, and when. It has no clock, storage, promise or platform,
 * so that thousands of random histories can be played against it. Each method is an event that brings the time with it,
 * in ms since the epoch; what follows from it is collected in the outbox until `takeChanges()`.
 *
 * A lease has the id of its ticket. Any event may come twice without harm, because Workers repeat
 * their calls.
 */
export class Scheduler {
  readonly #settings: PoolConfig;
  readonly #random: () => number;
  readonly #outbox = new Outbox();
  readonly #chronicle: Chronicle;
  readonly #fleet: Fleet;
  /** `null`: all are one flow. */
  readonly #shares: FairShares | null;
  readonly #waitingList: WaitingList;
  readonly #drainSwitch: DrainSwitch;
  readonly #regroup: Regroup;
  readonly #wake: Wake;
  readonly #passing: Passing;
  readonly #sharing: Sharing;
  /** Which requests may wait, and what the others are told. */
  readonly admission: Admission;
  /** Of the fleet. */
  #seenRevision = 0;
  /** When the first retry that was passed over may go to another server than before; `Infinity`: none was. */
  #passedOverUntil = Number.POSITIVE_INFINITY;

  /** `newId` returns an id that is unique across all instances of the pool. */
  constructor(
    settings: PoolConfig,
    restored: Restored | null,
    now: number,
    random = Math.random,
    newId = () => `${Math.random()}-${Math.random()}`,
    shard: ShardOptions | null = null,
  ) {
    this.#settings = settings;
    this.#random = random;
    this.#chronicle = new Chronicle(restored, now);
    const mostInFlight = settings.maxInFlightPerFlow ?? Number.POSITIVE_INFINITY;
    this.#shares = settings.flow && new FairShares(mostInFlight, LEASE_TTL_MS + settings.quarantine.maxMs);
    this.#waitingList = new WaitingList(settings.queueTimeoutMs, restored && now, this.#shares);
    this.#wake = new Wake(settings.wake?.everyMs ?? null, restored?.lastWake ?? null, now);
    this.#drainSwitch = new DrainSwitch(
      settings.drainExpiresMs,
      restored?.drain ?? null,
      shard?.follows ?? false,
    );
    const record = { outbox: this.#outbox, journal: this.journal };
    this.#fleet = new Fleet(settings, restored, record, now, newId, this.#shares, shard?.isElsewhere);
    const shared = {
      ...{ settings, waitingList: this.#waitingList, fleet: this.#fleet },
      ...{ drainSwitch: this.#drainSwitch, outbox: this.#outbox },
    };
    this.#sharing = new Sharing(shared, shard, random);
    this.admission = new Admission(
      {
        settings,
        waitingList: this.#waitingList,
        shares: this.#shares,
        fleet: this.#fleet,
        drainSwitch: this.#drainSwitch,
        chronicle: this.#chronicle,
        outbox: this.#outbox,
        isShard: shard !== null,
      },
      random,
      now,
    );
    // Tickets wait only in a drain, for an occupied slot, or for a server: without these, none can be on its way back.
    const hadQueue = restored?.regrouping || this.#drainSwitch.current !== null || !this.#fleet.idle;
    this.#regroup = new Regroup(now, restored !== null && hadQueue);
    this.#passing = new Passing(
      {
        settings,
        waitingList: this.#waitingList,
        fleet: this.#fleet,
        outbox: this.#outbox,
        mayGrant: () => this.#mayGrant,
      },
      now,
    );
    this.#outbox.regroupChanged = this.#regroup.active;
    if (restored?.slots.some(isHeld)) this.#chronicle.restarted(now);
    for (const ticket of restored?.deferred ?? []) this.#waitingList.enter(ticket, now);
    this.tick(now);
  }

  // ── Requests ──

  /**
   * A request asks for a slot: for the first time, for a retry, or again because its call was lost. Returns the token
   * of a ticket that is new to this instance.
   */
  enter(request: TicketRequest, now: number): number | undefined {
    const { id } = request;
    this.#fleet.work(now);
    this.#freeIfCut(request, now);
    const slot = this.#fleet.leased(id);
    const ticket = this.#waitingList.get(id);
    if (slot) {
      // The answer with the grant was lost, so nothing was sent to the server yet: repeat the grant.
      this.#renewLease(slot, now);
      this.#outbox.decided({
        kind: "grant",
        ticket: id,
        slot,
        token: this.#waitingList.tokenOf(request, now),
      });
    } else if (ticket) {
      // Its earlier call has failed, and is in no line any more.
      ticket.caller = request.caller ?? null;
      this.#outbox.decided({ kind: "queued", ticket: id, token: ticket.token });
    } else if (this.#sharing.sendsOn(request)) {
      // Another shard says whether it may wait.
    } else if (this.admission.stop && !this.#isUninformed && request.expiresAt === undefined) {
      if (!request.retry) this.admission.turnedAway(now);
      this.#refuse(request, "stopped", now);
    } else if (this.admission.refusesForLackOfServers(request.expiresAt !== undefined, now)) {
      if (this.#sharing.mayAskAnother(request))
        this.#sharing.sendOn(id, { hasPlace: request.token !== undefined, to: null });
      else this.#refuse(request, "no-server", now);
    } else {
      return this.#enqueue(request, now);
    }
    return undefined;
  }

  /** The client of a waiting ticket left. Returns false if the ticket is not on the waiting list (any more). */
  leave(id: string, now: number): boolean {
    const ticket = this.#waitingList.leave(id);
    if (!ticket) return false;
    this.counters.abandoned();
    this.traffic.left(ticket, now);
    // It may have been the next in line, and have waited for another server than the one that is free.
    if (ticket.failed) this.#dispatch(now);
    return true;
  }

  /** The holder of a lease shows that it is alive. Returns false if the slot is no longer the holder's. */
  renew(id: string, now: number): boolean {
    const slot = this.#fleet.leased(id);
    if (!slot) return false;
    this.#renewLease(slot, now);
    return true;
  }

  /**
   * A lease has ended. Does nothing for one that is unknown or has ended before. If the slot is in quarantine, because
   * its holder was presumed lost, the holder's report replaces that presumption. `hop`: how often it had been passed on.
   */
  end(id: string, end: LeaseEnd, now: number, hop = 0): void {
    const slot = this.#fleet.leased(id) ?? this.#fleet.cutOff(id);
    if (!slot) return;
    // When its last request began, a message says that comes later than this one.
    if (hop > slot.hop) slot.since = now;
    this.#chronicle.leaseEnded(slot, end, now);
    this.#fleet.end(slot, end, hop, now);
    this.#refuseOrDispatch(now);
  }

  /**
   * A request has passed its lease on to the next in line of its isolate. The slot was not free between them. It is no
   * news if the message comes twice.
   */
  passed({ lease, server, hop, end, to, agoMs }: Passed, isolate: string, now: number): void {
    const at = now - Math.max(0, agoMs);
    const ticket = this.#waitingList.leave(to);
    const slot = this.#fleet.leased(lease) ?? this.#fleet.cutOff(lease);
    if (slot) this.#slotPassed(slot, { hop, end, isolate, at }, now);
    // The lease has ended since, by a message that was faster.
    else if (this.#fleet.passedBefore(lease, hop) || ticket) this.#chronicle.passedOn(server, null, end, now);
    if (!ticket) {
      // It was sent on at the same moment, and does not go.
      const since = this.#sharing.wasPassed(to);
      if (since !== undefined) this.counters.granted(at - since);
      return;
    }
    this.counters.granted(at - ticket.since);
    this.traffic.granted(ticket, now);
    this.#outbox.decided({ kind: "passed", ticket: to, token: ticket.token });
  }

  /** Permits the holder of this lease, which was just granted, to pass it on; `undefined`: it must not. */
  passPermit(lease: string, now: number): PassPermit | undefined {
    const slot = this.#fleet.leased(lease);
    return slot && this.#passing.permit(slot, this.#fleet.nextCheckOf(slot.server), now);
  }

  /** Returns who is next, for an answer to this isolate; `undefined`: leases of this pool are never passed on. */
  next(isolate: string): Next | undefined {
    return this.#passing.next(isolate);
  }

  /** See `Fleet`. */
  uncertainUntil(name: string): number {
    return this.#fleet.uncertainUntil(name);
  }

  /** Returns the id of the lease that operators call so; `null`: there is none in flight. */
  leaseNamed(name: string): string | null {
    return this.#fleet.slotNamed(name)?.lease ?? null;
  }

  /** The holder of a lease attaches, after which it passes the lease on no more. `hop`: how often it had been passed on. */
  attach(id: string, now: number, hop = 0): boolean {
    const slot = this.#fleet.leased(id);
    if (slot) this.#fleet.attach(slot, hop);
    const cut = this.#fleet.cutOff(id);
    if (cut) this.#fleet.heardOf(cut, hop);
    return this.renew(id, now);
  }

  /**
   * Names a server for a request that takes no slot, and counts the request unless a server of `failed` got it before.
   * `halted`: in a drain such requests wait for slots like others.
   */
  freeServer(failed: readonly string[], now: number, mayAskAnother = false): Server | "halted" | "no-server" {
    if (this.#drainSwitch.current && !this.#settings.freePathsInDrain) return "halted";
    this.#fleet.work(now);
    const server = this.#fleet.pickFree(failed);
    if (!server) {
      if (!mayAskAnother) this.#chronicle.refused("no-server", now);
    } else if (failed.length === 0) this.counters.wentFree();
    return server ?? "no-server";
  }

  /**
   * Returns why a request may not be stored now; `null`: it may. `unfinished`: how many wait or run already. `token`: of
   * the direct request that it was, and that had waited.
   */
  deferRefusal(
    unfinished: number,
    now: number,
    { flow = null, token = null }: { flow?: string | null; token?: number | null } = {},
  ): DeferRefusal | null {
    // One that waited as a direct request is not new to its flow.
    const code = this.admission.deferRefusal(unfinished, token === null ? flow : undefined, now);
    // Nor is one refused that has waited: its client goes on waiting.
    if (code && token === null) this.#chronicle.refused(code, now);
    if (code === "no-server") this.#askForServers(now);
    return code;
  }

  /** A direct request that had waited as long as its client wanted to is stored, or waits on: it is not abandoned. */
  storedAfterWait(): void {
    this.counters.notAbandoned();
  }

  /** A deferred request has failed, by whatever its client is told; `code` is the refusal's. */
  deferredFailed(code: string, now: number): void {
    this.#chronicle.deferredFailed(code, now);
  }

  // ── Servers ──

  /** A health check has ended. `id` is that of its `Question`. */
  checked(id: string, report: CheckReport, now: number): void {
    this.#fleet.checked(id, report, now);
    this.#refuseOrDispatch(now);
    this.tick(now);
  }

  /** A check that had timed out has ended after all, so the server is not busy with it any more. */
  checkedLate(id: string, report: CheckReport, now: number): void {
    this.#fleet.checkedLate(id, report, now);
    this.tick(now);
  }

  /** The server of this identity has answered a probe, sent at `askedAt`. `idle`: it said that it is. */
  probed(identity: string, idle: boolean, askedAt: number, now: number): void {
    this.#fleet.probed(identity, idle, askedAt, now);
    this.tick(now);
  }

  /** A server registers, for the first time or again. Nothing changes if it is `known` or the pool is `full`. */
  register(request: RegisterRequest, now: number): Registered {
    const registered = this.#fleet.register(request, now);
    this.#serversChanged(now);
    return registered;
  }

  /**
   * A server that has registered leaves: its last requests finish. Returns `null` if there is none of this name, or at this
   * URL if one is given.
   */
  deregister(name: string, url: string | null, by: string, now: number): Server | null {
    const server = this.#fleet.deregister(name, url, by, now);
    this.#serversChanged(now);
    return server;
  }

  /** Whom the pool has asked for servers has answered: `got` says what, in words. */
  woken(got: string, now: number): void {
    this.#wake.answered(got);
    this.#outbox.wakeChanged = true;
    this.#chronicle.journal.note({ kind: "wake", got }, now);
  }

  // ── Operator ──

  /** Begins or extends a drain or a stop. Returns false if another one is on. */
  drain(request: DrainRequest, now: number): boolean {
    const started = this.#drainSwitch.start(request, now);
    const { current } = this.#drainSwitch;
    if (started === "held") return false;
    if (started === "over" || !current) return true;
    this.#outbox.drainChanged = true;
    this.#passing.recall();
    if (started === "begun") this.#chronicle.drainBegun(current, now);
    if (started === "turned") this.#chronicle.drainTurned(current, now);
    if (started !== "extended") {
      if (this.#settings.deferred?.when === "drained") this.traffic.kindsChanged(now);
      if (current.stop) this.#refuseAll("stopped", false, now);
    }
    this.#cutWhatIsDue(now);
    this.#noteIfDrained(now);
    return true;
  }

  /** Ends the drain, if there is one. Returns false if it is another one, which `force` does not end. */
  resume(request: ResumeRequest, now: number): boolean {
    const ended = this.#drainSwitch.resume(request);
    if (ended === null) return true;
    if (ended === "held") return false;
    this.#afterDrain({ owner: ended.drain.owner, by: request.by, cause: ended.cause }, now);
    // Deferred requests that waited have kept no checks going.
    this.tick(now);
    return true;
  }

  /** Returns false if the configuration has no such server. */
  changeServer(name: string, patch: ServerPatch, by: string, now: number): boolean {
    if (!this.#fleet.change(name, patch, by, now)) return false;
    this.#serversChanged(now);
    return true;
  }

  /** Frees a slot, because the operator knows that its server is idle. Returns false if there is no such lease. */
  freeLease(name: string, by: string, now: number): boolean {
    const slot = this.#fleet.slotNamed(name);
    if (!slot) return false;
    this.#chronicle.freedByHand(slot, by, now);
    this.#fleet.free(slot, now);
    this.#dispatch(now);
    return true;
  }

  // ── Shards ──

  /**
   * The pool has several objects, and this one has heard what it is to do: which servers are its own, and which drain is on, if
   * that is another one's to say.
   */
  assign(assigned: Assigned & { drain: Drain | null }, now: number): void {
    this.#fleet.assign(assigned, now);
    if (this.#sharing.follows) this.#followDrain(assigned.drain, now);
    if (this.#sharing.isToGoOn || this.isBare) this.sendOn(this.#waitingList.length, null, now);
    this.#serversChanged(now);
  }

  /** So many of the requests that wait may go to another shard, or all; see `Sharing`. Returns how many are chosen. */
  sendOn(count: number, to: number | null, now: number): number {
    const chosen = this.#sharing.sendThoseWhoWait(count, to);
    if (chosen === 0) return 0;
    // None of them is to be passed a lease.
    this.#passing.recall();
    this.#dispatch(now);
    return chosen;
  }

  /** A deferred request that waits has got another shard's slot. Returns false if it does not wait any more. */
  lent(id: string, now: number): boolean {
    const ticket = this.#waitingList.leave(id);
    if (!ticket) return false;
    this.#dispatch(now);
    return true;
  }

  /** Requests wait at another shard, and no server of the pool is there: it asks for servers. */
  othersWait({ count, since }: { count: number; since: number }, now: number): void {
    if (this.#wake.nextAt > now || this.#drainSwitch.current) return;
    this.#askForServers(now, { queued: count, since });
  }

  /** The other shards' requests have ended, or their servers were cut off, as far as is known. */
  othersChanged(now: number): void {
    this.#noteIfDrained(now);
  }

  /** True if nothing is in flight here, or it was cut off by the drain that is on. */
  get isQuiet(): boolean {
    return this.#fleet.inFlight === 0 || this.#drainSwitch.current?.isCut === true;
  }

  /** See `Sharing`. */
  longWaits(ms: number, now: number): { count: number; since: number } | null {
    return this.#sharing.longWaits(ms, now);
  }

  /** Requests wait at another object: the servers of this one are checked as if they did here. */
  othersWantRoom(now: number): void {
    this.#fleet.work(now);
    this.#ask(now);
  }

  /** See `Sharing`. */
  get isBare(): boolean {
    return this.#sharing.isBare;
  }

  /** How many slots requests would get at once that nobody waits for. */
  get room(): number {
    const isClosed = !this.#mayGrant || this.#sharing.isToGoOn || this.#waitingList.length > 0;
    return isClosed ? 0 : this.#fleet.freeSlots;
  }

  /** How many slots requests can get, now or once they are free. */
  get slots(): number {
    return this.#fleet.slots;
  }

  // ── Time ──

  /** Ends all states, waits and drains whose time has come. */
  tick(now: number): void {
    this.#fleet.tick(now, () => this.counters.abandoned());
    for (let late = this.#waitingList.takeExpired(now); late; late = this.#waitingList.takeExpired(now)) {
      this.traffic.left(late, now);
      this.#giveUp(late, now);
    }
    // Also in a drain, where `#grant` does not do it: `nextTick` would stay in the past, and wake the pool in a loop.
    this.#waitingList.head()?.failed?.tick(now);
    this.#cutWhatIsDue(now);
    const expired = this.#drainSwitch.expire(now);
    if (expired) this.#afterDrain({ owner: expired.owner, by: null, cause: "expired" }, now);
    if (this.#regroup.end(now)) this.#outbox.regroupChanged = true;
    this.#ask(now);
    this.#refuseOrDispatch(now);
  }

  /** Returns when `tick` has something to do next; `Infinity`: never. */
  nextTick(): number {
    return Math.min(
      this.#fleet.next(),
      this.#waitingList.nextDeadline(),
      this.#waitingList.head()?.failed?.next() ?? Number.POSITIVE_INFINITY,
      this.#passedOverUntil,
      this.#regroup.endsAt,
      this.#drainSwitch.nextCut,
      this.#drainSwitch.expiresAt,
      this.#nextWake,
    );
  }

  // ── State ──

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

  /** What came and went in the last minutes. */
  get traffic(): Traffic {
    return this.#chronicle.traffic;
  }

  /** The drain that is on, whether or not anything is still in flight; `null`: none. */
  get currentDrain(): Readonly<Drain> | null {
    return this.#drainSwitch.current;
  }

  /** When the drain that is on ends by itself; `Infinity`: there is none, or another object says when. */
  get drainEndsAt(): number {
    return this.#drainSwitch.expiresAt;
  }

  /** True in a drain or a stop if nothing is in flight any more, or what was has been cut off. */
  get isDrained(): boolean {
    const drain = this.#drainSwitch.current;
    return drain !== null && this.isQuiet && this.#sharing.othersAreQuiet;
  }

  /** When leases are to be cut off next, of all servers or of one; `Infinity`: never. */
  get nextCut(): number {
    return Math.min(this.#drainSwitch.nextCut, this.#fleet.nextCut);
  }

  /** True if the pool has health checks. */
  get hasChecks(): boolean {
    return this.#settings.check !== null;
  }

  get regrouping(): boolean {
    return this.#regroup.active;
  }

  /** How many tickets wait, those of deferred requests included. */
  get queued(): number {
    return this.#waitingList.length;
  }

  /** The configured limits of the waiting list. They are for direct requests only. */
  get limits(): Pick<PoolConfig, "maxQueue" | "queueTimeoutMs"> {
    return this.#settings;
  }

  /** Returns how long the waiting list can take what comes. */
  capacity(now: number): Capacity {
    const drain = this.#drainSwitch.current;
    const holdsForLackOfServers =
      this.#fleet.slots === 0 && !this.admission.refusesForLackOfServers(false, now);
    const isHalted = drain !== null || holdsForLackOfServers;
    const load = {
      ...{ maxQueue: this.#settings.maxQueue, queueTimeoutMs: this.#settings.queueTimeoutMs },
      queued: this.#waitingList.direct,
      isFull: this.#isFull,
      oldestSince: this.oldestSince,
      growth: this.traffic.growth(isHalted, now),
      isHalted,
      isStop: this.admission.stop !== null,
      drainExpiresAt: drain?.expiresAt ?? null,
    };
    return capacityOf(load, now);
  }

  /** How many requests wait of the flow of which most do; `null`: all are one flow. O(flows). */
  get longestFlow(): number | null {
    return this.#shares?.longest ?? null;
  }

  get queuedDeferred(): number {
    return this.#waitingList.deferred;
  }

  /** When the next deferred request that waits is given up; `Infinity`: none waits. */
  get nextExpiry(): number {
    return this.#waitingList.nextExpiry();
  }

  isQueued(id: string): boolean {
    return this.#waitingList.get(id) !== undefined;
  }

  /** Returns the place of a ticket on the waiting list, 1 for the next in line; `null`: it does not wait. */
  placeOf(id: string): number | null {
    const ticket = this.#waitingList.get(id);
    return ticket ? this.#waitingList.ahead(ticket) + 1 : null;
  }

  /** The flows that have requests, in no order, and since when the first of each waits; `null`: all are one flow. */
  flows(now: number): (FlowUse & { oldestSince: number | null })[] | null {
    if (!this.#shares) return null;
    const oldest = this.#waitingList.oldestByFlow();
    return [...this.#shares.uses(now)].map((use) => ({ ...use, oldestSince: oldest.get(use.key) ?? null }));
  }

  /** False if the slot of a grant has been taken back since it was decided. */
  stands({ ticket, slot }: Pick<Decision & { kind: "grant" }, "ticket" | "slot">): boolean {
    return (this.#fleet.leased(ticket) ?? this.#fleet.cutOff(ticket)) === slot;
  }

  /** True if this is the id of a ticket that waits, or of a lease. */
  knows(id: string): boolean {
    return this.isQueued(id) || this.isLeased(id) || this.isCutOff(id);
  }

  /** True if this is the id of a lease that has not ended. */
  isLeased(id: string): boolean {
    return this.#fleet.leased(id) !== undefined;
  }

  /** True if this is the id of a lease that was cut off, and whose holder has not reported its end. */
  isCutOff(id: string): boolean {
    return this.#fleet.cutOff(id) !== undefined;
  }

  /** The server that may be at work on the request with this lease; `null`: none. */
  serverOf(lease: string): string | null {
    return this.#fleet.slotNamed(lease)?.server.name ?? null;
  }

  /** When the lease with this id began; `null`: there is none that has not ended. */
  leasedSince(id: string): number | null {
    return this.#fleet.leased(id)?.since ?? null;
  }

  /** True if a new request will wait for an operator or a server: in a drain, or while every server is out. */
  willWait(now: number): boolean {
    return this.admission.stop === null && (this.#drainSwitch.current !== null || this.#fleet.isOut(now));
  }

  /** What clients whose requests are refused as `stopped` are told; `null`: no more than that. */
  get stopMessage(): string | null {
    return this.admission.stop?.message ?? null;
  }

  /** When the direct request that has waited longest began to wait; `undefined`: none waits. */
  get oldestSince(): number | undefined {
    return this.#waitingList.oldest()?.since;
  }

  /**
   * When the pool must be awake although nobody is in it: the first server leaves that has registered and does not do so
   * again, or it asks for servers. `Infinity`: never.
   */
  get nextAlarm(): number {
    return Math.min(this.#fleet.nextExpiry, this.#nextWake);
  }

  /** The last time that the pool asked for servers; `null`: it has not. */
  get lastWake(): Readonly<WakeRecord> | null {
    return this.#wake.last;
  }

  get servers(): readonly Server[] {
    return this.#fleet.servers;
  }

  /** Grows with each change of which servers requests may go to. */
  get serversRevision(): number {
    return this.#fleet.revision;
  }

  /** Those that a snapshot shows: another shard's are for that one to show, unless something of them is occupied here. */
  get shownServers(): readonly Server[] {
    if (!this.#sharing.follows) return this.servers;
    return this.servers.filter(({ away, occupied }) => !away || occupied > 0);
  }

  /** When a snapshot stays as it is until something happens: ms since the epoch; `Infinity`: it does not. */
  get settlesAt(): number {
    // The oldest wait grows, the time that is left of a drain shrinks, and what came lately is forgotten.
    if (this.queued > 0 || this.#drainSwitch.current) return Number.POSITIVE_INFINITY;
    return this.traffic.settlesAt;
  }

  /** How many slots' servers may be at work on a request. */
  get inFlight(): number {
    return this.#fleet.inFlight;
  }

  /** True if a question is in the outbox. A check may hold a slot until it is sent and answered. */
  get hasQuestions(): boolean {
    return this.#outbox.hasQuestions;
  }

  /** True if a server has a slot free for a new request. */
  get hasFreeSlot(): boolean {
    return this.#fleet.hasFreeSlot;
  }

  // ── Rules ──

  /** The answer with the grant was lost, and the lease was cut off since: nothing was sent to the server. */
  #freeIfCut({ id, token, retry }: TicketRequest, now: number): void {
    const slot = this.#fleet.cutOff(id);
    if (!slot) return;
    // Without a token it is counted as accepted once more.
    if (token !== undefined || retry) this.#chronicle.holderFound();
    this.#fleet.free(slot, now);
    // In a stop the request is refused, and nothing else looks.
    this.#noteIfDrained(now);
  }

  /** Cuts off the leases that were to have ended by now: those of a drain, and those of servers on their way out. */
  #cutWhatIsDue(now: number): void {
    if (this.#drainSwitch.takeCut(now)) {
      this.#outbox.drainChanged = true;
      this.#drainSwitch.wasCut(this.#cut(this.#fleet.servers, null, now));
    }
    for (const server of this.#fleet.takeCuts(now)) this.#cut([server], server.name, now);
  }

  /** Returns how many leases it has cut off. */
  #cut(servers: Iterable<Server>, server: string | null, now: number): number {
    let leases = 0;
    for (const slot of this.#fleet.cut(servers, now)) {
      this.#chronicle.cutOff(slot);
      this.#outbox.cutOff(slot.lease);
      leases++;
    }
    this.#chronicle.cut(leases, server, now);
    return leases;
  }

  #enqueue(request: TicketRequest, now: number): number {
    if (this.#shares && this.#waitingList.length === 0 && this.#fleet.hasFreeSlot) this.#shares.nobodyWaits();
    const { ticket, arrival } = this.#waitingList.enter(request, now);
    this.#passing.entered(ticket);
    if (arrival === "returned") this.#recordReturn(request, now);
    else if (arrival === "new") this.traffic.arrived(ticket, now);
    this.#dispatch(now);
    const isImpatient = !ticket.left && (ticket.patientUntil ?? Number.POSITIVE_INFINITY) <= now;
    if (arrival === "new" && !isImpatient) this.admission.arrived(now);
    // A full list refuses new tickets only: the others were accepted before.
    const isNewDirect = arrival === "new" && !ticket.left && ticket.expiresAt === null;
    const full = isNewDirect ? this.admission.fullFor(ticket) : null;
    if (full) {
      this.#waitingList.leave(ticket.id);
      if (full === "queue-full" && this.#sharing.mayAskAnother(request))
        this.#sharing.sendOn(ticket.id, { hasPlace: false, to: null, isFull: true });
      else this.#refuse(ticket, full, now);
      return ticket.token;
    }
    // A ticket with a token was counted when it got the token, and one that was sent on where it came first.
    if (request.token === undefined && arrival !== "retry" && arrival !== "sent-on") this.counters.accepted();
    if (ticket.left) return ticket.token;
    if (isImpatient) {
      this.#waitingList.leave(ticket.id);
      this.traffic.left(ticket, now);
      this.#giveUp(ticket, now);
    } else this.#outbox.decided({ kind: "queued", ticket: ticket.id, token: ticket.token });
    return ticket.token;
  }

  /** A ticket that has waited as long as it was to, or as its client wanted to, is off the list. */
  #giveUp(ticket: Ticket, now: number): void {
    const { id, token, patientUntil, isToBeStored } = ticket;
    if (!isToBeStored || patientUntil === null || patientUntil > now) {
      this.#refuse(ticket, "queue-timeout", now);
      return;
    }
    // Whether it comes back as a deferred one, its Worker will see: `storedAfterWait`.
    this.counters.abandoned();
    this.#outbox.decided({ kind: "defer", ticket: id, token });
  }

  /** True if the next direct request is refused: the list is full, and it would have to wait. */
  get #isFull(): boolean {
    if (!this.admission.isListFull) return false;
    const isHeld = this.#drainSwitch.current !== null || this.#regroup.active;
    return isHeld || this.#waitingList.length > 0 || !this.#fleet.hasFreeSlot;
  }

  #ask(now: number): void {
    // Deferred requests alone do not keep a drained pool awake.
    const busy = this.#drainSwitch.current ? this.#waitingList.direct > 0 : this.#waitingList.length > 0;
    this.#outbox.ask(this.#fleet.questions(busy, now));
  }

  #dispatch(now: number): void {
    if (this.#fleet.revision !== this.#seenRevision) {
      this.#seenRevision = this.#fleet.revision;
      this.#passing.recall();
    }
    this.#noteIfDrained(now);
    if (this.#fleet.hasOverdueCheck) this.#ask(now);
    this.#passedOverUntil = Number.POSITIVE_INFINITY;
    if (this.#mayGrant) this.#grant(now);
    this.#fleet.grantsMade();
    if (this.#nextWake <= now) this.#askForServers(now);
  }

  get #mayGrant(): boolean {
    if (this.#sharing.isUninformed) return false;
    return this.#drainSwitch.current === null && !this.#regroup.active;
  }

  /** The object has started, and has not heard yet whether the stop is over that was on when it ended. */
  get #isUninformed(): boolean {
    return this.#sharing.follows && this.#sharing.isUninformed;
  }

  #followDrain(drain: Drain | null, now: number): void {
    const before = this.#drainSwitch.current;
    const isNews = this.#drainSwitch.follow(drain);
    // Also those who have come before it was known that the stop is still on.
    if (drain?.stop) this.#refuseAll("stopped", false, now);
    if (!isNews) return;
    this.#outbox.drainChanged = true;
    this.#passing.recall();
    if (before && !drain) this.traffic.drainEnded(now);
    this.#cutWhatIsDue(now);
  }

  #slotPassed(
    slot: Slot<Server>,
    { hop, end, isolate, at }: { hop: number; end: LeaseEnd; isolate: string; at: number },
    now: number,
  ): void {
    const { since, server } = slot;
    // Whoever passes on has the lease, also if it was presumed lost.
    if (slot.state !== "cut") this.#renewLease(slot, now);
    const isLast = hop > slot.hop;
    if (!this.#fleet.passed(slot, hop, isolate, at)) return;
    if (end.how === "done") server.health.requestAnswered();
    this.#chronicle.passedOn(server.name, isLast ? since : null, end, at);
  }

  #grant(now: number): void {
    for (let head = this.#waitingList.head(); head; head = this.#waitingList.head()) {
      head.failed?.tick(now);
      const slot = this.#fleet.grant(head, now, this.#random);
      if (slot) {
        this.#waitingList.shift(slot);
        this.#passing.granted(slot);
        this.#recordGrant(head, slot, now);
      } else if (!this.#passOver(head)) break;
    }
    this.#shares?.takeBack();
  }

  /** A retry that waits for another server than the free one keeps its own client's requests from that, and no others. */
  #passOver({ failed }: Ticket): boolean {
    if (!this.#shares || !(failed?.rests || failed?.avoided) || !this.#fleet.hasFreeSlot) return false;
    this.#passedOverUntil = Math.min(this.#passedOverUntil, failed.next());
    this.#shares.passOver();
    return true;
  }

  #recordGrant(ticket: Ticket, slot: Slot, now: number): void {
    const { id, token, since, isRetry } = ticket;
    if (!isRetry) this.counters.granted(now - since);
    this.traffic.granted(ticket, now);
    this.#outbox.decided({ kind: "grant", ticket: id, slot, token });
  }

  #renewLease(slot: Slot<Server>, now: number): void {
    if (slot.state === "quarantined") this.#chronicle.holderFound();
    this.#fleet.renew(slot, now);
  }

  #recordReturn({ pausedMs }: TicketRequest, now: number): void {
    if (this.#regroup.returned(now, pausedMs)) this.#outbox.regroupChanged = true;
    if (this.#regroup.active) this.#chronicle.restarted(now);
  }

  #noteIfDrained(now: number): void {
    const { current } = this.#drainSwitch;
    if (current && this.isDrained) this.#chronicle.drained(current, now);
  }

  #afterDrain(end: DrainEnd, now: number): void {
    this.#outbox.drainChanged = true;
    this.#chronicle.drainEnded(end, now);
    if (this.#settings.deferred?.when === "drained") this.traffic.kindsChanged(now);
    this.#refuseOrDispatch(now);
  }

  /** When to ask for servers next; `Infinity`: no request waits for one that is not there. */
  get #nextWake(): number {
    const { nextAt } = this.#wake;
    if (nextAt === Number.POSITIVE_INFINITY || this.#waitingList.length === 0)
      return Number.POSITIVE_INFINITY;
    const isAvailable = this.#fleet.isAvailable || this.#sharing.othersAreAvailable;
    return this.#drainSwitch.current || isAvailable ? Number.POSITIVE_INFINITY : nextAt;
  }

  #askForServers(now: number, waiting?: { queued: number; since: number }): void {
    if (!this.#wake.ask(now)) return;
    this.#outbox.wakeChanged = true;
    const own = this.oldestSince ?? this.#waitingList.head()?.since ?? now;
    const { queued, since } = waiting ?? { queued: this.#waitingList.length, since: own };
    this.#outbox.ask([{ kind: "wake", queued, oldestWaitMs: Math.max(0, now - since), at: now }]);
  }

  #serversChanged(now: number): void {
    // A server that is back in service is checked before it gets a request.
    this.#ask(now);
    this.#refuseOrDispatch(now);
    this.tick(now);
  }

  /** After a change of servers or the drain: there may be a slot to grant, or no server left to wait for. */
  #refuseOrDispatch(now: number): void {
    if (this.#waitingList.length > 0 && this.admission.refusesForLackOfServers(false, now))
      this.#refuseAll("no-server", this.admission.refusesForLackOfServers(true, now), now);
    this.#dispatch(now);
  }

  /** Refuses all who wait. `deferred`: those too whose requests are stored. */
  #refuseAll(code: SchedulerRefusal, deferred: boolean, now: number): void {
    if (!deferred && this.#waitingList.direct === 0) return;
    for (const ticket of this.#waitingList.inOrder()) {
      if (ticket.expiresAt !== null && !deferred) continue;
      this.#waitingList.leave(ticket.id);
      if (code === "no-server" && this.#sharing.mayBeUpElsewhere)
        this.#sharing.sendOn(ticket.id, { hasPlace: true, to: null });
      else {
        this.traffic.left(ticket, now);
        this.#refuse(ticket, code, now);
      }
    }
  }

  #refuse(refused: Refused, code: SchedulerRefusal, now: number): void {
    this.admission.refuse(refused, code, now);
    if (code === "no-server") this.#askForServers(now);
  }
}
