import { describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { ConfigError } from "../../src/config/parse.ts";
import { web } from "./support.ts";

/** POOLS that counts how often it is read. */
function watched(pools: object) {
  const seen = { times: 0 };
  const POOLS = new Proxy(pools, {
    ownKeys: (target) => {
      seen.times++;
      return Reflect.ownKeys(target);
    },
  });
  return { POOLS, seen };
}

function failureOf(env: { POOLS?: unknown }): unknown {
  try {
    return loadConfig(env);
  } catch (error) {
    return error;
  }
}

describe("loadConfig", () => {
  test("parses POOLS once, however many requests ask and whatever object brings it", () => {
    const { POOLS, seen } = watched(web());
    const config = loadConfig({ POOLS });
    const { times } = seen;
    expect(loadConfig({ POOLS })).toBe(config);
    expect(config.pools.has("web")).toBe(true);
    expect(seen.times).toBe(times);
  });

  test("remembers what is wrong, too", () => {
    const { POOLS, seen } = watched(web({ slots: 0 }));
    const error = failureOf({ POOLS });
    const { times } = seen;
    expect(error).toBeInstanceOf(ConfigError);
    expect(failureOf({ POOLS })).toBe(error);
    expect(seen.times).toBe(times);
  });

  test("reads the pools of further variables, once as well", () => {
    const first = watched(web({ hosts: ["a.example.com"] }));
    const second = watched({ api: { ...(web().web as object), hosts: ["b.example.com"] } });
    const env = { POOLS: first.POOLS, POOLS_2: second.POOLS };
    const config = loadConfig(env);
    const { times } = second.seen;
    expect([...config.pools.keys()]).toEqual(["web", "api"]);
    expect(loadConfig({ ...env })).toBe(config);
    expect(second.seen.times).toBe(times);
  });

  test("keeps two environments apart", () => {
    expect(loadConfig({ POOLS: web({ slots: 1 }) })).not.toBe(loadConfig({ POOLS: web({ slots: 2 }) }));
  });

  test.each([[{}], [{ POOLS: null }], [{ POOLS: "web" }], [{ POOLS: [] }], [{ POOLS: {} }]])(
    "says what to write when there is none: %j",
    (env) => {
      expect(() => loadConfig(env)).toThrow(ConfigError);
      expect(() => loadConfig(env)).toThrow("[vars.POOLS.web]");
    },
  );
});
