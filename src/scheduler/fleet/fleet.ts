import type { IdentifiedServer, PoolConfig } from "../../config/types.ts";
import type { Journal } from "../record/journal.ts";
import type { Outbox, ServerQuestion } from "../record/outbox.ts";
import { type CutOff, isFailure, type LeaseEnd, quarantineMs } from "../terms/lease-end.ts";
import {
  isHeld,
  isInFlight,
  isInQuarantine,
  isPresumedLost,
  type RegisteredRow,
  type RestoredRegistration,
  type ServerPatch,
  type ServerRow,
  type SlotRow,
} from "../terms/rows.ts";
import type { Ticket } from "../waiting/ticket.ts";
import { Balance } from "./balance.ts";
import { type CheckReport, noAnswer } from "./check-report.ts";
import { Checks } from "./checks.ts";
import { Cuts } from "./cuts.ts";
import { HealthState } from "./health.ts";
import { Leases, restMs, type WithheldState } from "./leases.ts";
import { type Registered, type RegisterRequest, Registrations } from "./registrations.ts";
import { Server } from "./server.ts";
import type { Slot } from "./slot.ts";

/**
 * The pool's servers and their slots: which requests hold them, how long they stay closed afterwards, and how healthy
 * the servers are. It knows nothing of the waiting list.
 */
export class Fleet {
  readonly #settings: PoolConfig;
  readonly #outbox: Outbox;
  readonly #journal: Journal;
  readonly #leases: Leases;
  readonly #balance: Balance;
  readonly #checks: Checks;
  readonly #cuts: Cuts;
  readonly #registrations = new Registrations();
  #servers: Server[];

