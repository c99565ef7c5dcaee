import type { PoolConfig } from "../../config/types.ts";
import { inTime, Ticker } from "../../link/clock.ts";
import { Conditions } from "../../link/conditions.ts";
import type { Env } from "../../link/env.ts";
import { logError } from "../../link/log.ts";
import { backoffMs } from "../../link/reach.ts";
import { type ShardOrders, type ShardReport, type ShardStub, shardStub } from "../../link/shards.ts";
import type { Scheduler } from "../../scheduler/scheduler.ts";
import type { PoolServer } from "../../scheduler/shards/assignment.ts";
import { Exchange, type Move } from "../../scheduler/shards/exchange.ts";
import { Ownership } from "../../scheduler/shards/ownership.ts";
import type { Member } from "./member.ts";
import type { ShardLedger } from "./shard-ledger.ts";

/** How long a shard may take for an answer, in ms. */
const ANSWER_MS = 3_000;
/** The longest pause between two calls of a shard that is not reached, in ms. */
const LONGEST_PAUSE_MS = 5_000;
/** A shard that is not reached is called so often, for about a quarter of an hour. The coordinator stays awake for that. */
const MOST_FAILURES = 200;
/** How often shards are asked for room, in ms, while there are requests that want it. */
const ASK_ROOM_MS = 2_000;

interface Parts {
  env: Env;
  pool: PoolConfig;
  scheduler: Scheduler;
  member: Member;
  ledger: ShardLedger;
  storage: DurableObjectStorage;
  isDeferredFull: () => boolean;
  on: {
    write: (changes: () => void) => void;
    /** The scheduler has something to commit. */
    changed: () => void;
  };
}

/** What is known of another shard. */
interface Known {
  report: ShardReport | null;
  /** Orders are on their way to it. */
  isTold: boolean;
  /** It did not answer its last call. */
  isReached: boolean;
}

/**
 * What makes several objects one pool, in the pool's own object, which is its first shard: it has on record which shard owns which
 * server (`Ownership`), tells the shards that and all that operators want, and hears when they have done it. It has no part in the
 * requests of other shards, but that it finds room for those that wait for long.
 */
export class Coordinator {
  readonly #env: Env;
  readonly #pool: PoolConfig;
  readonly #scheduler: Scheduler;
  readonly #member: Member;
  readonly #ledger: ShardLedger;
  readonly #storage: DurableObjectStorage;
  readonly #isDeferredFull: () => boolean;
  readonly #on: Parts["on"];
  readonly #ownership: Ownership;
  readonly #exchange = new Exchange();
  readonly #known = new Map<number, Known>();
  readonly #conditions = new Conditions();
  /** The servers that are down, as far as it was told. */
  readonly #down: Set<string>;
  /** When those have registered that are there by that, by their identities. */
  #registered: Map<string, number>;
  /** Rises with other orders, and when a shard follows them, or says that nothing is in flight there any more. */
  revision = 0;
  /** By what the last orders were made. */
  #ordered = "";
  #roomAskedAt = Number.NEGATIVE_INFINITY;
  readonly #ticker = new Ticker(() => this.#askAgain(Date.now()));

  constructor({ env, pool, scheduler, member, ledger, storage, isDeferredFull, on }: Parts) {
    this.#isDeferredFull = isDeferredFull;
    this.#env = env;
    this.#pool = pool;
    this.#scheduler = scheduler;
    this.#member = member;
    this.#ledger = ledger;
    this.#storage = storage;
    this.#on = on;
    const down = scheduler.servers.filter(({ health }) => health.status === "down");
    this.#down = new Set(ledger.down ?? down.map(({ identity }) => identity));
    this.#registered = registeredOf(scheduler);
    this.#ownership = new Ownership(ledger.load(), occupiedOf(scheduler));
  }

