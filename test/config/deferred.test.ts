import { describe, expect, test } from "vitest";
import { durationAllowed } from "../../src/config/units.ts";
import { parseWeb, problemsOf, web } from "./support.ts";

const deferred = (keys: Record<string, unknown>) => parseWeb({ deferred: keys }).deferred;
const problems = (keys: unknown) => problemsOf(web({ deferred: keys }));
const MONTH = `${durationAllowed("720h")}, at least "1s"`;

describe("deferred", () => {
  test("is off when it is left out", () => {
    expect(parseWeb().deferred).toBeNull();
  });

  test("has a default for each of its keys", () => {
    expect(deferred({})).toEqual({
      when: "asked",
      methods: ["POST", "PUT", "PATCH", "DELETE"],
      max: 10_000,
      maxBodyBytes: 32 * 1024 * 1024,
      maxResponseBytes: 32 * 1024 * 1024,
      keepMs: 86_400_000,
      expiresMs: 86_400_000,
      webhooks: [],
    });
  });

  test.each([
    ["when", "always", "when", "always"],
    ["methods", ["GET", "PURGE"], "methods", ["GET", "PURGE"]],
    ["max", 1_000_000, "max", 1_000_000],
    ["max_body", "512MiB", "maxBodyBytes", 536_870_912],
    ["max_response", "0B", "maxResponseBytes", 0],
    ["keep", "720h", "keepMs", 2_592_000_000],
    ["expires", "1s", "expiresMs", 1_000],
    ["webhooks", ["https://hooks.example.com/"], "webhooks", ["https://hooks.example.com"]],
  ])("%s takes %j", (key, given, is, becomes) => {
    expect(deferred({ [key]: given })).toMatchObject({ [is]: becomes });
  });

  test.each([
    ["when", "never", '"never" is unknown; allowed: "asked", "drained", "always"'],
    [
      "methods[0]",
      ["post"],
      '"post" is not a method; allowed: "POST", "PUT" or any other in upper case, but not "CONNECT"',
    ],
    [
      "methods[0]",
      ["CONNECT"],
      '"CONNECT" is not a method; allowed: "POST", "PUT" or any other in upper case, but not "CONNECT"',
    ],
    [
      "methods",
      "POST",
      '"POST" is not a list of methods; allowed: a list of methods, "POST", "PUT", "PATCH", "DELETE", "GET"',
    ],
    ["max", 0, "0 is out of range; allowed: 1 to 1000000"],
    [
      "max_body",
      "513MiB",
      '"513MiB" is too large; allowed: a number and a unit, "512B", "64KiB", "1MiB", at most "512MiB"',
    ],
    ["keep", "721h", `"721h" is not a duration; allowed: ${MONTH}`],
    ["expires", "0s", `"0s" is too short; allowed: ${MONTH}`],
    [
      "webhooks[0]",
      ["https://hooks.example.com/path"],
      '"https://hooks.example.com/path" is not an origin; allowed: "http://" or "https://", a host and perhaps a port, without path, query, fragment, user or password',
    ],
    [
      "webhooks[0]",
      ["https://*.example.com"],
      '"https://*.example.com" has a wildcard, which would match nothing: name each host; allowed: "http://" or "https://", a host and perhaps a port, without path, query, fragment, user or password',
    ],
    [
      "webhooks",
      "https://a.example",
      '"https://a.example" is not a list of origins; allowed: a list of at most 100, each like "https://hooks.example.com"',
    ],
  ])("%s refuses %j, naming the key, the value and what is allowed", (path, given, says) => {
    const [key = ""] = path.split("[");
    expect(problems({ [key]: given })).toEqual([`POOLS.web.deferred.${path}: ${says}`]);
  });

  test("refuses what is no table, and names an unknown key", () => {
    expect(problems(true)).toEqual([
      "POOLS.web.deferred: true is not a table; allowed: a table of when, methods, max, max_body, max_response, keep, expires, webhooks",
    ]);
    expect(problems({ max_bodi: 1 })).toEqual([
      'POOLS.web.deferred.max_bodi: unknown key, given 1; did you mean "max_body"? allowed: when, methods, max, max_body, max_response, keep, expires, webhooks',
    ]);
  });
});