  /** `newId` returns an id that is unique across all instances of the pool. */
  constructor(
    settings: PoolConfig,
    restored: { slots: SlotRow[]; servers: ServerRow[]; registered: RestoredRegistration[] } | null,
    record: { outbox: Outbox; journal: Journal },
    now: number,
    newId: () => string,
  ) {
    this.#settings = settings;
    this.#outbox = record.outbox;
    this.#journal = record.journal;
    this.#leases = new Leases(record.outbox);
    this.#balance = new Balance(settings);
    this.#checks = new Checks(settings, this.#leases, newId);
    this.#cuts = new Cuts(settings, record.outbox, this.#leases, this.#checks);
    const rows = new Map(restored?.servers.map((row) => [row.name, row]));
    const registered = restored?.registered ?? [];
    const isOthers = (name: string) => registered.some((row) => row.name === name && !hasLeft(row));
    this.#servers = settings.servers.map(
      (server) =>
        new Server(server, settings.check, isOthers(server.name) ? undefined : rows.get(server.name)),
    );
    this.#restoreRegistered(registered, rows, now);
    for (const row of restored?.slots ?? []) {
      const server = this.#serverOf(row);
      this.#leases.restore(server, row, now, settings);
      if (server.hasQuarantine) this.#checks.quarantined(server, settings.quarantine.maxMs, now);
    }
    for (const server of [...this.#servers])
      if (server.retired && server.occupied === 0) this.#remove(server);
    this.#balance.serversChanged(this.#servers);
    this.#cuts.serversChanged(this.#servers);
  }

  /** The servers of the configuration and those that have registered, and retired ones that still have occupied slots. */
  get servers(): readonly Server[] {
    return this.#servers;
  }

  /** How many slots are in flight: leased, orphaned, in quarantine after a request, or cooling. */
  get inFlight(): number {
    return this.#leases.inFlight;
  }

  /** True if every server is in maintenance or was seen to be down recently. */
  isOut(now: number): boolean {
    return this.#servers.every((server) => server.isOut(now));
  }

  /** True if requests can get slots, now or once they are free. */
  get isAvailable(): boolean {
    return this.#servers.some((server) => server.available);
  }

  /** How many slots requests can get, now or once they are free. */
  get slots(): number {
    return this.#servers.reduce((sum, server) => sum + (server.available ? server.slots : 0), 0);
  }

  /** True if all slots are free, and a server would take a request at once. */
  get idle(): boolean {
    return this.#leases.size === 0 && this.#servers.some((server) => server.available);
  }

  get hasFreeSlot(): boolean {
    return this.#balance.hasFreeSlot;
  }

  /** Returns the slot that a request of this id holds or held last, as long as it is in flight. */
  slotInFlight(id: string): Slot<Server> | undefined {
    const slot = this.#leases.get(id);
    return slot && isInFlight(slot) ? slot : undefined;
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
    ticket: Pick<Ticket, "id" | "failed" | "hashKey">,
    now: number,
    random: () => number,
  ): Slot<Server> | undefined {
    const slot = this.#balance.pick(ticket, now, random)?.take();
    if (slot) this.#leases.grant(slot, ticket.id, now);
    return slot;
  }

  /** Names a server for a request without a slot; `undefined`: none is available. `failed`: names of those that failed it. */
  pickFree(failed: readonly string[]): Server | undefined {
    return this.#balance.pickFree(failed);
  }

  renew(slot: Slot<Server>, now: number): void {
    slot.lost = false;
    this.#leases.renew(slot, now);
  }

  /** Ends the lease on this slot, which stays closed while its server may still be at work. */
  end(slot: Slot<Server>, end: LeaseEnd, now: number): void {
    const { cooldownMs } = this.#settings;
    if (end.how === "unused") this.free(slot, now);
    else if (end.how === "busy") this.#withhold(slot, "resting", restMs(end.restMs, cooldownMs), now);
    else if (end.how === "done") {
      slot.server.health.requestAnswered();
      this.#withhold(slot, "cooling", cooldownMs, now);
    } else this.#cutOff(slot, end.how, now);
  }

  /** Frees an occupied slot. Callers have found it by its lease or its state, so none is freed twice. */
  free(slot: Slot<Server>, now: number): void {
    const { server, state } = slot;
    this.#leases.free(slot);
    this.#balance.slotFreed(server);
    this.#checks.freed(slot, state, now);
    if (server.retired && server.occupied === 0) this.#remove(server);
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
    return this.#cuts.takeDue(this.#servers, now);
  }

  /** Applies an operator's change. Returns false if the configuration has no such server. */
  change(name: string, patch: ServerPatch, by: string, now: number): boolean {
    const server = this.#servers.find((one) => one.name === name && !one.retired);
    if (!server) return false;
    const changed = server.change(patch, by, now);
    this.#cuts.serversChanged(this.#servers);
    this.#balance.serversChanged(this.#servers);
    this.#outbox.serverChanged(server.row);
    if (Object.keys(changed).length > 0) {
      this.#journal.note({ kind: "server-changed", server: name, by, ...changed }, now);
    }
    // Check even an idle pool now: an operator who changes a server wants to know its health.
    this.#checks.work(this.#servers, now);
    return true;
  }

  /** A server registers, for the first time or again. Its slots of before may still be occupied. */
  register(request: RegisterRequest, now: number): Registered {
    const { renews, ...said } = request;
    const { name, identity, by } = said;
    const present = this.#servers.filter((one) => !one.retired);
    const namesake = present.find((one) => one.name === name);
    const known = present.find((one) => one.identity === identity);
    if ([namesake, known].some((one) => one && !one.registration) || (known && known !== namesake))
      return "known";
    if (known) return this.#renew(known, said, now);
    if (namesake && renews) return "known";
    if (!namesake && this.#registrations.size >= (this.#settings.register?.max ?? 0)) return "full";
    // A second one that starts under the same name takes over.
    if (namesake) this.#retire(namesake, by, now);
    this.#add({ ...said, since: now }, now);
    this.#journal.note({ kind: "server-registered", server: name, url: said.url, by }, now);
    return "new";
  }

  /** A server that has registered leaves. Returns `null` if there is none of this name, or at this URL if one is given. */
  deregister(name: string, url: string | null, by: string, now: number): Server | null {
    const server = this.#servers.find(
      (one) => one.name === name && !one.retired && one.registration && (url === null || one.url === url),
    );
    if (server) this.#retire(server, by, now);
    return server ?? null;
  }

  /** When the first server leaves that has registered and does not do so again; `Infinity`: none does. */
  get nextExpiry(): number {
    return this.#registrations.next;
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
    const server = this.#servers.find((one) => one.identity === identity);
    // Requests that got a slot, or were cut off, since then may have reached the server after the probe.
    if (server && idle) this.#freeQuarantined(server, now, { closedBefore: askedAt, heldBefore: askedAt });
    this.#checks.probeEnded(server, server?.hasQuarantine ?? false, now);
  }

  /** To be called when the pool has work: its servers are checked for a while. */
  work(now: number): void {
    this.#checks.work(this.#servers, now);
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
    for (const server of this.#registrations.due(now)) this.#retire(server, null, now);
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
    return this.#checks.due(this.#servers, busy || this.inFlight > 0, now);
  }

  /** Returns when `tick` or `questions` has something to do next; `Infinity`: never. */
  next(): number {
    return Math.min(
      this.#leases.next(),
      this.#cuts.next,
      this.#checks.next(this.#servers),
      this.#registrations.next,
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
    const { server, lease } = slot;
    this.#journal.note({ kind: "quarantine", server: server.name, lease, cause }, now);
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
      this.#leases.withhold(slot, state, forMs, now);
      if (isInQuarantine(slot)) this.#checks.quarantined(slot.server, forMs, now);
    }
  }

  #recordHealth(server: Server, now: number): void {
    server.healthSince = now;
    this.#recordServer(server);
  }

  #recordServer(server: Server): void {
    this.#balance.serversChanged(this.#servers);
    this.#outbox.serverChanged(server.row);
  }

