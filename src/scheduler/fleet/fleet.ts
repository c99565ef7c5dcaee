import type { PoolConfig } from "../../config/types.ts";
import type { Journal } from "../record/journal.ts";
import type { Outbox, ServerQuestion } from "../record/outbox.ts";
import { type CutOff, isFailure, type LeaseEnd, quarantineMs } from "../terms/lease-end.ts";
import {
  isHeld,
  isInFlight,
  isInQuarantine,
  isPresumedLost,
  leaseName,
  leaseNamed,
  NOBODY,
  type RestoredRegistration,
  type ServerPatch,
  type ServerRow,
  type SlotRow,
} from "../terms/rows.ts";
import type { FairShares } from "../waiting/fair-shares.ts";
import type { Ticket } from "../waiting/ticket.ts";
import { Balance } from "./balance.ts";
import { type CheckReport, noAnswer } from "./check-report.ts";
import { Checks } from "./checks.ts";
import { Cuts } from "./cuts.ts";
import { LEASE_TTL_MS, Leases, LONGEST_UNCERTAIN_MS, restMs, type WithheldState } from "./leases.ts";
import type { Registered, RegisterRequest } from "./registrations.ts";
import { type Assigned, Roster } from "./roster.ts";
import type { Server } from "./server.ts";
import type { Slot } from "./slot.ts";

/** Messages that a lease was passed on may overtake each other; so many at most. */
const MOST_UNTOLD = 64;
/** And the one that it has ended; of so many leases. */
const MOST_ENDED_UNTOLD = 1_024;

/**
 * The pool's servers and their slots: which requests hold them, how long they stay closed afterwards, and how healthy
 * the servers are. `Roster` says which servers there are. It knows nothing of the waiting list.
 */
export class Fleet {
  readonly #settings: PoolConfig;
  readonly #journal: Journal;
  readonly #leases: Leases;
  readonly #balance: Balance;
  readonly #checks: Checks;
  readonly #cuts: Cuts;
  readonly #roster: Roster;
  /** Whose requests have the slots, and for how long; `null`: all are one flow. */
  readonly #shares: FairShares | null;
  readonly #startedAt: number;
  /** False in a pool of several objects until this one knows which servers are its own. */
  #isAssigned: boolean;
  /** The passes that nobody has told of yet, by their hops, of leases that have ended. */
  readonly #untold = new Map<string, Set<number>>();

