import type { IdentifiedServer, PoolConfig } from "../../config/types.ts";
import type { Journal } from "../record/journal.ts";
import type { Outbox } from "../record/outbox.ts";
import type { RegisteredRow, RestoredRegistration, ServerPatch, ServerRow, SlotRow } from "../terms/rows.ts";
import type { Balance } from "./balance.ts";
import type { Checks } from "./checks.ts";
import type { Cuts } from "./cuts.ts";
import { HealthState } from "./health.ts";
import { type Registered, type RegisterRequest, Registrations } from "./registrations.ts";
import { Server } from "./server.ts";

/** Those who go by which servers there are, and are told of each change. */
interface Users {
  balance: Balance;
  checks: Checks;
  cuts: Cuts;
}

/** What an object of a pool that has several is to know of the servers. */
export interface Assigned {
  /** By their identities: those whose slots it may grant. */
  owned: ReadonlySet<string>;
  /** Those of them that were down when last heard of. */
  down?: ReadonlySet<string>;
  /** Those that have registered, and what operators want; `null`: this object has both on record for all. */
  wanted: {
    registered: readonly RegisteredRow[];
    overrides: readonly Pick<ServerRow, "name" | "override" | "stateSince">[];
  } | null;
}

/**
 * Who the pool's servers are: those of the configuration, as operators have changed them, those that have registered, and
 * those that have left but still have occupied slots.
 */
export class Roster {
  readonly #settings: PoolConfig;
  readonly #outbox: Outbox;
  readonly #journal: Journal;
  readonly #balance: Balance;
  readonly #checks: Checks;
  readonly #cuts: Cuts;
  readonly #registrations = new Registrations();
  /** True of a server that another object of the pool has not let go; `null`: there is no other. */
  readonly #isElsewhere: ((identity: string) => boolean) | null;
  #servers: Server[];

  constructor(
    settings: PoolConfig,
    restored: { servers: ServerRow[]; registered: RestoredRegistration[] } | null,
    record: { outbox: Outbox; journal: Journal },
    { balance, checks, cuts }: Users,
    now: number,
    isElsewhere: ((identity: string) => boolean) | null = null,
  ) {
    this.#isElsewhere = isElsewhere;
    this.#settings = settings;
    this.#outbox = record.outbox;
    this.#journal = record.journal;
    this.#balance = balance;
    this.#checks = checks;
    this.#cuts = cuts;
    const rows = new Map(restored?.servers.map((row) => [row.name, row]));
    const registered = restored?.registered ?? [];
    const isOthers = (name: string) => registered.some((row) => row.name === name && !hasLeft(row));
    this.#servers = settings.servers.map(
      (server) =>
        new Server(server, settings.check, isOthers(server.name) ? undefined : rows.get(server.name)),
    );
    this.#restoreRegistered(registered, rows, now);
    // None is this object's own until it is told so (`assign`).
    if (isElsewhere) for (const server of this.#servers) server.away = true;
  }

  get servers(): readonly Server[] {
    return this.#servers;
  }

  /** Returns the server of this identity, which may have left; `undefined`: it is gone. */
  find(identity: string): Server | undefined {
    return this.#servers.find((server) => server.identity === identity);
  }

