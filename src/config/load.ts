/** The configuration, parsed once an isolate. */
import { bindingsOf } from "./bindings.ts";
import { ConfigError, parseConfig } from "./parse.ts";
import type { Config } from "./types.ts";

/**
 * By `env.POOLS`, the same object for the isolate's life, and so are the further variables. A wrong configuration is
 * cached too.
 */
const cache = new WeakMap<object, Config | ConfigError>();

export function loadConfig(env: { POOLS?: unknown }): Config {
  const pools = env.POOLS;
  if (typeof pools !== "object" || pools === null) return parseConfig(env, bindingsOf(env));
  let outcome = cache.get(pools);
  if (outcome === undefined) {
    outcome = attempt(env);
    cache.set(pools, outcome);
  }
  if (outcome instanceof ConfigError) throw outcome;
  return outcome;
}

function attempt(env: object): Config | ConfigError {
  try {
    return parseConfig(env, bindingsOf(env));
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}
