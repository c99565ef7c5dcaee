/** The configuration of this isolate. */
import { ConfigError, parseConfig } from "./parse.ts";
import type { Config } from "./types.ts";

/**
 * By the object `env.POOLS`, which stays the same for the isolate's life: every request needs the
 * configuration, and a wrong one must not cost a parse each time either.
 */
const remembered = new WeakMap<object, Config | ConfigError>();

export function loadConfig(env: { POOLS?: unknown }): Config {
  const pools = env.POOLS;
  if (typeof pools !== "object" || pools === null) return parseConfig(pools);
  let outcome = remembered.get(pools);
  if (outcome === undefined) {
    outcome = attempt(pools);
    remembered.set(pools, outcome);
  }
  if (outcome instanceof ConfigError) throw outcome;
  return outcome;
}

function attempt(pools: object): Config | ConfigError {
  try {
    return parseConfig(pools);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}