  /** Returns the slot's server; one that has left the configuration is added as retired. */
  serverOf(row: SlotRow): Server {
    // Not by name: a renamed server is as busy as it was before.
    const { identity } = row.server;
    return this.find(identity) ?? this.#addRetired(row.server);
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

  /** Some of the servers are this object's from now on, and the others another one's. */
  assign({ owned, wanted, down }: Assigned, now: number): void {
    if (wanted) this.#follow(wanted);
    for (const server of this.#servers) {
      const isNew = server.away;
      server.away = !owned.has(server.identity);
      if (isNew && !server.away && down) this.#takeOver(server, down.has(server.identity), now);
      if (server.away) server.nextCheckAt = Number.POSITIVE_INFINITY;
    }
    for (const server of [...this.#servers]) this.removeIfIdle(server);
    this.#cuts.serversChanged(this.#servers);
    this.#balance.serversChanged(this.#servers);
    this.#checks.work(this.#servers, now);
  }

  #follow({ registered, overrides }: NonNullable<Assigned["wanted"]>): void {
    const rows = new Map(overrides.map((row) => [row.name, row]));
    const present = new Set(registered.map(({ identity }) => identity));
    for (const server of this.#servers)
      if (server.registration && !server.retired && !present.has(server.identity)) server.retire();
    for (const row of registered) this.#join(row);
    for (const server of this.#servers)
      if (!server.retired) server.follow(rows.get(server.name) ?? AS_CONFIGURED);
  }

  /** `isDown`: it was when another object let it go, or has just registered: it is until it has passed its checks. */
  #takeOver(server: Server, isDown: boolean, now: number): void {
    const { check } = this.#settings;
    if (!check || isDown === (server.health.status === "down")) return;
    // Of a server of the configuration this object may have found what nobody has heard yet.
    if (!isDown && !server.registration) return;
    server.health = new HealthState(check, isDown ? "down" : "unchecked", isDown ? now : null);
    server.healthSince = isDown ? now : null;
    this.#outbox.serverChanged(server.row);
  }

  /** A server that has registered with another object of the pool. */
  #join(row: RegisteredRow): void {
    const { slots, check } = this.#settings;
    const namesake = this.#servers.find(
      ({ name, identity }) => name === row.name && identity !== row.identity,
    );
    if (namesake?.retired) namesake.name = namesake.identity;
    const known = this.#servers.find(({ identity }) => identity === row.identity);
    if (known && !known.retired && !known.registration) return;
    // It may have left and come again since it was last heard of.
    const isNew = !known || known.retired || known.registration?.since !== row.since;
    const server = known ?? new Server({ ...row, slots: row.slots ?? slots }, check);
    if (!known) this.#servers.push(server);
    server.register(row, slots);
    if (!isNew) return;
    // Who gives it to this object knows whether it is down.
    server.away = true;
    server.health = new HealthState(check);
    server.healthSince = null;
  }

  /** Takes out the servers that have registered, and have not done so again in time. */
  retireExpired(now: number): void {
    for (const server of this.#registrations.due(now)) this.#retire(server, null, now);
  }

  /** Removes a server that has left once nothing of it is in flight any more, here or elsewhere. */
  removeIfIdle(server: Server): void {
    if (server.retired && this.#isIdle(server)) this.#remove(server);
  }

  #isIdle({ occupied, identity }: Server): boolean {
    return occupied === 0 && !this.#isElsewhere?.(identity);
  }

  /** To be called when the state or health of a server has changed. */
  record(server: Server): void {
    this.#balance.serversChanged(this.#servers);
    this.#outbox.serverChanged(server.row);
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
      server.away = this.#isElsewhere !== null;
      this.#servers.push(server);
    }
    server.register(row, slots);
    // It may not be ready yet. Of one of several objects, its owner is told so (`assign`).
    const isDown = check !== null && !server.away;
    server.health = new HealthState(check, isDown ? "down" : "unchecked", isDown ? now : null);
    server.healthSince = isDown ? now : null;
    this.#registered(server);
    this.record(server);
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
    this.removeIfIdle(server);
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

  #addRetired({ name, identity, url, binding }: IdentifiedServer): Server {
    const isNameInUse = this.#servers.some((server) => server.name === name);
    const config = { identity, url, binding, slots: 0, weight: 1, backup: false };
    const retired = new Server({ ...config, name: isNameInUse ? identity : name }, null, undefined, true);
    this.#servers.push(retired);
    return retired;
  }
}

const AS_CONFIGURED = { override: {}, stateSince: null };

function hasLeft({ expiresAt }: RegisteredRow): boolean {
  return expiresAt === 0;
}
