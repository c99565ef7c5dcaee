import { Ticker } from "../../link/clock.ts";
import type { ShardOrders, ShardReport } from "../../link/shards.ts";
import type { Scheduler } from "../../scheduler/scheduler.ts";
import type { Holding } from "../../scheduler/shards/holding.ts";
import type { ShardLedger } from "./shard-ledger.ts";

/** A request that has waited for so long, in ms, may go to another shard that has room. */
const LONG_WAIT_MS = 100;
/** How often a shard looks whether a request has waited for so long, in ms, while any waits. */
const LOOK_MS = 50;
/** How often it says that one has, while it is so, in ms. */
const WANT_AGAIN_MS = 1_000;
/** How often it asks whether the drain is still on in which requests wait, in ms: it may be none that is told. */
const ASK_AGAIN_MS = 5_000;
/** How often it says that it has room at most, in ms, and in ms for each shard that may: that comes and goes with each request. */
const ROOM_AGAIN_MS = 20;
const ROOM_AGAIN_MS_EACH = 2;
/** How long it says that it has room, once it was asked, in ms. */
const ROOM_WANTED_MS = 4_000;

interface Parts {
  shard: number;
  holding: Holding<ShardOrders>;
  scheduler: Scheduler;
  ledger: ShardLedger;
  on: {
    /** The report has news. Called until it is told (`told`). */
    news: () => void;
    /** Writes to the ledger. */
    write: (changes: () => void) => void;
    /** The scheduler has something to commit. */
    changed: () => void;
  };
}

/** One shard's side of its pool: it does what the coordinator orders, and says how it is. */
export class Member {
  readonly shard: number;
  readonly holding: Holding<ShardOrders>;
  readonly #scheduler: Scheduler;
  readonly #ledger: ShardLedger;
  readonly #on: Parts["on"];
  #roomWantedUntil = 0;
  #wantToldAt = 0;
  #told: ShardReport | null = null;
  #toldAt = 0;
  readonly #since: number;
  #number = 0;
  #known = { revision: -1, report: { down: [] as string[], isAvailable: false } };
  /** As this instance has read it or written it. */
  #followed: number;
  /** Of the orders that no isolate passes a lease on against any more. */
  #settled = 0;
  /** While requests wait, nothing else may happen that would show for how long. */
  readonly #ticker = new Ticker(() => this.committed(Date.now()));

  constructor({ shard, holding, scheduler, ledger, on }: Parts) {
    this.shard = shard;
    this.holding = holding;
    this.#scheduler = scheduler;
    this.#ledger = ledger;
    this.#on = on;
    this.#followed = ledger.followed;
    this.#since = Math.max(Date.now(), ledger.startedAt + 1);
    // The first object's own reports do not travel.
    if (shard === 0) return;
    on.write(() => {
      ledger.startedAt = this.#since;
    });
  }

  /** To be followed by `settled`. */
  obey(orders: ShardOrders, now: number): void {
    if (!this.holding.hear(orders)) return;
    const { owned, down, registered, overrides, drain } = orders;
    const wanted = this.shard === 0 ? null : { registered, overrides };
    this.#scheduler.assign({ owned: new Set(owned), down: new Set(down), wanted, drain }, now);
    // No orders of before are to replace them, though they come after a restart.
    this.#follow(orders.version);
    // Of what isolates of this object's own pass on, operators' acts wait for the end.
    if (this.shard === 0) this.#settled = orders.version;
    this.#on.changed();
  }

  /**
   * No isolate passes on a lease by what it was told before these orders: they count as followed from now on, unless they are older
   * than what was followed before.
   */
  settled({ version }: ShardOrders, now: number): void {
    const held = this.holding.orders?.version ?? 0;
    this.#settled = Math.max(this.#settled, Math.min(version, held));
    this.committed(now);
  }

