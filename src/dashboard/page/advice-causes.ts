import type { RecentRefusal } from "../../scheduler/record/recent-refusals.ts";
import type { ServerSnapshot, Snapshot } from "../../scheduler/snapshot.ts";
import { isAllQuarantined, isMissing } from "../../words/condition.ts";
import { serversInUse, takesRequests } from "../../words/phrases.ts";
import type { QueueTrend } from "../../words/queue-trend.ts";
import { lostShards } from "../../words/shards.ts";
import { shardShortage } from "../../words/shards-needed.ts";

/** A problem, what it leads to, and what helps. No two pieces of advice on a pool have the same cause. */
export interface Advice {
  cause: Cause | "object";
  weight: "bad" | "warn" | "plain";
  text: string;
}

/** What is known of a pool. Times are in ms since the epoch. */
export interface Facts {
  pool: Snapshot;
  /** Who looks. */
  operator: string;
  /** True if they may cut off what a drain of theirs waits for. */
  mayCut: boolean;
  now: number;
  /** Those that are recent by now. */
  refusals: readonly RecentRefusal[];
  trend: QueueTrend | null;
  /** When a drain was last on; 0: none is known. */
  drainedAt: number;
}

/**
 * lost-shards      of a pool of several objects, some are not reached
 * drain            the pool is drained, or about to be
 * no-server        no server takes requests
 * servers-missing  some servers are down
 * quarantine       slots are in quarantine
 * drain-over       a drain has ended a moment ago
 * servers-back     servers have come back a moment ago
 * slow             servers do not answer in time
 * broken           servers cannot be reached or break off, and none is down
 * few-shards       the pool's objects grant nearly as much as they can, and its servers could take more
 * load             nothing of these: more comes than the servers can do
 * clients          clients stop in the middle of uploads
 * flows            clients send more than may wait of one
 * failed …         whatever else requests are refused with, by its code
 */
export type Cause =
  | "lost-shards"
  | "drain"
  | "no-server"
  | "servers-missing"
  | "quarantine"
  | "drain-over"
  | "servers-back"
  | "slow"
  | "broken"
  | "few-shards"
  | "load"
  | "clients"
  | "flows"
  | `failed ${string}`;

/** What a cause leads to. */
export interface Symptoms {
  refusals: RecentRefusal[];
  trend: QueueTrend | null;
}

/** For how long something that is over still explains what came of it. */
const AFTERMATH_MS = 60_000;

/** Refusals because too many wait, or for too long. */
const OF_THE_QUEUE = new Set(["queue-full", "queue-timeout", "deferred-full"]);
const OF_OPERATORS = new Set(["stopped", "cut-off"]);
const OF_SERVERS = new Set(["no-server", "bad-gateway", "server-timeout"]);

/**
 * The causes of all that is wrong with a pool, each with its symptoms. A symptom has one cause only: whoever is told that
 * all servers are down need not be told to raise `max_queue`.
 */
export function causesOf(facts: Facts): Map<Cause, Symptoms> {
  const { pool, refusals, trend } = facts;
  const found = new Map<Cause, Symptoms>();
  const symptomsOf = (cause: Cause): Symptoms => {
    const symptoms = found.get(cause) ?? { refusals: [], trend: null };
    found.set(cause, symptoms);
    return symptoms;
  };
  if (lostShards(pool).length > 0) symptomsOf("lost-shards");
  if (pool.drain) symptomsOf("drain");
  if (serversInUse(pool) === 0) symptomsOf("no-server");
  else if (pool.servers.some(isMissing)) symptomsOf("servers-missing");
  for (const refusal of refusals) symptomsOf(causeOf(refusal, facts)).refusals.push(refusal);
  if (trend && !pool.drain)
    symptomsOf(found.has("drain-over") ? "drain-over" : causeOfQueue(facts)).trend = trend;
  if (shardShortage(pool)) symptomsOf("few-shards");
  // A drain waits for quarantined slots, servers that are slow fill them, and those that are gone do not need them.
  const isExplained = (["drain", "no-server", "slow"] as const).some((cause) => found.has(cause));
  if (pool.quarantined > 0 && !isExplained) symptomsOf("quarantine");
  return found;
}

/** Those that have begun to take requests a moment ago. */
export function serversBack({ servers }: Snapshot, now: number): ServerSnapshot[] {
  const isRecent = (instant: string | null) => instant !== null && now - Date.parse(instant) < AFTERMATH_MS;
  return servers.filter(
    (server) =>
      takesRequests(server) &&
      (isRecent(server.stateSince) || (server.health === "up" && isRecent(server.healthSince))),
  );
}

function causeOf({ code }: RecentRefusal, facts: Facts): Cause {
  if (code === "client-timeout") return "clients";
  if (code === "flow-queue-full") return facts.pool.drain ? "drain" : causeOfFlows(facts);
  if (OF_OPERATORS.has(code) && facts.pool.drain) return "drain";
  if (OF_THE_QUEUE.has(code)) return causeOfDrain(facts) ?? causeOfQueue(facts);
  if (!OF_SERVERS.has(code)) return `failed ${code}`;
  const cause = causeInServers(facts);
  if (cause) return cause;
  return code === "server-timeout" ? "slow" : "broken";
}

/** While no server takes requests, anybody's pile up. */
function causeOfFlows({ pool }: Facts): Cause {
  return serversInUse(pool) === 0 ? "no-server" : "flows";
}

/** What has piled up in a drain outlasts it. */
function causeOfDrain({ pool, now, drainedAt }: Facts): Cause | null {
  if (pool.drain) return "drain";
  return serversInUse(pool) > 0 && now - drainedAt < AFTERMATH_MS ? "drain-over" : null;
}

/** Why too many wait, or for too long, without a drain. */
function causeOfQueue(facts: Facts): Cause {
  const { pool, refusals } = facts;
  const cause = causeInServers(facts);
  if (cause) return cause;
  if (lostShards(pool).length > 0) return "lost-shards";
  if (refusals.some(({ code }) => code === "server-timeout") && isMostlyQuarantined(pool)) return "slow";
  if (isAllQuarantined(pool)) return "quarantine";
  return shardShortage(pool) ? "few-shards" : "load";
}

/** True if so many slots are closed that the others cannot be expected to make up for them. */
function isMostlyQuarantined({ servers }: Snapshot): boolean {
  const inUse = servers.filter(takesRequests);
  const quarantined = inUse.reduce((sum, server) => sum + server.quarantined, 0);
  return quarantined >= inUse.reduce((sum, { slots }) => sum + slots, 0) / 2;
}

function causeInServers({ pool, refusals, now }: Facts): Cause | null {
  if (serversInUse(pool) === 0) return "no-server";
  if (pool.servers.some(isMissing)) return "servers-missing";
  const wereOut = serversBack(pool, now).length > 0 || refusals.some(({ code }) => code === "no-server");
  return wereOut ? "servers-back" : null;
}