  /** To be called at the start, and when the drain or a server may have changed, in the commit of that. */
  changed(): void {
    const ordered = JSON.stringify([this.#wanted, this.#servers]);
    if (ordered === this.#ordered) return;
    // At the start, what an instance before has ordered is not known.
    this.#ordered = ordered;
    this.#ownership.renew();
    this.#ownership.claim(occupiedOf(this.#scheduler));
    this.#ownership.configure(this.#servers, this.#pool.shards);
    this.#noteRegistered();
    this.#order();
  }

  /** Another shard says how it is. Resolves with its orders; `null`: it follows the latest. */
  async report(report: ShardReport): Promise<ShardOrders | null> {
    const known = this.#knownOf(report.shard);
    known.isReached = true;
    // A shard that starts may take the orders of an instance that has been replaced for the latest, unless this fails for it.
    if (report.version === 0) this.#on.write(() => this.#ledger.touch());
    this.heard(report);
    await this.#storage.sync();
    return report.version === this.version ? null : this.orders(report.shard);
  }

  /** Of the latest orders. */
  get version(): number {
    return this.#ownership.version;
  }

  /** A shard, which may be this object's own, has said how it is. */
  heard(report: ShardReport): void {
    const { shard, version, followed, released, down, isAvailable, want, room } = report;
    const known = this.#knownOf(shard);
    const { report: before } = known;
    if (before?.version !== version || before.isQuiet !== report.isQuiet) this.revision++;
    // Reports may overtake each other.
    const isLatest = !before || isLater(report, before);
    if (isLatest) known.report = report;
    // Another instance of the coordinator has given those orders: the latest write says which of the two goes on.
    if (followed > this.version) {
      this.#on.write(() => this.#ledger.touch());
      this.#ownership.renew(followed);
      this.#order();
    }
    if (isLatest) this.#noteDown(this.#ownership.hasSince(shard, version), new Set(down));
    if (released.length > 0) {
      this.#ownership.released({ shard, version, identities: released });
      this.#order();
    }
    this.#conditions.changed();
    const now = Date.now();
    if (this.#scheduler.currentDrain) {
      this.#scheduler.othersChanged(now);
      this.#on.changed();
    }
    this.#bring(this.#exchange.wants({ shard, count: want?.count ?? 0, since: want?.since ?? 0 }, now), now);
    this.#bring(this.#exchange.hasRoom(shard, room, now), now);
    if (want && now - this.#roomAskedAt >= ASK_ROOM_MS && this.#exchange.isWanted(now)) {
      this.#roomAskedAt = now;
      this.#askForRoom(this.#ownership.members, now);
    }
    if (want && !isAvailable) this.#findServers(report, want.count);
    if (want && this.#scheduler.slots === 0 && !this.othersAreAvailable) {
      this.#scheduler.othersWait(want, now);
      this.#on.changed();
    }
  }

  orders(shard: number): ShardOrders {
    const orders = this.#ownership.orders(shard);
    return { ...orders, ...this.#wanted, down: orders.owned.filter((identity) => this.#down.has(identity)) };
  }

  /** All shards but this one: those that the pool is to have, and those that have not let go of everything. */
  get others(): number[] {
    return this.#ownership.members.filter((shard) => shard !== 0);
  }

  /** Those that do not answer. */
  get unreachable(): number[] {
    return this.others.filter((shard) => this.#known.get(shard)?.isReached === false);
  }

  /** A call of it has arrived, or has not. */
  called(shard: number, isReached: boolean): void {
    this.#knownOf(shard).isReached = isReached;
  }

  /** True if the server is down, as far as its shard has told. */
  isDown(identity: string): boolean {
    return this.#down.has(identity);
  }

  ownerOf(identity: string): number | null {
    return this.#ownership.ownerOf(identity);
  }

  /** Who has not let go of the server; `null`: nobody has it. */
  holderOf(identity: string): number | null {
    return this.#ownership.holderOf(identity);
  }

  /** True if another shard has not let go of the server, which may be at work for it. */
  isElsewhere(identity: string): boolean {
    return (this.#ownership.holderOf(identity) ?? 0) !== 0;
  }

  /** True if nothing is in flight at the others in the drain that is on, as they have said since it began. */
  get othersAreQuiet(): boolean {
    return this.others.every((shard) => this.#follows(shard) && this.#known.get(shard)?.report?.isQuiet);
  }

  /** True if another shard has servers that take requests, or does not say. */
  get othersAreAvailable(): boolean {
    return this.others.some((shard) => this.#known.get(shard)?.report?.isAvailable !== false);
  }

  /** Resolves once all shards do what is wanted now, or after `timeoutMs`. */
  untilFollowed(timeoutMs: number): Promise<void> {
    return this.#conditions.until(() => this.others.every((shard) => this.#follows(shard)), timeoutMs);
  }

  stub(shard: number): ShardStub {
    return shardStub(this.#env, this.#pool, shard);
  }

  #follows(shard: number): boolean {
    return this.#known.get(shard)?.report?.version === this.#ownership.version;
  }

  get #wanted(): Pick<ShardOrders, "drain" | "overrides" | "registered" | "isDeferredFull"> {
    const { currentDrain, servers } = this.#scheduler;
    const there = servers.filter(({ retired }) => !retired);
    const changed = there.filter(({ override }) => Object.keys(override).length > 0);
    return {
      isDeferredFull: this.#isDeferredFull(),
      drain: currentDrain && { ...currentDrain, isCut: false, cutLeases: undefined },
      overrides: changed.map(({ name, override, stateSince }) => ({
        ...{ name, stateSince },
        override: { ...override, isCut: undefined, cutLeases: undefined },
      })),
      // That they go on as they were is no news. Who does not, leaves here.
      registered: there.flatMap(({ registration }) =>
        registration ? { ...registration, expiresAt: Number.POSITIVE_INFINITY } : [],
      ),
    };
  }

  get #servers(): PoolServer[] {
    return this.#scheduler.servers
      .filter(({ retired }) => !retired)
      .map(({ identity, slots, backup }) => ({ identity, slots, backup }));
  }

  /** Whoever gets one of them next is to know. */
  #noteDown(servers: string[], down: ReadonlySet<string>): void {
    const changed = servers.filter((identity) => this.#down.has(identity) !== down.has(identity));
    if (changed.length === 0) return;
    for (const identity of changed) {
      if (down.has(identity)) this.#down.add(identity);
      else this.#down.delete(identity);
    }
    this.#writeDown();
  }

  /** A server that has just registered may not be ready yet: it is down until it has passed its checks. */
  #noteRegistered(): void {
    const before = this.#registered;
    this.#registered = registeredOf(this.#scheduler);
    if (!this.#pool.check) return;
    const added = [...this.#registered].filter(([identity, since]) => before.get(identity) !== since);
    if (added.length === 0) return;
    for (const [identity] of added) this.#down.add(identity);
    this.#writeDown();
  }

  #writeDown(): void {
    for (const one of this.#down) if (this.#ownership.holderOf(one) === null) this.#down.delete(one);
    this.#on.write(() => {
      this.#ledger.down = [...this.#down];
    });
  }

  /** Writes what has changed of the orders, and only then tells everybody. */
  #order(): void {
    const changes = this.#ownership.takeChanges();
    if (!changes) return;
    this.#on.write(() => {
      this.#ledger.write(changes);
      if (this.#ledger.down === null) this.#ledger.down = [...this.#down];
    });
    this.revision++;
    this.#member.obey(this.orders(0), Date.now());
    for (const shard of this.others) void this.#tell(shard);
  }

  /** Calls the shard until it follows the latest orders. */
  async #tell(shard: number): Promise<void> {
    const known = this.#knownOf(shard);
    if (known.isTold) return;
    known.isTold = true;
    try {
      for (let [failures, unsure] = [0, 0]; !this.#follows(shard) && this.others.includes(shard); ) {
        try {
          await this.#storage.sync();
          const report = await inTime(this.stub(shard).obey(this.orders(shard)), ANSWER_MS);
          known.isReached = true;
          this.heard(report);
          failures = 0;
          // It has other orders, or was not sure of these.
          if (!this.#follows(shard)) await scheduler.wait(backoffMs(++unsure, LONGEST_PAUSE_MS));
        } catch (error) {
          if (failures++ === 0) logError(error, { pool: this.#pool.name, shard });
          known.isReached = false;
          // It asks when it is back, and is told with the next orders.
          if (failures > MOST_FAILURES) return;
          await scheduler.wait(backoffMs(failures, LONGEST_PAUSE_MS));
        }
      }
    } finally {
      known.isTold = false;
    }
  }

  /** Asks shards which of them has room for requests that wait elsewhere. They say by themselves for a while when that begins. */
  #askForRoom(shards: readonly number[], now: number): void {
    for (const shard of shards) {
      if (shard === 0) this.#bring(this.#exchange.hasRoom(0, this.#member.wantRoom(now), now), now);
      else
        this.stub(shard)
          .wantRoom()
          .then(
            (room) => this.#bring(this.#exchange.hasRoom(shard, room, Date.now()), Date.now()),
            () => {},
          );
    }
  }

  #askAgain(now: number): void {
    this.#askForRoom(this.#exchange.toAsk(now), now);
    this.#bring([], now);
  }

  #bring(moves: readonly Move[], now: number): void {
    for (const move of moves) this.#move(move);
    const askAt = this.#exchange.askAt(now);
    if (Number.isFinite(askAt)) this.#ticker.wakeBy(askAt, now);
  }

  /** A shard has no servers for those who wait there: they wait at one that has. */
  #findServers({ shard: from }: ShardReport, count: number): void {
    const isAvailable = (shard: number) =>
      shard === 0 ? this.#scheduler.slots > 0 : this.#known.get(shard)?.report?.isAvailable === true;
    const there = this.#ownership.members.filter((shard) => shard !== from && isAvailable(shard));
    const to = there[Math.floor(Math.random() * there.length)];
    if (to !== undefined) this.#move({ from, to, count });
  }

  #move({ from, to, count }: Move): void {
    if (from === 0) {
      this.#member.sendOn(to, count, Date.now());
      this.#on.changed();
    } else
      void this.stub(from)
        .sendOn(to, count)
        .catch(() => {});
  }

  #knownOf(shard: number): Known {
    let known = this.#known.get(shard);
    if (!known) {
      known = { report: null, isTold: false, isReached: true };
      this.#known.set(shard, known);
    }
    return known;
  }
}

function registeredOf(scheduler: Scheduler): Map<string, number> {
  const there = scheduler.servers.filter(({ retired }) => !retired);
  return new Map(
    there.flatMap(({ identity, registration }) => (registration ? [[identity, registration.since]] : [])),
  );
}

function occupiedOf(scheduler: Scheduler): string[] {
  return scheduler.servers.filter(({ occupied }) => occupied > 0).map(({ identity }) => identity);
}

function isLater(report: ShardReport, than: ShardReport): boolean {
  if (report.since !== than.since) return report.since > than.since;
  return report.number > than.number;
}
