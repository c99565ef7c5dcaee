/**
 * What a pool of several shards can do, and what becomes of its order: the rules themselves, one scheduler a shard, played with
 * the network's times of inputs.ts. The same numbers each time.
 */
import { parseConfig } from "../../src/config/parse.ts";
import { PriorityQueue } from "../../src/scheduler/collections/priority-queue.ts";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { assign } from "../../src/scheduler/shards/assignment.ts";
import { ShardChoice } from "../../src/scheduler/shards/choice.ts";
import { Exchange } from "../../src/scheduler/shards/exchange.ts";
import { COMMIT_MS, OBJECT, ROUND_TRIP_MS } from "./inputs.ts";
import { seeded } from "./random.ts";

/** One way between any two of Worker, object and server, all near each other. */
const WAY_MS = ROUND_TRIP_MS.near / 2;
/** What an object computes for one message: two of them are a request, of which it can do so many a second. */
const MESSAGE_MS = 1_000 / OBJECT.planned / 2;
/** A shard looks so often whether its requests have waited for long enough to go to another one. */
const LOOK_MS = 50;
const LONG_WAIT_MS = 150;
/** Until then the pool fills, and nothing is counted. */
const WARM_UP_MS = 2_000;

export interface ShardPlay {
  shards: number;
  servers: number;
  serviceMs: number;
  /** Work that comes, at random, over work that all servers can do; `null`: as many clients as `clients` always wait. */
  load: number | null;
  clients: number;
  isolates: number;
  forMs: number;
  /** All objects compute in no time: what the shards themselves cost. */
  isFast?: boolean;
  /** The servers of all shards but the last one are busy all the time, with requests that came before. */
  isOneFree?: boolean;
}

export interface ShardPlayed {
  perSecond: number;
  /** The share of their time that servers worked. */
  utilisation: number;
  waitMs: { median: number; p99: number };
  /** Of the requests, how many began after one that had come later by more than a quarter of a second. */
  overtaken: number;
  /** How long a request has waited at one shard while another had a free slot all that time, at most, in ms. */
  longestBesideRoomMs: number;
  /** Of the requests, how many changed the shard. */
  moved: number;
}

interface Due {
  at: number;
  happens: () => void;
}

interface Request {
  id: string;
  arrivedAt: number;
  isolate: number;
}

interface Shard {
  number: number;
  scheduler: Scheduler;
  busyUntil: number;
  /** By their ids; in order only as far as none has come from another shard. */
  waiting: Map<string, Request>;
  /** Since when it has a free slot; `null`: it has none. */
  roomSince: number | null;
  isWanted: boolean;
  servers: number;
}

