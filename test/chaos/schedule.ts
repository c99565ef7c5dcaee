import type { Random } from "./random.ts";
import { NEVER_REACHED } from "./servers/cloudflare.ts";

export interface Deploy {
  what: "deploy";
  /** How long it waits for the last request in flight, and how long it keeps the pool drained. */
  waitMs: number;
  holdMs: number;
  expiresMs: number;
  /** When what is still in flight is cut off; `null`: never. */
  cutMs: number | null;
  restart: boolean;
  /** Else its drain ends by itself. */
  resumes: boolean;
}

/** An operator has requests refused instead of having them wait. Times as of a deploy. */
export interface Stop {
  what: "stop";
  holdMs: number;
  expiresMs: number;
  cutMs: number | null;
  /** Else the stop ends by itself. */
  resumes: boolean;
}

/** A server registers itself, and so many times more. */
export interface Visit {
  what: "visit";
  renewals: number;
  /** Else it is out because it does not register again. */
  leaves: boolean;
}

/** The object of a stored request crashes, and somebody asks it for the request's status so long after that. */
export interface StoredCrash {
  what: "crash deferred";
  /**
   * Of which of them.
   * any    whatever it does, or has done
   * waits  no server has got it
   * works  a server has it
   * ends   the same, and the crash comes so long after its work is done, or has failed
   */
  moment: "any" | "waits" | "works" | "ends";
  /** From 0 to 1: which of those that there are. */
  pick: number;
  delayMs: number;
  wakeMs: number;
}

/** An operator has a stored request that has failed tried again. `pick`: which, from 0 to 1. */
export interface StoredRetry {
  what: "retry deferred";
  pick: number;
}

/** `shard`: which of the pool's objects, from 0; absent: it has only one. */
export interface PoolCrash {
  what: "crash";
  shard?: number;
}

/** The pool's object crashes when it is next told that a slot has changed hands: before it has noted that, or after it. */
export interface HandOverCrash {
  what: "crash at a hand-over";
  shard?: number;
  when: "before" | "after";
}

/** One of the pool's objects crashes, and nobody reaches it for a while. */
export interface Loss {
  what: "lose";
  shard?: number;
  forMs: number;
}

/** What happens to the pool and its servers, whoever is in flight. `server` is a number, round the servers; times are ms. */
export type Happening =
  | PoolCrash
  | HandOverCrash
  | Loss
  | StoredCrash
  | StoredRetry
  | { what: "refuse"; servers: number[]; forMs: number }
  | { what: "reset"; server: number; connections: number }
  | { what: "front"; server: number; status: number; requests: number }
  | { what: "sick"; server: number; status: number; forMs: number }
  | Deploy
  | Stop
  | Visit
  | { what: "state"; server: number; state: "drain" | "maint"; forMs: number; cutMs: number | null }
  | { what: "slots"; server: number; slots: number }
  | { what: "weight"; server: number; weight: number };

export type Scheduled = Happening & { atMs: number };