  /** Another shard's requests wait for room. */
  wantRoom(now: number): number {
    this.#roomWantedUntil = now + ROOM_WANTED_MS;
    this.#scheduler.othersWantRoom(now);
    this.#on.changed();
    const { room } = this.#scheduler;
    if (this.#told) this.#told = { ...this.#told, room };
    return room;
  }

  /** True if another shard's requests wait until this one says that it has room again. */
  isRoomAwaited(now: number): boolean {
    return now < this.#roomWantedUntil && this.#told?.room === 0;
  }

  /** So many of its requests are to go to another shard. Whether more of them want to is told anew. */
  sendOn(to: number, count: number, now: number): void {
    const sent = this.#scheduler.sendOn(count, to, now);
    if (this.#told && sent > 0) this.#told = { ...this.#told, want: null };
  }

  /** To be called after each commit. */
  committed(now: number): void {
    const { queued, queuedDeferred, inFlight, currentDrain } = this.#scheduler;
    if (currentDrain && this.shard !== 0 && queued > queuedDeferred)
      this.#ticker.wakeBy(now + ASK_AGAIN_MS, now);
    // Deferred requests alone keep no object awake that has nothing to do: they are looked after now and then.
    if (!currentDrain && (queued > queuedDeferred || (queued > 0 && inFlight > 0)))
      this.#ticker.wakeBy(now + LOOK_MS, now);
    if (this.#hasNews(now)) this.#on.news();
  }

  /** How the shard is, to be told: it is no news any more. */
  report(now: number): ShardReport {
    const report = this.peek(now);
    const { want } = report;
    this.#told = report;
    this.#toldAt = now;
    if (want) this.#wantToldAt = now;
    return report;
  }

  /** How the shard is. */
  peek(now: number): ShardReport {
    this.#number++;
    return this.#make(now);
  }

  /** The last report did not arrive. */
  untold(): void {
    this.#told = null;
  }

  #follow(version: number): void {
    if (version <= this.#followed) return;
    this.#followed = version;
    this.#on.write(() => {
      this.#ledger.followed = version;
    });
  }

  #hasNews(now: number): boolean {
    const [report, told] = [this.#make(now), this.#told];
    if (!told || report.version !== told.version || report.isQuiet !== told.isQuiet) return true;
    if (report.isAvailable !== told.isAvailable) return true;
    const { currentDrain, queued, queuedDeferred } = this.#scheduler;
    const waitsInDrain = currentDrain !== null && this.shard !== 0 && queued > queuedDeferred;
    if (waitsInDrain && now - this.#toldAt >= ASK_AGAIN_MS) return true;
    if (report.released.join() !== told.released.join() || report.down.join() !== told.down.join())
      return true;
    if ((report.want === null) !== (told.want === null)) return true;
    if (report.want && now - this.#wantToldAt >= WANT_AGAIN_MS) return true;
    if (report.room > 0 === told.room > 0) return false;
    const { shards = 1 } = this.holding.orders ?? {};
    const againAt = this.#toldAt + Math.max(ROOM_AGAIN_MS, ROOM_AGAIN_MS_EACH * shards);
    if (now >= againAt) return true;
    this.#ticker.wakeBy(againAt, now);
    return false;
  }

  /** What of the report changes with the servers only, which are many. */
  get #ofServers(): Pick<ShardReport, "down" | "isAvailable"> {
    const { serversRevision, servers } = this.#scheduler;
    if (this.#known.revision !== serversRevision) {
      const { owned = [], leaving = [] } = this.holding.orders ?? {};
      const own = new Set([...owned, ...leaving]);
      const down = servers.filter((one) => one.health.status === "down" && own.has(one.identity));
      const report = { down: down.map(({ identity }) => identity), isAvailable: this.#scheduler.slots > 0 };
      this.#known = { revision: serversRevision, report };
    }
    return this.#known.report;
  }

  #make(now: number): ShardReport {
    const scheduler = this.#scheduler;
    const isTaken = (identity: string) =>
      scheduler.servers.some((one) => one.identity === identity && one.occupied > 0);
    const isSettled = this.holding.orders?.version === this.#settled;
    return {
      ...{ shard: this.shard, since: this.#since, number: this.#number },
      version: this.#settled,
      followed: this.#followed,
      // By which orders they are let go, the version says.
      released: isSettled ? (this.holding.release(isTaken)?.identities ?? []) : [],
      ...this.#ofServers,
      isQuiet: scheduler.currentDrain !== null && scheduler.isQuiet,
      want: scheduler.longWaits(LONG_WAIT_MS, now),
      room: now < this.#roomWantedUntil ? scheduler.room : 0,
    };
  }
}
