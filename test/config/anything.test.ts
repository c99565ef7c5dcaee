import fc from "fast-check";
import { expect, test } from "vitest";
import { problemsOf } from "./support.ts";

const junk = fc.oneof(
  { weight: 9, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  // String() throws for the first; `toJSON` of the second is no function, and JSON.stringify() must ignore it.
  fc.constantFrom<unknown>({ toString: 1 }, { toJSON: 1 }),
);
/** Mostly valid values, so that the search gets past the first check of a key. */
const mostly = <T>(...good: T[]) => fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...good) }, junk);

const server = fc.record(
  {
    name: mostly("a", "b", "constructor"),
    url: mostly("http://a", "https://b:1/", "http://c?x"),
    slots: mostly(1, 1000),
    weight: mostly(0, 256),
    backup: mostly(true, false),
  },
  { requiredKeys: [] },
);

const priority = fc.record(
  {
    header: mostly("X-Plan"),
    cookie: mostly("plan", "a;b"),
    value: mostly("gold", " a", "a;b"),
    path_prefix: mostly("/a"),
    method: mostly("GET"),
    ahead: mostly("1m", "-1m", "25h"),
  },
  { requiredKeys: [] },
);

const pool = fc.record(
  {
    hosts: fc.oneof(fc.array(mostly("*", "a.com", "*.a.com")), junk),
    path_prefix: mostly("/", "/api"),
    servers: fc.oneof({ weight: 4, arbitrary: fc.array(fc.oneof(server, junk)) }, junk),
    slots: mostly(1, 5),
    shards: mostly(1, 64, 65),
    balance: mostly("first", "random", "hash:cookie:sid", "hash:path"),
    slow_start: mostly("30s"),
    queue_timeout: mostly("1s", "0s"),
    flow: mostly("address", "cookie:sid"),
    max_queue_per_flow: mostly(1, 0),
    max_in_flight_per_flow: mostly(1, 0),
    priorities: fc.oneof({ weight: 4, arbitrary: fc.array(fc.oneof(priority, junk)) }, junk),
    check: fc.oneof(fc.record({ path: mostly("/up"), status: mostly("2xx") }), junk),
    quarantine: fc.oneof(fc.record({ max: mostly("1s"), probe: mostly("/") }), junk),
    buffer_request: mostly("1MiB", "65MiB"),
    location_hint: mostly("weur"),
    max_que: junk,
  },
  { requiredKeys: [] },
);

const name = fc.oneof(fc.constantFrom("web", "__proto__", "constructor", "a.b"), fc.string());
const pools = fc.oneof(junk, fc.dictionary(name, fc.oneof(pool, junk), { noNullPrototype: true }));

test("any JSON value as POOLS parses or is a ConfigError, whose every line names a place", () => {
  fc.assert(
    fc.property(pools, (given) => {
      for (const problem of problemsOf(given)) {
        expect(problem).toMatch(/^POOLS[.:].*(: |; )(allowed|did you mean)/u);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("no problem is in zod's words", () => {
  fc.assert(
    fc.property(pools, (given) => {
      expect(problemsOf(given).join("\n")).not.toMatch(/Invalid|expected|received|unrecognized/i);
    }),
  );
});
