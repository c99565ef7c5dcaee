import { loadConfig } from "../config/load.ts";
import type { PoolConfig } from "../config/types.ts";
import { LONGEST_MS } from "../config/units.ts";

/** Returns a pool's settings. `configured`: false without a valid configuration; the pool then only finishes work. */
export function settingsOf(
  env: { POOLS?: unknown },
  name: string,
  shard = 0,
): { settings: PoolConfig; configured: boolean } {
  try {
    const settings = loadConfig(env).pools.get(name);
    if (settings) return { settings: shardOf(settings, shard), configured: true };
    // The pool was removed from the configuration: its tickets would wait in vain, so they are refused.
    return { settings: poolWithoutServers(name, "refuse"), configured: false };
  } catch {
    // The configuration is invalid. Workers refuse new requests with `misconfigured` and log why; tickets that wait
    // stay on the list for the next deploy.
    return { settings: poolWithoutServers(name, "hold"), configured: false };
  }
}

/**
 * What of them is one shard's: how many requests may wait is divided. Deferred requests wait at the first, which also asks for
 * servers.
 */
function shardOf(settings: PoolConfig, shard: number): PoolConfig {
  const { shards, maxQueue, wake } = settings;
  if (shards === 1 && shard === 0) return settings;
  return {
    ...settings,
    maxQueue: Math.ceil(maxQueue / shards),
    wake: shard === 0 ? wake : null,
  };
}

/**
 * Settings without servers: what is in flight finishes, and nothing is granted. Unknown times are the longest that a
 * configuration may say, a day, so that no server is presumed idle too early.
 */
function poolWithoutServers(name: string, whenDown: PoolConfig["whenDown"]): PoolConfig {
  return {
    name,
    hosts: [],
    pathPrefixes: ["/"],
    slots: 1,
    servers: [],
    shards: 1,
    register: null,
    wake: null,
    balance: "roundrobin",
    slowStartMs: 0,
    maxQueue: Number.POSITIVE_INFINITY,
    queueTimeoutMs: LONGEST_MS,
    flow: null,
    maxQueuePerFlow: null,
    maxInFlightPerFlow: null,
    priorities: [],
    waitingPageMs: null,
    serverTimeout: { firstByteMs: LONGEST_MS, betweenMs: LONGEST_MS },
    connectTimeoutMs: LONGEST_MS,
    clientTimeoutMs: LONGEST_MS,
    longestMs: null,
    websocketIdleMs: null,
    retries: 0,
    redispatch: false,
    retryNonIdempotent: false,
    retryOn: [],
    check: null,
    whenDown,
    onClientAbort: "finish",
    quarantine: { maxMs: LONGEST_MS, brokenMs: LONGEST_MS, cancelMs: LONGEST_MS, probe: null },
    hostHeader: "server",
    headers: [],
    pages: {},
    freePaths: [],
    freePathsInDrain: false,
    logHeaders: { request: [], response: [] },
    logAddress: false,
    traceparent: "make",
    cooldownMs: LONGEST_MS,
    drainExpiresMs: 900_000,
    deferred: null,
    bufferRequestBytes: 0,
    bufferResponseBytes: 0,
    locationHint: null,
  };
}
