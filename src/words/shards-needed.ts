/** How many objects a pool needs for all of its slots to be at work, for the page and the command alike. */
import { SHARDS } from "../config/limits.ts";
import type { Snapshot } from "../scheduler/snapshot.ts";
import { grouped, takesRequests } from "./phrases.ts";

/** Requests a second that one object grants on Cloudflare, where it writes each grant: `OBJECT` in bench/model/inputs.ts. */
export const GRANTS = 350;
/** The same where each lease is passed on within an isolate, and nothing is written. */
export const GRANTS_PASSED_ON = 625;
/** How long a slot is idle between two requests, with all near the servers: the least in bench/model.md, in ms. */
export const IDLE_MS = 14;

/** A pool whose objects grant nearly as many requests as they can has reached its limit. */
const NEARLY = 0.8;
/** With fewer of its slots free, a pool's servers are its limit, whatever the times say. */
const LEAST_FREE = 0.1;

/** `passedOn`: the share of the leases that are, 0 to 1. */
export function grantsOfOneObject(passedOn = 0): number {
  return 1 / (passedOn / GRANTS_PASSED_ON + (1 - passedOn) / GRANTS);
}

/** Requests a second with which so many slots are at work all the time. */
export function grantsNeeded(slots: number, serviceMs: number): number {
  return (slots * 1_000) / (serviceMs + IDLE_MS);
}

/** `servers`: among how many the slots are. A shard without a server grants nothing. */
export function shardsNeeded(slots: number, serviceMs: number, servers: number): number {
  const needed = Math.ceil(grantsNeeded(slots, serviceMs) / GRANTS);
  return Math.max(1, Math.min(needed, servers, SHARDS[1]));
}

/** That a pool could do more with more objects. */
export interface ShardShortage {
  has: number;
  needs: number;
  /** Requests a second that the objects grant at most. */
  most: number;
  /** Requests a second that the servers could take. */
  possible: number;
}

/** `null`: nothing says that the pool's objects are its limit. */
export function shardShortage(pool: Snapshot): ShardShortage | null {
  const { state, servers, serviceMs, grantsPerSecond, totals } = pool;
  if (state !== "running" || serviceMs === null || grantsPerSecond === null) return null;
  // A backup waits for the others to be down.
  const used = servers.filter((server) => takesRequests(server) && !server.backup);
  const [slots, inFlight] = [sumOf(used, "slots"), sumOf(used, "inFlight")];
  const has = pool.shards?.length ?? 1;
  const needs = shardsNeeded(slots, serviceMs.p50, used.length);
  const most = has * grantsOfOneObject(Math.min(1, totals.passedOn / Math.max(1, totals.completed)));
  if (needs <= has || grantsPerSecond < NEARLY * most || slots - inFlight < LEAST_FREE * slots) return null;
  return { has, needs, most, possible: grantsNeeded(slots, serviceMs.p50) };
}

/**
 * `Set shards = 11: its Durable Object is near its limit, some 350 requests a second on Cloudflare, and …`. What helps comes first,
 * as a narrow terminal cuts the rest off.
 */
export function shortageWords({ has, needs, most, possible }: ShardShortage): string {
  const objects = has === 1 ? "its Durable Object is near its" : `its ${has} Durable Objects are near their`;
  return (
    `Set shards = ${needs}: ${objects} limit, some ${rounded(most)} requests a second on Cloudflare, and the servers could ` +
    `take ${rounded(possible)}`
  );
}

/** As an estimate. */
function rounded(perSecond: number): string {
  return grouped(Math.round(perSecond / 10) * 10);
}

function sumOf(servers: Snapshot["servers"], what: "slots" | "inFlight"): number {
  return servers.reduce((sum, server) => sum + server[what], 0);
}
