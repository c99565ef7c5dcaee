/**
 * How many of a key's requests go to its own server (`balance = "hash:…"`), by the slots of a server and the load: the
 * scheduler itself, played with random arrivals and service times. The same numbers each time.
 */
import { parseConfig } from "../../src/config/parse.ts";
import { PriorityQueue } from "../../src/scheduler/collections/priority-queue.ts";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { hashOf } from "../../src/scheduler/terms/hash.ts";
import { seeded } from "./random.ts";

const SERVICE_MS = 1_000;
/** Until then the pool fills, and nothing is counted. */
const WARM_UP_MS = 10 * SERVICE_MS;

export interface Play {
  servers: number;
  slots: number;
  keys: number;
  /** Work that comes over work that all slots can do. */
  load: number;
  requests: number;
}

export interface Played {
  /** Of the requests, how many went to their key's own server. */
  own: number;
  /** The same of the keys of that server whose keys had the fewest at theirs. */
  ownOfWorst: number;
  /** How often a slot was free while a request waited. */
  idleWhileWaiting: number;
  /** How often a request went before one that had come earlier. */
  overtaken: number;
}

interface Due {
  at: number;
  happens: () => void;
}

/** Requests come at random (Poisson), each of a random key, and take a random time (exponential). */
export function playAffinity({ servers, slots, keys, load, requests }: Play): Played {
  const random = seeded(servers * 1_000_003 + slots * 1_009 + Math.round(load * 100));
  const exponential = (mean: number) => -mean * Math.log(1 - random());
  const betweenMs = SERVICE_MS / (servers * slots * load);
  const hashKeys = Array.from({ length: keys }, (_, n) => hashOf(`session-${n}`));
  const own = ownServers(servers, slots, hashKeys);
  const pool = newPool(servers, slots);
  const due = new PriorityQueue<Due>(
    (a, b) => a.at < b.at,
    () => false,
  );
  const keyOf = new Map<string, number>();
  const counted = new Map(own.map((server) => [server, { all: 0, own: 0 }]));
  const played: Played = { own: 0, ownOfWorst: 1, idleWhileWaiting: 0, overtaken: 0 };
  let [now, arrived, latest] = [0, 0, -1];
  const settle = () => {
    for (const decision of pool.takeChanges().decisions) {
      if (decision.kind !== "grant") continue;
      const { ticket, slot } = decision;
      const nth = Number(ticket);
      if (nth < latest) played.overtaken++;
      latest = Math.max(latest, nth);
      const key = keyOf.get(ticket) as number;
      keyOf.delete(ticket);
      const server = own[key] as string;
      const count = counted.get(server);
      if (count && now >= WARM_UP_MS) {
        count.all++;
        if (slot.server.name === server) count.own++;
      }
      const ends = () => pool.end(ticket, { how: "done", status: 200 }, now);
      due.push({ at: now + exponential(SERVICE_MS), happens: ends });
    }
    if (pool.queued > 0 && pool.hasFreeSlot) played.idleWhileWaiting++;
  };
  const arrive = () => {
    const key = Math.floor(random() * keys);
    const id = String(arrived++);
    keyOf.set(id, key);
    pool.enter({ id, hashKey: hashKeys[key] as number }, now);
    if (arrived < requests) due.push({ at: now + exponential(betweenMs), happens: arrive });
  };
  due.push({ at: 0, happens: arrive });
  for (let next = due.pop(); next; next = due.pop()) {
    now = next.at;
    next.happens();
    settle();
  }
  let [all, atOwn] = [0, 0];
  for (const count of counted.values()) {
    all += count.all;
    atOwn += count.own;
    played.ownOfWorst = Math.min(played.ownOfWorst, count.own / count.all);
  }
  return { ...played, own: atOwn / all };
}

/** Each key's server where all are free. */
function ownServers(servers: number, slots: number, hashKeys: readonly number[]): string[] {
  const pool = newPool(servers, slots);
  return hashKeys.map((hashKey, n) => {
    const id = `own-${n}`;
    pool.enter({ id, hashKey }, n);
    const [decision] = pool.takeChanges().decisions;
    pool.end(id, { how: "done", status: 200 }, n);
    if (decision?.kind !== "grant") throw new Error("an idle pool grants at once");
    return decision.slot.server.name;
  });
}

function newPool(count: number, slots: number): Scheduler {
  const servers = Array.from({ length: count }, (_, n) => ({ name: `s${n}`, url: `http://s${n}.example` }));
  const keys = { servers, slots, balance: "hash:cookie:sid", max_queue: 1_000_000, queue_timeout: "24h" };
  const settings = parseConfig({ POOLS: { web: keys } }).pools.get("web");
  if (!settings) throw new Error("no pool");
  return new Scheduler(settings, null, 0);
}