  /** `newId` returns an id that is unique across all instances of the pool. `isElsewhere`: see `Roster`. */
  constructor(
    settings: PoolConfig,
    restored: { slots: SlotRow[]; servers: ServerRow[]; registered: RestoredRegistration[] } | null,
    record: { outbox: Outbox; journal: Journal },
    now: number,
    newId: () => string,
    shares: FairShares | null = null,
    isElsewhere: ((identity: string) => boolean) | null = null,
  ) {
    this.#settings = settings;
    this.#startedAt = now;
    this.#shares = shares;
    this.#journal = record.journal;
    this.#leases = new Leases(record.outbox);
    this.#balance = new Balance(settings);
    this.#checks = new Checks(settings, this.#leases, newId);
    this.#cuts = new Cuts(settings, record.outbox, this.#leases, this.#checks);
    const users = { balance: this.#balance, checks: this.#checks, cuts: this.#cuts };
    this.#roster = new Roster(settings, restored, record, users, now, isElsewhere);
    for (const row of restored?.slots ?? []) {
      const server = this.#roster.serverOf(row);
      const slot = this.#leases.restore(server, row, now, settings);
      if (isHeldForFlow(slot)) shares?.restored(slot, now);
      if (server.hasQuarantine) this.#checks.quarantined(server, settings.quarantine.maxMs, now);
    }
    for (const server of [...this.servers]) this.#roster.removeIfIdle(server);
    this.#isAssigned = isElsewhere === null;
    this.#balance.serversChanged(this.servers);
    this.#cuts.serversChanged(this.servers);
  }

  /** The servers of the configuration and those that have registered, and retired ones that still have occupied slots. */
  get servers(): readonly Server[] {
    return this.#roster.servers;
  }

  /** How many slots are in flight: leased, orphaned, in quarantine after a request, or cooling. */
  get inFlight(): number {
    return this.#leases.inFlight;
  }

  /** True if every server is in maintenance or was seen to be down recently. */
  isOut(now: number): boolean {
    return this.#isAssigned && this.servers.every((server) => server.isOut(now));
  }

  /** True if requests can get slots, now or once they are free. */
  get isAvailable(): boolean {
    return this.servers.some((server) => server.available);
  }

  /** How many slots requests can get, now or once they are free. */
  get slots(): number {
    return this.servers.reduce((sum, server) => sum + (server.available ? server.slots : 0), 0);
  }

  /** How many slots are free for requests. */
  get freeSlots(): number {
    return this.#balance.freeSlots;
  }

  /** Grows with each change of which servers requests may go to, and of how many slots they have. */
  get revision(): number {
    return this.#balance.revision;
  }

  /** True if all slots are free, and a server would take a request at once. */
  get idle(): boolean {
    return this.#leases.size === 0 && this.servers.some((server) => server.available || server.away);
  }

  get hasFreeSlot(): boolean {
    return this.#balance.hasFreeSlot;
  }

  /** Returns the slot that a request of this id holds or held last, as long as it is in flight. */
  slotInFlight(id: string): Slot<Server> | undefined {
    const slot = this.#leases.get(id);
    return slot && isInFlight(slot) ? slot : undefined;
  }

  /** Returns the slot in flight whose lease operators call so now; `undefined`: there is none, or another request has it. */
  slotNamed(name: string): Slot<Server> | undefined {
    const slot = this.slotInFlight(leaseNamed(name).lease);
    return slot && leaseName(slot) === name ? slot : undefined;
  }

  /**
   * Until when it may turn out that another request has the lease than the one that operators call so, or that it has it after
   * all; in ms since the epoch. Its holder may have passed it on, and the message is on its way. After a restart it is certain
   * once the holder has said how often that was done, or once nobody can do so any more that was allowed to before.
   */
  uncertainUntil(name: string): number {
    const { lease, hop } = leaseNamed(name);
    const slot = this.slotInFlight(lease);
    if (!slot || (hop ?? slot.hop) < slot.hop) return Number.NEGATIVE_INFINITY;
    if (!slot.isHopUnsure) return leaseName(slot) === name ? slot.passUntil : Number.NEGATIVE_INFINITY;
    // Since the first restart nothing has been heard of its holder.
    return slot.state === "orphaned"
      ? slot.until - LEASE_TTL_MS + LONGEST_UNCERTAIN_MS
      : Number.POSITIVE_INFINITY;
  }

  /**
   * Returns the slot of a lease that has not ended. That includes a slot in quarantine whose holder was only presumed
   * lost: the holder may still renew or end the lease.
   */
  leased(id: string): Slot<Server> | undefined {
    const slot = this.#leases.get(id);
    return slot && (isHeld(slot) || isPresumedLost(slot)) ? slot : undefined;
  }

  /** Returns the slot of a lease that was cut off, and whose holder has not reported its end. */
  cutOff(id: string): Slot<Server> | undefined {
    const slot = this.#leases.get(id);
    return slot?.state === "cut" ? slot : undefined;
  }

  // ── Slots ──

  /** Leases a slot to the ticket; `undefined`: none is free for it. */
  grant(
    ticket: Pick<Ticket, "id" | "failed" | "hashKey" | "flow" | "caller" | "expiresAt">,
    now: number,
    random: () => number,
  ): Slot<Server> | undefined {
    const slot = this.#balance.pick(ticket, now, random)?.take();
    if (slot) this.#leases.grant(slot, ticket, now);
    return slot;
  }

  /** Names a server for a request without a slot; `undefined`: none is available. `failed`: names of those that failed it. */
  pickFree(failed: readonly string[]): Server | undefined {
    return this.#balance.pickFree(failed);
  }

  /** The isolate whose requests hold all leases but those of long ones; `null`: there is none, or that is not known. */
  get soleHolder(): string | null {
    return this.#leases.soleHolder;
  }

  /** The holder of a lease that was cut off says how often it has been passed on. */
  heardOf(slot: Slot<Server>, hop: number): void {
    expectPasses(slot, hop);
    slot.hop = Math.max(slot.hop, hop);
    slot.isHopUnsure = false;
  }

  /** The holder of this lease has a handle of it from now on. `hop`: how often the lease has been passed on. */
  attach(slot: Slot<Server>, hop: number): void {
    expectPasses(slot, hop);
    this.#leases.attach(slot, hop);
  }

  /**
   * The lease was passed on, at `at`, by a request that ended in order, to another one of this isolate. Returns false if
   * that was known.
   */
  passed(slot: Slot<Server>, hop: number, isolate: string, at: number): boolean {
    if (hop <= slot.hop) return slot.untold?.delete(hop) ?? false;
    expectPasses(slot, hop - 1);
    this.#leases.passed(slot, hop, isolate, at);
    return true;
  }

  /** As `passed`, of a lease that has ended. */
  passedBefore(lease: string, hop: number): boolean {
    const untold = this.#untold.get(lease);
    const isNews = untold?.delete(hop) ?? false;
    if (untold?.size === 0) this.#untold.delete(lease);
    return isNews;
  }

  /** The lease ends, and had been passed on so often: messages that tell of that may still come. */
  #endedAfter(slot: Slot<Server>, hop: number): void {
    expectPasses(slot, hop);
    slot.hop = Math.max(slot.hop, hop);
    slot.isHopUnsure = false;
    slot.passUntil = Number.NEGATIVE_INFINITY;
    if (!slot.untold?.size) return;
    this.#untold.set(slot.lease, slot.untold);
    slot.untold = null;
    const [oldest] = this.#untold.keys();
    if (this.#untold.size > MOST_ENDED_UNTOLD && oldest !== undefined) this.#untold.delete(oldest);
  }

  renew(slot: Slot<Server>, now: number): void {
    slot.lost = false;
    this.#leases.renew(slot, now);
    this.#shares?.renewed(slot, now);
  }

  /** Ends the lease on this slot, which stays closed while its server may still be at work. `hop`: see `Slot`. */
  end(slot: Slot<Server>, end: LeaseEnd, hop: number, now: number): void {
    const { cooldownMs } = this.#settings;
    this.#endedAfter(slot, hop);
    if (end.how === "unused") {
      this.#shares?.unused(slot);
      this.free(slot, now);
    } else if (end.how === "busy") this.#withhold(slot, "resting", restMs(end.restMs, cooldownMs), now);
    else if (end.how === "done") {
      slot.server.health.requestAnswered();
      this.#withhold(slot, "cooling", cooldownMs, now);
    } else {
      if ("retried" in end && end.retried) this.#failed(slot, now);
      this.#cutOff(slot, end.how, now);
    }
  }

  /** Frees an occupied slot. Callers have found it by its lease or its state, so none is freed twice. */
  free(slot: Slot<Server>, now: number): void {
    const { server, state } = slot;
    this.#shares?.released(slot, now);
    this.#leases.free(slot);
    this.#balance.slotFreed(server);
    this.#checks.freed(slot, state, now);
    this.#roster.removeIfIdle(server);
  }

  /** Takes all leases of these servers from their holders; see `Cuts`. */
  cut(servers: Iterable<Server>, now: number): Generator<Readonly<Slot<Server>>> {
    return this.#cuts.cut(servers, now);
  }

  // ── Servers ──

  /** When the leases of a server that is being taken out are to be cut off next; `Infinity`: never. */
  get nextCut(): number {
    return this.#cuts.next;
  }

  /** Returns the servers whose leases are to be cut off now, each once. */
  takeCuts(now: number): Server[] {
    return this.#cuts.takeDue(this.servers, now);
  }

  /** Applies an operator's change. Returns false if the configuration has no such server. */
  change(name: string, patch: ServerPatch, by: string, now: number): boolean {
    return this.#roster.change(name, patch, by, now);
  }

  /** A server registers, for the first time or again. Its slots of before may still be occupied. */
  register(request: RegisterRequest, now: number): Registered {
    return this.#roster.register(request, now);
  }

  /** A server that has registered leaves. Returns `null` if there is none of this name, or at this URL if one is given. */
  deregister(name: string, url: string | null, by: string, now: number): Server | null {
    return this.#roster.deregister(name, url, by, now);
  }

  /** See `Roster`. */
  assign(assigned: Assigned, now: number): void {
    this.#isAssigned = true;
    this.#roster.assign(assigned, now);
  }

  /** When the first server leaves that has registered and does not do so again; `Infinity`: none does. */
  get nextExpiry(): number {
    return this.#roster.nextExpiry;
  }

  /** A check has ended. Does nothing if the time of its slot ran out before. */
  checked(id: string, report: CheckReport, now: number): void {
    const check = this.#checks.checkEnded(id);
    if (!check) return;
    const { server, askedAt } = check;
    const { result, got } = report;
    server.lastCheck = { at: askedAt, passed: result === "passed", got };
    const before = { status: server.health.status, refusedAt: server.health.refusedAt };
    // Without one the server answers checks beside its work.
    const slot = this.#leases.get(id);
    if (slot) this.#closeAfterCheck(slot, report, now);
    if (server.retired) return;
    const changed =
      result === "passed" ? server.health.checkPassed() : server.health.checkFailed(result, askedAt, now);
    if (!changed) return;
    this.#recordHealth(server, now);
    if (server.health.status === "down") {
      this.#journal.note({ kind: "server-down", server: server.name, cause: "checks", got }, now);
    } else if (before.status === "down") {
      this.#journal.note({ kind: "server-up", server: server.name }, now);
      // The server restarted when it refused a connection, so the requests that it got before are gone.
      if (before.refusedAt !== null)
        this.#freeQuarantined(server, now, { closedBefore: now, heldBefore: before.refusedAt });
    }
  }

  checkedLate(id: string, report: CheckReport, now: number): void {
    const slot = this.#leases.get(id);
    if (slot?.state === "recovering" && report.result !== "timeout") this.#closeAfterCheck(slot, report, now);
  }

  probed(identity: string, idle: boolean, askedAt: number, now: number): void {
    const server = this.#roster.find(identity);
    // Requests that got a slot, or were cut off, since then may have reached the server after the probe.
    if (server && idle) this.#freeQuarantined(server, now, { closedBefore: askedAt, heldBefore: askedAt });
    this.#checks.probeEnded(server, server?.hasQuarantine ?? false, now);
  }

  /** To be called when the pool has work: its servers are checked for a while. */
  work(now: number): void {
    this.#checks.work(this.servers, now);
  }

  // ── Time ──

  /** Ends the states whose time has come. `onLost`: called for each lease that ran out; its slot is quarantined. */
  tick(now: number, onLost: () => void): void {
    for (let slot = this.#leases.takeDue(now); slot; slot = this.#leases.takeDue(now)) {
      if (slot.state === "checking") this.checked(slot.lease, this.#silence, now);
      else if (!isHeld(slot)) this.free(slot, now);
      else {
        onLost();
        this.#quarantine(slot, "lost", this.#settings.quarantine.maxMs, now);
      }
    }
    this.#roster.retireExpired(now);
  }

  /** When the next check of the server is due that takes a slot of it; `Infinity`: none is. */
  nextCheckOf(server: Server): number {
    return this.#checks.nextInSlot(server);
  }

  /** True if a server's check is overdue and the server has a free slot now. */
  get hasOverdueCheck(): boolean {
    return this.#checks.overdue;
  }

  /** To be called after each round of grants, in which tickets could get the slots that checks have freed. */
  grantsMade(): void {
    this.#checks.grantsMade();
  }

  /** Returns the checks and probes to send now. `busy`: requests wait. */
  questions(busy: boolean, now: number): ServerQuestion[] {
    return this.#checks.due(this.servers, busy || this.inFlight > 0, now);
  }

  /** Returns when `tick` or `questions` has something to do next; `Infinity`: never. */
  next(): number {
    return Math.min(
      this.#leases.next(),
      this.#cuts.next,
      this.#checks.next(this.servers),
      this.#roster.nextExpiry,
    );
  }

  #cutOff(slot: Slot<Server>, cause: CutOff, now: number): void {
    this.#quarantine(slot, cause, quarantineMs(cause, this.#settings), now);
    const { server } = slot;
    if (!isFailure(cause) || server.retired || !server.health.requestFailed(now)) return;
    this.#recordHealth(server, now);
    this.#journal.note({ kind: "server-down", server: server.name, cause: "connections" }, now);
  }

  #quarantine(slot: Slot<Server>, cause: CutOff, forMs: number, now: number): void {
    slot.lost = cause === "lost" && (isHeld(slot) || slot.lost);
    this.#withhold(slot, "quarantined", forMs, now);
    if (slot.state !== "quarantined") return;
    const lease = leaseName(slot);
    this.#journal.note({ kind: "quarantine", server: slot.server.name, lease, cause }, now);
  }

