import type { PoolConfig } from "../../config/types.ts";
import type { Journal } from "../record/journal.ts";
import type { Outbox, Question } from "../record/outbox.ts";
import { type CutOff, isFailure, type LeaseEnd, quarantineMs } from "../terms/lease-end.ts";
import {
  isClosed,
  isHeld,
  isInFlight,
  type ServerPatch,
  type ServerRow,
  type SlotRow,
} from "../terms/rows.ts";
import type { FailedServer } from "../waiting/failed-server.ts";
import { Balance } from "./balance.ts";
import { Checks } from "./checks.ts";
import type { CheckResult } from "./health.ts";
import { type ClosedState, Leases, restMs } from "./leases.ts";
import { Server } from "./server.ts";
import type { Slot } from "./slot.ts";

/**
 * The pool's servers with their slots: who has one, which are kept closed and for how long, and how the servers
 * are. It knows nothing of those who wait.
 */
export class Fleet {
  readonly #settings: PoolConfig;
  readonly #outbox: Outbox;
  readonly #journal: Journal;
  readonly #leases: Leases;
  readonly #balance: Balance;
  readonly #checks: Checks;
  #servers: Server[];
  #grants = 0;

  /** `newId` never gives an id twice, in no instance of the pool. */
  constructor(
    settings: PoolConfig,
    restored: { slots: SlotRow[]; servers: ServerRow[] } | null,
    record: { outbox: Outbox; journal: Journal },
    now: number,
    newId: () => string,
  ) {
    this.#settings = settings;
    this.#outbox = record.outbox;
    this.#journal = record.journal;
    this.#leases = new Leases(record.outbox);
    this.#balance = new Balance(settings.balance);
    this.#checks = new Checks(settings, this.#leases, newId);
    const rows = new Map(restored?.servers.map((row) => [row.name, row]));
    this.#servers = settings.servers.map(
      (server) => new Server(server, settings.check, rows.get(server.name)),
    );
    for (const row of restored?.slots ?? []) {
      const server = this.#serverOf(row);
      this.#leases.restore(server, row, now, settings);
      if (server.hasClosed) this.#checks.closed(server, settings.quarantine.maxMs, now);
    }
    this.#balance.serversChanged(this.#servers);
  }

  /** Those of the configuration, and those that left it while they had work. */
  get servers(): readonly Server[] {
    return this.#servers;
  }

  /** Slots whose server may be at work for a request: leased, orphaned, quarantined or cooling. */
  get inFlight(): number {
    return this.#leases.inFlight;
  }

  /** Every server is down, as is known for sure, or in maintenance. */
  isOut(now: number): boolean {
    return this.#servers.every((server) => server.isOut(now));
  }

  /** All slots are free, and a server would take a request at once. */
  get idle(): boolean {
    return this.#leases.size === 0 && this.#servers.some((server) => server.available);
  }

  get hasFreeSlot(): boolean {
    return this.#balance.hasFreeSlot;
  }

  /** The slot that is closed for a request, on whatever account. */
  taken(id: string): Slot<Server> | undefined {
    const slot = this.#leases.get(id);
    return slot && isInFlight(slot) ? slot : undefined;
  }

  /** The slot under a request's lease, unless its server is done with it. */
  leased(id: string): Slot<Server> | undefined {
    const slot = this.taken(id);
    return slot?.state === "cooling" ? undefined : slot;
  }

  // ── Slots ──

  /** Gives a free slot to the ticket of this id, if there is one for it. */
  grant(
    id: string,
    failed: FailedServer | null,
    now: number,
    random: () => number,
  ): Slot<Server> | undefined {
    const server = this.#balance.pick(random, failed);
    const slot = server?.take();
    if (!server || !slot) return undefined;
    server.lastGrant = ++this.#grants;
    this.#leases.grant(slot, id, now);
    return slot;
  }

  renew(slot: Slot<Server>, now: number): void {
    this.#leases.renew(slot, now);
  }

  /** The lease on this slot is over. The slot stays closed while its server may still be at work. */
  end(slot: Slot<Server>, end: LeaseEnd, now: number): void {
    const { cooldownMs } = this.#settings;
    if (end.how === "unused") this.free(slot, now);
    else if (end.how === "busy") this.#close(slot, "resting", restMs(end.restMs, cooldownMs), now);
    else if (end.how === "done") {
      slot.server.health.requestAnswered();
      this.#close(slot, "cooling", cooldownMs, now);
    } else this.#cutOff(slot, end.how, now);
  }

  free(slot: Slot<Server>, now: number): void {
    const { server, state } = slot;
    this.#leases.free(slot);
    this.#balance.slotFreed(server);
    this.#checks.freed(slot, state, now);
    if (server.retired && server.taken === 0) this.#servers = this.#servers.filter((one) => one !== server);
  }

  // ── Servers ──

  /** `false`: no such server in the configuration. */
  change(name: string, patch: ServerPatch, now: number): boolean {
    const server = this.#servers.find((one) => one.name === name && !one.retired);
    if (!server) return false;
    const changed = server.change(patch, now);
    this.#balance.serversChanged(this.#servers);
    this.#outbox.serverChanged(server.row);
    if (Object.keys(changed).length > 0) {
      this.#journal.note({ kind: "server-changed", server: name, ...changed }, now);
    }
    // Whoever takes a server out, or puts it back, wants to know how it is.
    this.#checks.work(this.#servers, now);
    return true;
  }

  checked(id: string, result: CheckResult, now: number): void {
    this.#checks.checkEnded(id);
    const slot = this.#leases.get(id);
    if (slot?.state !== "checking") return;
    const { server } = slot;
    server.lastCheck = { at: slot.since, passed: result === "passed" };
    const before = { status: server.health.status, refusedAt: server.health.refusedAt };
    const askedAt = slot.since;
    this.#recover(slot, result, now);
    const changed =
      result === "passed" ? server.health.checkPassed() : server.health.checkFailed(result, askedAt, now);
    if (!changed) return;
    this.#healthChanged(server, now);
    if (server.health.status === "down") {
      this.#journal.note({ kind: "server-down", server: server.name, cause: "checks" }, now);
    } else if (before.status === "down") {
      this.#journal.note({ kind: "server-up", server: server.name }, now);
      // It restarted when it refused a connection, and what it was given before is gone.
      if (before.refusedAt !== null)
        this.#openClosed(server, now, { before: now, takenBefore: before.refusedAt });
    }
  }

  /** A check that had timed out has ended after all. */
  checkedLate(id: string, result: CheckResult, now: number): void {
    const slot = this.#leases.get(id);
    if (slot?.state === "recovering" && result !== "timeout") this.#recover(slot, result, now);
  }

  probed(name: string, idle: boolean, askedAt: number, now: number): void {
    const server = this.#servers.find((one) => one.name === name);
    // What was cut off since then may have come to the server after the question.
    if (server && idle) this.#openClosed(server, now, { before: askedAt, takenBefore: askedAt });
    this.#checks.probeEnded(server, server?.hasClosed ?? false, now);
  }

  /** The pool has work: its servers are looked after. */
  work(now: number): void {
    this.#checks.work(this.#servers, now);
  }

  // ── Time ──

  /** Ends the states whose time has come; `onLost` is called once for each lease that nobody renewed. */
  tick(now: number, onLost: () => void): void {
    for (let slot = this.#leases.takeDue(now); slot; slot = this.#leases.takeDue(now)) {
      if (slot.state === "checking") this.checked(slot.lease, "timeout", now);
      else if (!isHeld(slot)) this.free(slot, now);
      else {
        onLost();
        this.#quarantine(slot, "lost", this.#settings.quarantine.maxMs, now);
      }
    }
  }

  /** A server should have been asked already, and has a slot for that now. */
  get checkOverdue(): boolean {
    return this.#checks.overdue;
  }

  /** After an overdue check its slot is theirs first. */
  requestsHadTheirTurn(): void {
    this.#checks.requestsHadTheirTurn();
  }

  /** Which servers to ask something now. `busy`: requests wait. */
  questions(busy: boolean, now: number): Question[] {
    return this.#checks.due(this.#servers, busy || this.inFlight > 0, now);
  }

  /** When `tick` or `questions` have something next; `Infinity`: never. */
  next(): number {
    return Math.min(this.#leases.next(), this.#checks.next(this.#servers));
  }

  #cutOff(slot: Slot<Server>, cause: CutOff, now: number): void {
    this.#quarantine(slot, cause, quarantineMs(cause, this.#settings), now);
    const { server } = slot;
    if (!isFailure(cause) || !server.health.requestFailed(now)) return;
    this.#healthChanged(server, now);
    this.#journal.note({ kind: "server-down", server: server.name, cause: "connections" }, now);
  }

  #quarantine(slot: Slot<Server>, cause: CutOff, forMs: number, now: number): void {
    slot.lost = cause === "lost" && (isHeld(slot) || slot.lost);
    this.#close(slot, "quarantined", forMs, now);
    if (slot.state !== "quarantined") return;
    const { server, lease } = slot;
    this.#journal.note({ kind: "quarantine", server: server.name, lease, cause }, now);
  }

  /** After a check, as long as after a request that ended in the same way; an answer of whatever kind is its end. */
  #recover(slot: Slot<Server>, result: CheckResult, now: number): void {
    slot.lost = result === "timeout";
    const answered = result === "passed" || result === "failed";
    const forMs = answered
      ? this.#settings.cooldownMs
      : quarantineMs(result === "timeout" ? "timeout" : "broken", this.#settings);
    this.#close(slot, "recovering", forMs, now);
  }

  /** Keeps the slot from everyone for a while; for no time at all, it is free at once. */
  #close(slot: Slot<Server>, state: ClosedState, forMs: number, now: number): void {
    if (forMs <= 0) this.free(slot, now);
    else {
      this.#leases.close(slot, state, forMs, now);
      if (isClosed(slot)) this.#checks.closed(slot.server, forMs, now);
    }
  }

  #healthChanged(server: Server, now: number): void {
    server.healthSince = now;
    this.#balance.serversChanged(this.#servers);
    this.#outbox.serverChanged(server.row);
  }

  #openClosed(server: Server, now: number, closed: { before: number; takenBefore: number }): void {
    for (const slot of [...server.takenSlots()]) {
      if (!isClosed(slot) || slot.stateSince >= closed.before || slot.since >= closed.takenBefore) continue;
      this.free(slot, now);
    }
  }

  #serverOf(row: SlotRow): Server {
    // By its URL: under another name it is as busy as under the one before.
    const { url } = row.server;
    const known = this.#servers.find((server) => server.url === url);
    if (known) return known;
    const nameIsAnothers = this.#servers.some((server) => server.name === row.server.name);
    const name = nameIsAnothers ? url : row.server.name;
    const gone = { name, url, slots: 0, weight: 1, backup: false };
    const retired = new Server(gone, null, undefined, true);
    this.#servers.push(retired);
    return retired;
  }
}
