import { loadConfig } from "../config/load.ts";
import type { PoolConfig } from "../config/types.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;

/** What a pool goes by, and whether that is what its operator wants: else the object only keeps what it knows. */
export function settingsOf(
  env: { POOLS?: unknown },
  name: string,
): { settings: PoolConfig; configured: boolean } {
  try {
    const settings = loadConfig(env).pools.get(name);
    if (settings) return { settings, configured: true };
    // Taken out of the configuration: whoever still waits, waits for nothing.
    return { settings: closedPool(name, "refuse"), configured: false };
  } catch {
    // Workers refuse new requests with `misconfigured` and log why; those that wait, wait for the next deploy.
    return { settings: closedPool(name, "hold"), configured: false };
  }
}

/**
 * A pool without servers: what is in flight finishes, nothing new is given out. What it does not know is what harms
 * nobody: a server may go on for as long as any configuration could say.
 */
function closedPool(name: string, whenDown: PoolConfig["whenDown"]): PoolConfig {
  return {
    name,
    hosts: [],
    pathPrefix: "/",
    slots: 1,
    servers: [],
    balance: "roundrobin",
    maxQueue: Number.POSITIVE_INFINITY,
    queueTimeoutMs: DAY_MS,
    serverTimeout: { firstByteMs: DAY_MS, betweenMs: DAY_MS },
    connectTimeoutMs: DAY_MS,
    clientTimeoutMs: DAY_MS,
    longestMs: null,
    websocketIdleMs: null,
    retries: 0,
    redispatch: false,
    retryNonIdempotent: false,
    retryOn: [],
    check: null,
    whenDown,
    onClientAbort: "finish",
    quarantine: { maxMs: DAY_MS, brokenMs: DAY_MS, cancelMs: DAY_MS, probe: null },
    hostHeader: "server",
    cooldownMs: DAY_MS,
    drainExpiresMs: 900_000,
    bufferRequestBytes: 0,
    bufferResponseBytes: 0,
    locationHint: null,
  };
}
