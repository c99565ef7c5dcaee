import type { RecentRefusal } from "../scheduler/record/recent-refusals.ts";
import type { ServerSnapshot, Snapshot } from "../scheduler/snapshot.ts";
import { inSentence, isTakenOut, POOL_STATES, serversInUse, takesRequests } from "./phrases.ts";
import type { QueueTrend } from "./queue-trend.ts";
import { lostShards } from "./shards.ts";

export type Gravity = "bad" | "warn" | "good";

/**
 * How a pool is, at a glance. `state` of a snapshot only says what operators want of the pool.
 * bad   requests get no answer, or will not
 * warn  an operator should know: servers are missing, requests wait for long, or a drain is on
 * good  nothing of these
 */
export interface Condition {
  gravity: Gravity;
  /** `Running`, `No server`, `2 of 3 servers`, `Drained, refusing`. */
  words: string;
}

/** Of a pool whose Durable Object does not answer, so that there is no snapshot. */
export const NOT_REACHED: Condition = { gravity: "bad", words: "Not reached" };

interface Trouble {
  gravity: "bad" | "warn";
  words: string;
}

/** From a snapshot, and from a series of them where there is one. `refusals`: those that are recent by now. */
export function conditionOf(
  pool: Snapshot,
  refusals: readonly RecentRefusal[] = pool.recentRefusals,
  trend: QueueTrend["kind"] | null = null,
): Condition {
  const troubles = troublesOf(pool, refusals, trend);
  const [trouble] = [...troubles.filter(({ gravity }) => gravity === "bad"), ...troubles];
  if (pool.state === "running") return trouble ?? { gravity: "good", words: POOL_STATES.running };
  const state = POOL_STATES[pool.state];
  if (!trouble) return { gravity: "warn", words: state };
  return { gravity: trouble.gravity, words: `${state}, ${inSentence(trouble.words)}` };
}

/** True if the server would take requests, and does not answer. One that an operator has taken out may be restarting. */
export function isMissing(server: Pick<ServerSnapshot, "state" | "health" | "weight">): boolean {
  return !isTakenOut(server) && server.health === "down";
}

/** True if nobody misses servers: all of the pool's register, none is there, and no request waits for one. */
export function isAtRest({ servers, queued }: Pick<Snapshot, "servers" | "queued">): boolean {
  return servers.length === 0 && queued === 0;
}

/** True if every slot that could get a request is in quarantine. */
export function isAllQuarantined({ servers }: Pick<Snapshot, "servers">): boolean {
  const inUse = servers.filter(takesRequests);
  return inUse.length > 0 && inUse.every(({ slots, quarantined }) => quarantined >= slots);
}

/**
 * Who fails where a request is refused.
 * pool      Sluice does not take the request, or not for so long
 * server    a server had the request; also of deferred requests, which were taken
 * client    the client stopped in the middle of its upload, or had as many requests waiting as it may
 * operator  nothing fails: an operator has stopped the pool, or had the request cut off
 */
export function culpritOf({ code, deferred }: Pick<RecentRefusal, "code" | "deferred">) {
  if (code === "client-timeout" || code === "flow-queue-full") return "client";
  if (code === "stopped" || code === "cut-off") return "operator";
  return deferred || code === "bad-gateway" || code === "server-timeout" ? "server" : "pool";
}

/** True if something fails with the refusal, and not only what a client or an operator has done. */
export function isFailing(refusal: Pick<RecentRefusal, "code" | "deferred">): boolean {
  return ["pool", "server"].includes(culpritOf(refusal));
}

/** In the order in which they are named. */
function troublesOf(
  pool: Snapshot,
  refusals: readonly RecentRefusal[],
  trend: QueueTrend["kind"] | null,
): Trouble[] {
  const isRunning = pool.state === "running";
  const inUse = serversInUse(pool);
  const culprits = refusals.map(culpritOf);
  const troubles: Trouble[] = [];
  const add = (applies: boolean, gravity: Trouble["gravity"], words: string) => {
    if (applies) troubles.push({ gravity, words });
  };
  // First of all: of that shard's servers and requests nothing is known.
  const lost = lostShards(pool).length;
  add(lost > 0, "bad", `${lost} of ${pool.shards?.length} shards not reached`);
  // In a drain nothing is sent to servers, and a deploy may well take all of them down.
  add(inUse === 0, isRunning && !isAtRest(pool) ? "bad" : "warn", "No server");
  add(culprits.includes("pool"), "bad", "Refusing");
  add(culprits.includes("server"), "bad", "Failing");
  add(pool.servers.some(isMissing), "warn", `${inUse} of ${pool.servers.length} servers`);
  if (!isRunning) return troubles;
  add(isAllQuarantined(pool), "warn", "Quarantined");
  add(trend === "grows", "warn", "Queue grows");
  add(trend === "long", "warn", "Long waits");
  return troubles;
}
