import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { aheadOf } from "../../../src/carry/flow.ts";
import { parseWeb } from "../../config/support.ts";
import { CHECK, findingsOf, here, told, web } from "./support.ts";

const PATH = "vars.POOLS.web.priorities";
const list = (...entries: string[]) => `priorities = [${entries.map((one) => `{ ${one} }`).join(", ")}]`;

describe("a priority that no request gets is warned of, at its line:", () => {
  test.each([
    ['header = "x-plan", value = "gold"', 'header = "X-Plan", value = "gold"'],
    ['header = "x-plan"', 'header = "x-plan", value = "gold"'],
    ['path_prefix = "/api"', 'path_prefix = "/api/v2"'],
    ['method = "POST"', 'method = "POST", cookie = "plan"'],
    ['path_prefix = "/"', 'path_prefix = "/batch/", method = "GET", header = "x-a"'],
  ])("behind { %s } stands { %s }", (one, other) => {
    const text = web(
      `${list('method = "PURGE", ahead = "1s"', `${one}, ahead = "1m"`, `${other}, ahead = "2m"`)} # here`,
    );
    expect(findingsOf(text)).toMatchObject([
      {
        severity: "warning",
        key: `${PATH}[2]`,
        line: here(text),
        message: "has no effect: the first that matches counts, and priorities[1] matches before",
      },
    ]);
  });

  test("its path is that of another pool", () => {
    const keys = `path_prefix = ["/api/", "/reports/"]\n${list('path_prefix = "/batch/", ahead = "1m"')}`;
    expect(told(web(keys))).toEqual([
      `warning ${PATH}[0].path_prefix: "/batch/" is never asked for: this pool gets only requests whose path begins with "/api/" or "/reports/"`,
    ]);
  });
});

test.each([
  ['header = "x-plan", value = "gold"', 'header = "x-plan"'],
  ['header = "x-plan", value = "gold"', 'header = "x-plan", value = "silver"'],
  ['header = "plan"', 'cookie = "plan"'],
  ['cookie = "plan"', 'cookie = "Plan"'],
  ['path_prefix = "/api/"', 'path_prefix = "/api"'],
  ['path_prefix = "/api/", method = "GET"', 'path_prefix = "/api/"'],
  ['method = "GET"', 'path_prefix = "/"'],
])("behind { %s } may stand { %s }", (one, other) => {
  expect(told(web(list(`${one}, ahead = "1m"`, `${other}, ahead = "-0s"`)))).toEqual([]);
});

describe("ahead", () => {
  const saidOf = (ahead: string, more = "") =>
    told(web(`queue_timeout = "3m"\n${more}\n${list(`method = "GET", ahead = "${ahead}"`)}`));

  test("is warned of where others may be refused before their turn", () => {
    expect(saidOf("3m")).toEqual([
      `warning ${PATH}[0].ahead: 3m is no shorter than queue_timeout, 3m: others may be refused before their turn, while enough come that go first`,
    ]);
    expect(saidOf("179s")).toEqual([]);
  });

  test("is warned of where it leaves such a request no time, unless requests are stored", () => {
    expect(saidOf("-1h")).toEqual([
      `warning ${PATH}[0].ahead: -1h is no shorter than queue_timeout, 3m: it may be refused before its turn, while enough come that go first`,
    ]);
    expect(saidOf("-1h", `${CHECK}\ndeferred = {}`)).toEqual([]);
    expect(saidOf("-179s")).toEqual([]);
  });
});

/** Few values, so that entries often include each other. */
const maybe = (key: string, ...values: string[]) =>
  fc.option(fc.constantFrom(...values.map((value) => ({ [key]: value }))), { nil: {} });
const conditions = fc
  .tuple(
    maybe("header", "x-a", "x-b"),
    maybe("value", "1", "2"),
    maybe("path_prefix", "/", "/a", "/a/b"),
    maybe("method", "GET", "POST"),
  )
  .map(([header, value, path, method]): Record<string, string> => {
    return { ...header, ...("header" in header ? value : {}), ...path, ...method };
  })
  .filter((one) => Object.keys(one).length > 0);

test("whatever the entries, one is warned of exactly if a request that is just its own meets an earlier one", () => {
  fc.assert(
    fc.property(fc.array(conditions, { maxLength: 6 }), fc.constantFrom("/", "/a"), (entries, prefix) => {
      const given = entries.map((one, index) => ({ ...one, ahead: `${index + 1}s` }));
      const pool = parseWeb({ priorities: given, path_prefix: prefix });
      const text = web(`path_prefix = "${prefix}"\n${list(...given.map(tomlOf))}`);
      const warned = findingsOf(text).flatMap(({ key, message }) =>
        message.startsWith("has no effect") ? [key] : [],
      );
      const overtaken = entries.flatMap(({ header, value = "other", path_prefix, method = "PUT" }, index) => {
        const headers = new Headers(header === undefined ? {} : { [header]: value });
        const path =
          path_prefix !== undefined && path_prefix.length > prefix.length ? path_prefix : `${prefix}~`;
        return aheadOf(pool, { method, headers }, { path }) === (index + 1) * 1_000
          ? []
          : [`${PATH}[${index}]`];
      });
      expect(warned).toEqual(overtaken);
    }),
    { numRuns: 500 },
  );
});

function tomlOf(entry: Record<string, string>): string {
  return Object.entries(entry)
    .map(([key, value]) => `${key} = "${value}"`)
    .join(", ");
}
