import { loadConfig } from "../config/load.ts";
import type { PoolConfig } from "../config/types.ts";

/** The pool's settings, or `null` when it is not configured (any more), or the configuration does not parse. */
export function configuredPool(env: { POOLS?: unknown }, name: string): PoolConfig | null {
  try {
    return loadConfig(env).pools.get(name) ?? null;
  } catch {
    // Workers refuse with `misconfigured` and log why; the object only has to keep what it knows.
    return null;
  }
}

/** A pool without servers: what is in flight finishes, nothing new is given out. */
export function closedPool(name: string): PoolConfig {
  return {
    name,
    hosts: [],
    pathPrefix: "/",
    slots: 1,
    servers: [],
    balance: "roundrobin",
    maxQueue: 0,
    queueTimeoutMs: 1,
    serverTimeoutMs: 120_000,
    retries: 0,
    redispatch: false,
    retryNonIdempotent: false,
    check: null,
    whenDown: "refuse",
    onClientAbort: "finish",
    quarantine: { maxMs: 120_000, brokenMs: 1_000, probe: null },
    hostHeader: "server",
    cooldownMs: 0,
    drainExpiresMs: 900_000,
    bufferRequestBytes: 0,
    bufferResponseBytes: 0,
    locationHint: null,
  };
}