class Play {
  readonly #play: ShardPlay;
  readonly #random: () => number;
  readonly #due = new PriorityQueue<Due>(
    (a, b) => a.at < b.at,
    () => false,
  );
  readonly #shards: Shard[];
  readonly #choices: ShardChoice[];
  readonly #exchange = new Exchange();
  #now = 0;
  #ids = 0;
  #served = 0;
  #workMs = 0;
  #moves = 0;
  #overtaken = 0;
  #longestBesideRoomMs = 0;
  readonly #waits: number[] = [];
  /** When those came that have begun, the latest of each quarter of a second by when they began. */
  #latestBegun: { at: number; arrivedAt: number }[] = [];

  constructor(play: ShardPlay) {
    this.#play = play;
    const { shards, servers, isolates } = play;
    this.#random = seeded(shards * 1_000_003 + servers * 1_009 + Math.round((play.load ?? 9) * 100));
    const pool = Array.from({ length: servers }, (_, n) => ({ identity: `http://s${n}.example`, slots: 1 }));
    const of = assign(pool, shards, () => undefined);
    this.#shards = Array.from({ length: shards }, (_, number) => {
      const own = pool.filter(({ identity }) => of.get(identity) === number);
      return {
        ...{ number, scheduler: schedulerOf(own.map(({ identity }) => identity)), busyUntil: 0 },
        ...{ waiting: new Map(), roomSince: 0, isWanted: false, servers: own.length },
      };
    });
    this.#choices = Array.from({ length: isolates }, () => new ShardChoice(this.#random));
  }

  run(): ShardPlayed {
    const { load, clients, servers, serviceMs, forMs, isOneFree } = this.#play;
    if (isOneFree) for (const shard of this.#shards.slice(0, -1)) occupy(shard);
    if (load === null) for (let n = 0; n < clients; n++) this.#at(n % 100, () => this.#arrive());
    else {
      const betweenMs = serviceMs / (servers * load);
      const next = () => {
        this.#arrive();
        this.#in(-betweenMs * Math.log(1 - this.#random()), next);
      };
      next();
    }
    for (const shard of this.#shards) this.#in(LOOK_MS * this.#random(), () => this.#look(shard));
    for (let next = this.#due.pop(); next && next.at < forMs; next = this.#due.pop()) {
      this.#now = next.at;
      next.happens();
    }
    const seconds = (forMs - WARM_UP_MS) / 1_000;
    this.#waits.sort((a, b) => a - b);
    const quantile = (share: number) => this.#waits[Math.floor(share * (this.#waits.length - 1))] ?? 0;
    return {
      perSecond: this.#served / seconds,
      utilisation: this.#workMs / (seconds * 1_000 * servers),
      waitMs: { median: quantile(0.5), p99: quantile(0.99) },
      overtaken: this.#overtaken / Math.max(1, this.#waits.length),
      longestBesideRoomMs: this.#longestBesideRoomMs,
      moved: this.#moves / Math.max(1, this.#served),
    };
  }

  #arrive(): void {
    const isolate = this.#ids % this.#play.isolates;
    this.#enter({ id: `r${this.#ids++}`, arrivedAt: this.#now, isolate });
  }

  #enter(request: Request, shard = this.#pick(request)): void {
    const { id, arrivedAt } = request;
    this.#tell(shard, () => {
      shard.waiting.set(id, request);
      shard.scheduler.enter({ id, waitedMs: this.#now - arrivedAt }, this.#now);
    });
  }

  #pick({ isolate }: Request): Shard {
    const choice = this.#choices[isolate] as ShardChoice;
    return this.#shards[choice.pick(this.#shards.length, this.#now)] as Shard;
  }

  /** A message reaches the shard's object, which does one thing after the other. */
  #tell(shard: Shard, does: () => void): void {
    this.#in(WAY_MS, () => {
      const computeMs = this.#play.isFast ? 0 : MESSAGE_MS;
      shard.busyUntil = Math.max(shard.busyUntil, this.#now) + computeMs;
      this.#at(shard.busyUntil, () => {
        does();
        this.#settle(shard);
      });
    });
  }

  #settle(shard: Shard): void {
    for (const decision of shard.scheduler.takeChanges().decisions) {
      if (decision.kind !== "grant") continue;
      const request = shard.waiting.get(decision.ticket) as Request;
      shard.waiting.delete(decision.ticket);
      this.#in(COMMIT_MS + 2 * WAY_MS, () => this.#begin(request, shard));
    }
    const hasRoom = shard.scheduler.hasFreeSlot && shard.scheduler.queued === 0;
    shard.roomSince = hasRoom ? (shard.roomSince ?? this.#now) : null;
    if (hasRoom && shard.isWanted) this.#offer(shard);
  }

  #begin(request: Request, shard: Shard): void {
    const { serviceMs } = this.#play;
    this.#hear(request, shard);
    this.#in(serviceMs, () => {
      if (this.#now >= WARM_UP_MS) {
        this.#served++;
        this.#workMs += serviceMs;
      }
      this.#in(WAY_MS, () => {
        this.#tell(shard, () => shard.scheduler.end(request.id, { how: "done", status: 200 }, this.#now));
        if (this.#play.load === null) this.#arrive();
      });
    });
    if (this.#now < WARM_UP_MS) return;
    this.#waits.push(this.#now - request.arrivedAt);
    this.#countOvertaken(request);
  }

  /** Whoever came a quarter of a second later, and has begun. */
  #countOvertaken({ arrivedAt }: Request): void {
    if (this.#latestBegun.some((begun) => begun.arrivedAt > arrivedAt + 250)) this.#overtaken++;
    const last = this.#latestBegun.at(-1);
    if (!last || last.arrivedAt < arrivedAt) this.#latestBegun = [{ at: this.#now, arrivedAt }];
  }

  #hear({ isolate }: Request, shard: Shard): void {
    const { scheduler } = shard;
    const free = Math.max(0, shard.servers - scheduler.inFlight);
    this.#choices[isolate]?.heard(
      shard.number,
      { slots: shard.servers, queued: scheduler.queued, free },
      this.#now,
    );
  }

  /** Says so if requests have waited for long, and looks again later. */
  #look(shard: Shard): void {
    this.#in(LOOK_MS, () => this.#look(shard));
    const room = this.#shards.filter((one) => one !== shard && one.roomSince !== null);
    const long = [...shard.waiting.values()].filter(({ arrivedAt }) => this.#now - arrivedAt >= LONG_WAIT_MS);
    for (const { arrivedAt } of long) {
      const besideRoom = room.map(({ roomSince }) => this.#now - Math.max(arrivedAt, roomSince ?? this.#now));
      this.#longestBesideRoomMs = Math.max(this.#longestBesideRoomMs, ...besideRoom);
    }
    const { number } = shard;
    const since = Math.min(...long.map(({ arrivedAt }) => arrivedAt));
    this.#toCoordinator(() => this.#exchange.wants({ shard: number, count: long.length, since }, this.#now));
  }

  #offer(shard: Shard): void {
    const free = shard.servers - shard.scheduler.inFlight;
    this.#toCoordinator(() => this.#exchange.hasRoom(shard.number, free, this.#now));
  }

  #toCoordinator(says: () => { from: number; to: number; count: number }[]): void {
    this.#in(WAY_MS, () => {
      const was = this.#exchange.isWanted(this.#now);
      for (const { from, to, count } of says()) this.#in(WAY_MS, () => this.#move(from, to, count));
      const isWanted = this.#exchange.isWanted(this.#now);
      if (was === isWanted) return;
      for (const shard of this.#shards) {
        this.#in(WAY_MS, () => {
          shard.isWanted = isWanted;
          this.#settle(shard);
        });
      }
    });
  }

  #move(from: number, to: number, count: number): void {
    const shard = this.#shards[from] as Shard;
    const first = [...shard.waiting.values()].sort((a, b) => a.arrivedAt - b.arrivedAt).slice(0, count);
    for (const request of first) {
      if (!shard.scheduler.leave(request.id, this.#now)) continue;
      shard.waiting.delete(request.id);
      this.#moves++;
      this.#in(WAY_MS, () => this.#enter(request, this.#shards[to] as Shard));
    }
    this.#settle(shard);
  }

  #in(ms: number, happens: () => void): void {
    this.#at(this.#now + ms, happens);
  }

  #at(at: number, happens: () => void): void {
    this.#due.push({ at, happens });
  }
}

/** Takes all its servers, for good. */
function occupy(shard: Shard): void {
  for (let n = 0; n < shard.servers; n++) shard.scheduler.enter({ id: `long ${n}` }, 0);
  shard.scheduler.takeChanges();
  shard.roomSince = null;
}

export const playShards = (play: ShardPlay): ShardPlayed => new Play(play).run();

function schedulerOf(urls: readonly string[]): Scheduler {
  const servers = urls.map((url, n) => ({ name: `s${n}`, url }));
  const keys = { servers, max_queue: 1_000_000, queue_timeout: "24h" };
  const settings = parseConfig({ POOLS: { web: keys } }).pools.get("web");
  if (!settings) throw new Error("no pool");
  return new Scheduler(settings, null, 0);
}