  /** Its request goes on without it. */
  #failed(slot: Slot<Server>, now: number): void {
    this.#shares?.failed(slot, now);
    slot.flow = NOBODY;
  }

  /** What a check got whose end nobody reports. */
  get #silence(): CheckReport {
    return noAnswer(this.#settings.check?.timeoutMs ?? 0);
  }

  /** Closes the slot for as long as after a request with the same end. For that, an answer of any status is `done`. */
  #closeAfterCheck(slot: Slot<Server>, { result, cutOff }: CheckReport, now: number): void {
    slot.lost = result === "timeout";
    const { cooldownMs, quarantine } = this.#settings;
    const answered = result === "passed" || result === "failed";
    const forMs = answered
      ? Math.max(cooldownMs, cutOff ? quarantine.cancelMs : 0)
      : quarantineMs(result === "timeout" ? "timeout" : "broken", this.#settings);
    this.#withhold(slot, "recovering", forMs, now);
  }

  /** Closes the slot for `forMs`; frees it at once if that is 0. */
  #withhold(slot: Slot<Server>, state: WithheldState, forMs: number, now: number): void {
    if (forMs <= 0) this.free(slot, now);
    else {
      // While it is in quarantine, the server may be at work for the flow.
      if (state !== "quarantined") this.#shares?.released(slot, now, forMs);
      this.#leases.withhold(slot, state, forMs, now);
      if (isInQuarantine(slot)) this.#checks.quarantined(slot.server, forMs, now);
    }
  }

  #recordHealth(server: Server, now: number): void {
    server.healthSince = now;
    this.#roster.record(server);
  }

  /** Frees the server's slots in quarantine that were both closed and granted before these times. */
  #freeQuarantined(
    server: Server,
    now: number,
    { closedBefore, heldBefore }: { closedBefore: number; heldBefore: number },
  ): void {
    for (const slot of [...server.occupiedSlots()]) {
      if (!isInQuarantine(slot) || this.#closedAt(slot) >= closedBefore || heldSince(slot) >= heldBefore)
        continue;
      this.free(slot, now);
    }
  }

  /**
   * When the connection of a slot in quarantine was closed. The holder of a lease that was cut off may not have heard of
   * that, and may even send what it got the slot for, until it would be presumed lost. Of a cut that an earlier instance
   * made, that time is not on record: its quarantine may have been another one. One of the start's very millisecond counts
   * as such.
   */
  #closedAt({ state, stateSince, until }: Slot<Server>): number {
    if (state !== "cut") return stateSince;
    const lostAt = until - this.#settings.quarantine.maxMs;
    return stateSince > this.#startedAt ? lostAt : Math.max(lostAt, this.#startedAt + LEASE_TTL_MS);
  }
}

/** Of the passes up to this one, messages are still to come. */
function expectPasses(slot: Slot, upTo: number): void {
  for (let hop = Math.max(slot.hop + 1, upTo - MOST_UNTOLD); hop <= upTo; hop++) {
    slot.untold ??= new Set();
    slot.untold.add(hop);
  }
}

/**
 * When the last request began that the slot's server may have got. A holder that is lost, or has not reported since the
 * cut, may have passed its lease on without a word.
 */
function heldSince({ since, passUntil, lost, state }: Slot): number {
  return lost || state === "cut" ? Math.max(since, passUntil) : since;
}

/** True if the slot's server may be at work on a request, and so for the request's flow. */
function isHeldForFlow(slot: SlotRow): boolean {
  if (slot.flow === NOBODY) return false;
  return isHeld(slot) || slot.state === "quarantined" || slot.state === "cut";
}