  /** Frees the server's slots in quarantine that were both closed and granted before these times. */
  #freeQuarantined(
    server: Server,
    now: number,
    { closedBefore, heldBefore }: { closedBefore: number; heldBefore: number },
  ): void {
    for (const slot of [...server.occupiedSlots()]) {
      if (!isInQuarantine(slot) || slot.stateSince >= closedBefore || slot.since >= heldBefore) continue;
      this.free(slot, now);
    }
  }

  #renew(server: Server, request: RegisterRequest, now: number): Registered {
    const { registration, configured, backup } = server;
    const before = { slots: server.slots, weight: server.weight };
    server.register({ ...request, since: registration?.since ?? now }, this.#settings.slots);
    this.#registered(server);
    // It may take longer to start than an idle pool's servers are checked.
    if (server.health.status === "down") this.#checks.work(this.#servers, now);
    const { slots, weight } = server.configured;
    const isSame = slots === configured.slots && weight === configured.weight && backup === server.backup;
    if (isSame) return "renewed";
    this.#balance.serversChanged(this.#servers);
    const changed = {
      ...(server.slots === before.slots ? {} : { slots: server.slots }),
      ...(server.weight === before.weight ? {} : { weight: server.weight }),
    };
    if (Object.keys(changed).length > 0)
      this.#journal.note({ kind: "server-changed", server: server.name, by: request.by, ...changed }, now);
    return "changed";
  }

  #add(row: RegisteredRow, now: number): void {
    const { slots, check } = this.#settings;
    for (const one of this.#servers) if (one.name === row.name) one.name = one.identity;
    let server = this.#servers.find((one) => one.identity === row.identity);
    if (!server) {
      server = new Server({ ...row, slots: row.slots ?? slots }, check);
      this.#servers.push(server);
    }
    server.register(row, slots);
    // It may not be ready yet.
    server.health = new HealthState(check, check ? "down" : "unchecked", now);
    server.healthSince = check && now;
    this.#registered(server);
    this.#recordServer(server);
    this.#checks.work(this.#servers, now);
  }

  #registered(server: Server): void {
    this.#registrations.add(server);
    if (server.registration) this.#outbox.registrationChanged(server.registration);
  }

  /** `by: null`: its time is up. */
  #retire(server: Server, by: string | null, now: number): void {
    const { name, registration } = server;
    server.retire();
    this.#cuts.serversChanged(this.#servers);
    this.#registrations.delete(server);
    this.#balance.serversChanged(this.#servers);
    this.#outbox.serverLeft(name);
    if (registration) {
      server.registration = { ...registration, expiresAt: 0 };
      this.#outbox.registrationChanged(server.registration);
    }
    if (server.occupied === 0) this.#remove(server);
    this.#journal.note({ kind: "server-left", server: name, by }, now);
  }

  /** Nothing of it is in flight any more. */
  #remove(server: Server): void {
    this.#servers = this.#servers.filter((one) => one !== server);
    this.#balance.serversChanged(this.#servers);
    if (server.registration && hasLeft(server.registration)) this.#outbox.serverGone(server.identity);
  }

  /** The configuration may have become another one: what it says of a server goes before what that has said itself. */
  #restoreRegistered(
    rows: RestoredRegistration[],
    servers: ReadonlyMap<string, ServerRow>,
    now: number,
  ): void {
    const { register, check, slots } = this.#settings;
    // Without a configuration nothing is granted, and nobody is sent away.
    const isConfigured = this.#settings.servers.length > 0 || register !== null;
    // The name of one that has left may be another's by now.
    const inOrder = [...rows].sort((a, b) => Number(hasLeft(a)) - Number(hasLeft(b)));
    for (const { allowed, ...row } of inOrder) {
      const isNameTaken = this.#servers.some(({ name }) => name === row.name);
      const isKnown = this.#servers.some(({ identity }) => identity === row.identity);
      const sentAway = isConfigured && !hasLeft(row);
      if (!hasLeft(row) && !isNameTaken && !isKnown && allowed) {
        const server = new Server({ ...row, slots: row.slots ?? slots }, check, servers.get(row.name));
        server.register(row, slots);
        this.#servers.push(server);
        this.#registrations.add(server);
        continue;
      }
      if (sentAway) this.#outbox.serverLeft(row.name);
      if (isKnown) this.#outbox.serverGone(row.identity);
      else {
        const retired = this.#addRetired(row);
        retired.registration = sentAway ? { ...row, expiresAt: 0 } : row;
        if (!sentAway) continue;
        this.#outbox.registrationChanged(retired.registration);
        this.#journal.note({ kind: "server-left", server: row.name, by: null }, now);
      }
    }
  }

  /** Returns the slot's server; one that has left the configuration is added as retired. */
  #serverOf(row: SlotRow): Server {
    // Not by name: a renamed server is as busy as it was before.
    const { identity } = row.server;
    return this.#servers.find((server) => server.identity === identity) ?? this.#addRetired(row.server);
  }

  #addRetired({ name, identity, url, binding }: IdentifiedServer): Server {
    const isNameInUse = this.#servers.some((server) => server.name === name);
    const config = { identity, url, binding, slots: 0, weight: 1, backup: false };
    const retired = new Server({ ...config, name: isNameInUse ? identity : name }, null, undefined, true);
    this.#servers.push(retired);
    return retired;
  }
}

function hasLeft({ expiresAt }: RegisteredRow): boolean {
  return expiresAt === 0;
}