/** Each kind of happening comes at its own pace: the shortest and the longest time between two of them, in ms. */
const KINDS: Record<Happening["what"], { gapMs: [number, number]; draw: (random: Random) => Happening }> = {
  crash: { gapMs: [300, 3_100], draw: () => ({ what: "crash" }) },
  "crash at a hand-over": {
    gapMs: [600, 2_400],
    draw: (random) => ({ what: "crash at a hand-over", when: random.pick(["before", "after"]) }),
  },
  lose: {
    gapMs: [3_000, 9_000],
    draw: (random) => ({ what: "lose", forMs: random.whole(100, random.chance(0.5) ? 1_000 : MOST_LOST_MS) }),
  },
  "crash deferred": {
    gapMs: [100, 600],
    draw: (random) => ({
      what: "crash deferred",
      moment: random.pick(["any", "waits", "works", "ends"]),
      pick: random.next(),
      delayMs: random.whole(0, 8),
      wakeMs: random.whole(0, 1_000),
    }),
  },
  "retry deferred": {
    gapMs: [400, 1_600],
    draw: (random) => ({ what: "retry deferred", pick: random.next() }),
  },
  refuse: {
    gapMs: [1_500, 4_500],
    draw: (random) => ({
      what: "refuse",
      servers: random.chance(0.08) ? everyServer() : [anyServer(random)],
      forMs: random.whole(50, 900),
    }),
  },
  reset: {
    gapMs: [300, 1_500],
    draw: (random) => ({ what: "reset", server: anyServer(random), connections: random.whole(1, 2) }),
  },
  front: {
    gapMs: [1_500, 4_500],
    draw: (random) => ({
      what: "front",
      server: anyServer(random),
      status: random.pick(NEVER_REACHED),
      requests: random.whole(1, 2),
    }),
  },
  sick: {
    gapMs: [2_000, 6_000],
    draw: (random) => ({
      what: "sick",
      server: anyServer(random),
      status: random.pick([500, 503]),
      forMs: random.whole(1_200, 4_500),
    }),
  },
  deploy: {
    gapMs: [3_000, 9_000],
    draw: (random) => ({
      what: "deploy",
      waitMs: random.whole(0, 2_000),
      expiresMs: random.whole(300, 2_000),
      holdMs: random.whole(0, 500),
      restart: random.chance(0.5),
      resumes: random.chance(0.7),
      cutMs: perhapsCut(random),
    }),
  },
  stop: {
    gapMs: [6_000, 18_000],
    draw: (random) => ({
      what: "stop",
      holdMs: random.whole(100, 1_000),
      expiresMs: random.whole(300, 1_500),
      cutMs: perhapsCut(random),
      resumes: random.chance(0.7),
    }),
  },
  visit: {
    gapMs: [2_000, 6_000],
    draw: (random) => ({ what: "visit", renewals: random.whole(0, 6), leaves: random.chance(0.6) }),
  },
  state: {
    gapMs: [1_000, 4_000],
    draw: (random) => ({
      what: "state",
      server: anyServer(random),
      state: random.pick(["drain", "maint"]),
      forMs: random.whole(100, 1_500),
      cutMs: perhapsCut(random),
    }),
  },
  slots: {
    gapMs: [1_000, 4_000],
    draw: (random) => ({ what: "slots", server: anyServer(random), slots: random.whole(1, 2) }),
  },
  weight: {
    gapMs: [2_000, 6_000],
    draw: (random) => ({ what: "weight", server: anyServer(random), weight: random.whole(0, 5) }),
  },
};

/**
 * All that the seed has in store for this long, in order. `calm`: by how much it is further apart than usual. `shards`: how many
 * objects the pool has.
 */
export function schedule(random: Random, forMs: number, { calm = 1, shards = 1 } = {}): Scheduled[] {
  const all = Object.entries(KINDS).flatMap(([kind, { gapMs, draw }]) => {
    const own = random.fork(kind);
    const list: Scheduled[] = [];
    for (let atMs = calm * own.whole(...gapMs); atMs < forMs; atMs += calm * own.whole(...gapMs)) {
      list.push({ atMs, ...draw(own) });
    }
    return list;
  });
  const inOrder = all.sort((a, b) => a.atMs - b.atMs);
  // Nobody does anything for a pool that is out of reach as a whole.
  if (shards === 1) return inOrder.filter(({ what }) => what !== "lose");
  const own = random.fork("shards");
  return inOrder.map((one) => atSomeShard(one, own, shards));
}

/** The coordinator has a part in all that happens. */
const COORDINATORS_SHARE = 0.3;
/** No longer than operators are told to try again, and less than whoever looks at the pool waits for it. */
const MOST_COORDINATOR_LOST_MS = 1_500;
/** Requests go to another shard by then. */
const MOST_LOST_MS = 3_500;

function atSomeShard(one: Scheduled, random: Random, shards: number): Scheduled {
  if (one.what !== "crash" && one.what !== "crash at a hand-over" && one.what !== "lose") return one;
  const shard = random.chance(COORDINATORS_SHARE) ? 0 : random.whole(1, shards - 1);
  if (one.what !== "lose") return { ...one, shard };
  return { ...one, shard, forMs: shard === 0 ? Math.min(one.forMs, MOST_COORDINATOR_LOST_MS) : one.forMs };
}

/** Few requests take long: so that a cut finds some, half of them come at once. */
const perhapsCut = (random: Random) =>
  random.chance(0.6) ? random.whole(0, random.chance(0.5) ? 20 : 800) : null;
const MOST_SERVERS = 6;
const anyServer = (random: Random) => random.whole(0, MOST_SERVERS - 1);
const everyServer = () => Array.from({ length: MOST_SERVERS }, (_, index) => index);
