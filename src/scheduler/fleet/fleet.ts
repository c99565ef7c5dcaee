import type { PoolConfig } from "../../config/types.ts";
import type { Happening } from "../record/events.ts";
import type { Question } from "../record/outbox.ts";
import { afterCheckMs, type CutOff, isFailure, quarantineMs } from "../terms/lease-end.ts";
import type { FailedServer } from "../waiting/failed-server.ts";
import { Balance } from "./balance.ts";
import { type CheckResult, Checks } from "./checks.ts";
import { Leases, restMs, type SlotRow } from "./leases.ts";
import {
  isClosed,
  isHeld,
  isInFlight,
  Server,
  type ServerPatch,
  type ServerRow,
  type Slot,
} from "./server.ts";

/** Told what the ledger has to write anew, and what people want to know. */
export interface FleetChanges {
  slot(slot: Slot): void;
  server(server: Server): void;
  happened(happening: Happening, now: number): void;
}

/**
 * The pool's servers with their slots: who has one, which are kept closed and for how long, and how the servers
 * are. It knows nothing of those who wait.
 */
export class Fleet {
  readonly #settings: PoolConfig;
  readonly #changes: FleetChanges;
  readonly #leases = new Leases(
    (slot) => this.#slotChanged(slot),
    (slot, state, now) => {
      this.#balance.slotFreed(slot.server);
      this.#checks.freed(slot, state, now);
    },
  );
  readonly #balance: Balance;
  readonly #checks: Checks;
  #servers: Server[];
  #grants = 0;

  constructor(
    settings: PoolConfig,
    restored: { slots: SlotRow[]; servers: Map<string, ServerRow> } | null,
    changes: FleetChanges,
    now: number,
    newId: () => string,
  ) {
    this.#settings = settings;
    this.#changes = changes;
    this.#balance = new Balance(settings.balance);
    this.#checks = new Checks(settings, this.#leases, newId);
    this.#servers = settings.servers.map(
      (server) => new Server(server, settings.check, restored?.servers.get(server.name)),
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
  taken(id: string): Slot | undefined {
    const slot = this.#leases.get(id);
    return slot && isInFlight(slot) ? slot : undefined;
  }

  /** The slot under a request's lease, unless its server is done with it. */
  leased(id: string): Slot | undefined {
    const slot = this.taken(id);
    return slot?.state === "cooling" ? undefined : slot;
  }

  // ── Slots ──

  /** Gives a free slot to the ticket of this id, if there is one for it. */
  grant(id: string, failed: FailedServer | null, now: number, random: () => number): Slot | undefined {
    const server = this.#balance.pick(random, failed);
    const slot = server?.take();
    if (!server || !slot) return undefined;
    server.lastGrant = ++this.#grants;
    this.#leases.grant(slot, id, now);
    return slot;
  }

  renew(slot: Slot, now: number): void {
    this.#leases.renew(slot, now);
  }

  /** The server has answered to its last byte. */
  answered(slot: Slot, now: number): void {
    slot.server.health.requestAnswered();
    this.#leases.close(slot, "cooling", this.#settings.cooldownMs, now);
  }

  /** The request ended before that: the slot is closed while its server may still be at work. */
  cutOff(slot: Slot, cause: CutOff, now: number): void {
    this.#quarantine(slot, cause, quarantineMs(cause, this.#settings), now);
    const { server } = slot;
    if (!isFailure(cause) || !server.health.requestFailed(now)) return;
    this.#healthChanged(server, now);
    this.#changes.happened({ kind: "server-down", server: server.name, cause: "connections" }, now);
  }

  /** Its server is busy for somebody else, and is at work on nothing of ours. */
  rest(slot: Slot, forMs: number, now: number): void {
    this.#leases.close(slot, "resting", restMs(forMs, this.#settings.cooldownMs), now);
  }

  free(slot: Slot, now: number): void {
    this.#leases.free(slot, now);
  }

  // ── Servers ──

  /** `false`: no such server in the configuration. */
  change(name: string, patch: ServerPatch, now: number): boolean {
    const server = this.#servers.find((one) => one.name === name && !one.retired);
    if (!server) return false;
    const changed = server.change(patch, now);
    this.#balance.serversChanged(this.#servers);
    this.#changes.server(server);
    if (Object.keys(changed).length > 0) {
      this.#changes.happened({ kind: "server-changed", server: name, ...changed }, now);
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
      this.#changes.happened({ kind: "server-down", server: server.name, cause: "checks" }, now);
    } else if (before.status === "down") {
      this.#changes.happened({ kind: "server-up", server: server.name }, now);
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
      else if (!isHeld(slot)) this.#leases.free(slot, now);
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

  #quarantine(slot: Slot, cause: CutOff, forMs: number, now: number): void {
    slot.lost = cause === "lost" && (isHeld(slot) || slot.lost);
    this.#close(slot, "quarantined", forMs, now);
    if (slot.state !== "quarantined") return;
    const { server, lease } = slot;
    this.#changes.happened({ kind: "quarantine", server: server.name, lease, cause }, now);
  }

  #recover(slot: Slot, result: CheckResult, now: number): void {
    slot.lost = result === "timeout";
    this.#close(slot, "recovering", afterCheckMs(result, this.#settings), now);
  }

  #close(slot: Slot, state: "quarantined" | "recovering", forMs: number, now: number): void {
    this.#leases.close(slot, state, forMs, now);
    if (isClosed(slot)) this.#checks.closed(slot.server, forMs, now);
  }

  #healthChanged(server: Server, now: number): void {
    server.healthSince = now;
    this.#balance.serversChanged(this.#servers);
    this.#changes.server(server);
  }

  #openClosed(server: Server, now: number, closed: { before: number; takenBefore: number }): void {
    for (const slot of [...server.takenSlots()]) {
      if (!isClosed(slot) || slot.stateSince >= closed.before || slot.since >= closed.takenBefore) continue;
      this.#leases.free(slot, now);
    }
  }

  #slotChanged(slot: Slot): void {
    const { server } = slot;
    this.#changes.slot(slot);
    if (server.retired && server.taken === 0) this.#servers = this.#servers.filter((one) => one !== server);
  }

  #serverOf(row: SlotRow): Server {
    // By its URL: under another name it is as busy as under the one before.
    const known = this.#servers.find((server) => server.url === row.url);
    if (known) return known;
    const nameIsAnothers = this.#servers.some((server) => server.name === row.server);
    const name = nameIsAnothers ? row.url : row.server;
    const gone = { name, url: row.url, slots: 0, weight: 1, backup: false };
    const retired = new Server(gone, null, undefined, true);
    this.#servers.push(retired);
    return retired;
  }
}
