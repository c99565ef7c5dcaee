import { describe, expect, test } from "vitest";
import { DURATION_ALLOWED } from "../../src/config/units.ts";
import { parseWeb, problemsOf, web } from "./support.ts";

const CHECK_HOST_ALLOWED = "a host name, without scheme, port or path";
const HEADER_ALLOWED = '"x-role", or with its value "x-role: primary"';
const PATH_ALLOWED = 'a path as it stands in a request: beginning with one "/", percent-encoded, without "#"';

describe("check", () => {
  test("is off when it is left out", () => {
    expect(parseWeb().check).toBeNull();
  });

  test("needs only its path", () => {
    expect(parseWeb({ check: { path: "/up" } }).check).toEqual({
      path: "/up",
      method: "GET",
      port: null,
      host: null,
      intervalMs: 2_000,
      timeoutMs: 1_000,
      rise: 2,
      fall: 3,
      status: "2xx",
      expect: null,
      expectHeader: null,
      slot: true,
    });
    expect(problemsOf(web({ check: {} }))).toEqual([
      `POOLS.web.check.path: missing; allowed: ${PATH_ALLOWED}`,
    ]);
  });

  test("takes each of its keys", () => {
    const given = {
      path: "/up?full=1",
      method: "OPTIONS",
      port: 65_535,
      host: "App.Example.com",
      interval: "100ms",
      timeout: "5s",
      rise: 1,
      fall: 100,
      status: "200, 404",
      expect: "  ready, über all",
      expect_header: "X-Role:  the primary ",
      slot: false,
    };
    expect(parseWeb({ check: given }).check).toEqual({
      path: "/up?full=1",
      method: "OPTIONS",
      port: 65_535,
      host: "app.example.com",
      intervalMs: 100,
      timeoutMs: 5_000,
      rise: 1,
      fall: 100,
      status: "200,404",
      expect: "  ready, über all",
      expectHeader: { name: "x-role", value: "the primary" },
      slot: false,
    });
  });

  test("takes a header of any value", () => {
    const { check } = parseWeb({ check: { path: "/", expect_header: "X-Role" } });
    expect(check?.expectHeader).toEqual({ name: "x-role", value: null });
  });

  test("looks for no text in an answer that has no body", () => {
    expect(problemsOf(web({ check: { path: "/up", method: "HEAD", expect: "ready" } }))).toEqual([
      'POOLS.web.check.expect: "ready" is looked for in a body, and the answer to HEAD has none; allowed: method = "GET"',
    ]);
  });

  test.each([
    ["path", "up", `"up" is not a path; allowed: ${PATH_ALLOWED}`],
    ["path", "//other.example.com/", `"//other.example.com/" is not a path; allowed: ${PATH_ALLOWED}`],
    ["path", "/up#now", `"/up#now" is not a path; allowed: ${PATH_ALLOWED}`],
    ["interval", "99ms", `"99ms" is too short; allowed: ${DURATION_ALLOWED}, at least "100ms"`],
    ["timeout", "0s", `"0s" is too short; allowed: ${DURATION_ALLOWED}, at least "1ms"`],
    ["rise", 0, "0 is out of range; allowed: 1 to 100"],
    ["fall", 101, "101 is out of range; allowed: 1 to 100"],
    ["status", "1xx", '"1xx" is not a status; allowed: "2xx", "200" or a list, "2xx,404"'],
    ["status", "2xx,", '"2xx," is not a status; allowed: "2xx", "200" or a list, "2xx,404"'],
    ["method", "POST", '"POST" is unknown; allowed: "GET", "HEAD", "OPTIONS"'],
    ["method", "get", '"get" is unknown; allowed: "GET", "HEAD", "OPTIONS"'],
    ["port", 0, "0 is out of range; allowed: 1 to 65535"],
    ["port", 65_536, "65536 is out of range; allowed: 1 to 65535"],
    ["port", "8080", '"8080" is not a whole number; allowed: 1 to 65535'],
    ["host", "a:8080", `"a:8080" is not a host; allowed: ${CHECK_HOST_ALLOWED}`],
    ["host", "https://a", `"https://a" is not a host; allowed: ${CHECK_HOST_ALLOWED}`],
    ["host", "", `"" is not a host; allowed: ${CHECK_HOST_ALLOWED}`],
    ["expect", "", '"" is not a text to look for; allowed: 1 to 200 characters in one line'],
    ["expect", "a\nb", '"a\\nb" is not a text to look for; allowed: 1 to 200 characters in one line'],
    ["expect", true, "true is not a text to look for; allowed: 1 to 200 characters in one line"],
    ["expect_header", "", `"" is not a header; allowed: ${HEADER_ALLOWED}`],
    ["expect_header", "x-role:", `"x-role:" is not a header; allowed: ${HEADER_ALLOWED}`],
    ["expect_header", "x role: a", `"x role: a" is not a header; allowed: ${HEADER_ALLOWED}`],
    ["expect_header", "x-role = a", `"x-role = a" is not a header; allowed: ${HEADER_ALLOWED}`],
    ["slot", "no", '"no" is neither true nor false; allowed: true, false'],
    ["status", 200, '200 is not a status; allowed: "2xx", "200" or a list, "2xx,404"'],
  ])("refuses %s = %j", (key, given, says) => {
    expect(problemsOf(web({ check: { path: "/up", [key]: given } }))).toEqual([
      `POOLS.web.check.${key}: ${says}`,
    ]);
  });

  test.each([true, "/up", ["/up"], null])("is a table, not %j", (given) => {
    expect(problemsOf(web({ check: given }))).toEqual([
      `POOLS.web.check: ${JSON.stringify(given)} is not a table; ` +
        "allowed: a table of path, method, port, host, interval, timeout, rise, fall, status, expect, expect_header, slot",
    ]);
  });
});

const TIMEOUT_ALLOWED = `${DURATION_ALLOWED}, at least "1ms"`;

describe("server_timeout", () => {
  test.each([
    [undefined, 120_000, 120_000],
    ["30s", 30_000, 30_000],
    [{ first_byte: "5m", between: "30s" }, 300_000, 30_000],
    [{ between: "30s" }, 120_000, 30_000],
  ])("is %j", (given, firstByteMs, betweenMs) => {
    expect(parseWeb({ server_timeout: given }).serverTimeout).toEqual({ firstByteMs, betweenMs });
  });

  test("keeps a slot in quarantine for the longer of its two times", () => {
    const given = { first_byte: "5m", between: "30s" };
    expect(parseWeb({ server_timeout: given }).quarantine.maxMs).toBe(300_000);
  });

  test.each([
    ["0s", `"0s" is too short; allowed: ${TIMEOUT_ALLOWED}, or a table of first_byte, between`],
    [30, `30 is not a duration; allowed: ${TIMEOUT_ALLOWED}, or a table of first_byte, between`],
  ])("is not %j", (given, says) => {
    expect(problemsOf(web({ server_timeout: given }))).toEqual([`POOLS.web.server_timeout: ${says}`]);
  });

  test("names the key in its table that is wrong", () => {
    expect(problemsOf(web({ server_timeout: { first_byte: "soon" } }))).toEqual([
      `POOLS.web.server_timeout.first_byte: "soon" is not a duration; allowed: ${TIMEOUT_ALLOWED}`,
    ]);
    expect(problemsOf(web({ server_timeout: { first_bytes: "1s" } }))).toEqual([
      'POOLS.web.server_timeout.first_bytes: unknown key, given "1s"; did you mean "first_byte"? allowed: first_byte, between',
    ]);
  });
});

describe("retry_on", () => {
  test("takes statuses, and how the body of one begins", () => {
    expect(parseWeb().retryOn).toEqual([]);
    expect(parseWeb({ retry_on: [503, "429", "503 already processing"] }).retryOn).toEqual([
      { status: 503, begins: "" },
      { status: 429, begins: "" },
      { status: 503, begins: "already processing" },
    ]);
  });

  test.each([200, 399, 600, "busy", "503x", null, true])("does not take %j", (given) => {
    expect(problemsOf(web({ retry_on: [given] }))).toEqual([
      `POOLS.web.retry_on[0]: ${JSON.stringify(given)} is not a busy answer; ` +
        'allowed: a status from 400 to 599 with or without how the body begins, 503 or "503 already processing"',
    ]);
  });

  test("is a list", () => {
    expect(problemsOf(web({ retry_on: 503 }))).toEqual([
      "POOLS.web.retry_on: 503 is not a list of answers; allowed: a list of at most 32, " +
        'each a status from 400 to 599 with or without how the body begins, 503 or "503 already processing"',
    ]);
  });
});

describe("quarantine", () => {
  test("lasts server_timeout at most when it is left out, and 1 s after a broken connection", () => {
    const byDefault = { maxMs: 30_000, brokenMs: 1_000, cancelMs: 1_000, probe: null };
    expect(parseWeb({ server_timeout: "30s" }).quarantine).toEqual(byDefault);
    expect(parseWeb({ server_timeout: "30s", quarantine: {} }).quarantine).toEqual(byDefault);
  });

  test("takes each of its keys", () => {
    const given = { max: "5m", broken: "0s", cancel: "3s", probe: "/idle" };
    expect(parseWeb({ quarantine: given }).quarantine).toEqual({
      maxMs: 300_000,
      brokenMs: 0,
      cancelMs: 3_000,
      probe: "/idle",
    });
  });

  test.each([
    ["max", "0s", `"0s" is too short; allowed: ${DURATION_ALLOWED}, at least "1ms"`],
    ["broken", "-1s", `"-1s" is not a duration; allowed: ${DURATION_ALLOWED}`],
    ["probe", "idle", `"idle" is not a path; allowed: ${PATH_ALLOWED}`],
  ])("refuses %s = %j", (key, given, says) => {
    expect(problemsOf(web({ quarantine: { [key]: given } }))).toEqual([
      `POOLS.web.quarantine.${key}: ${says}`,
    ]);
  });

  test("is a table, not a duration", () => {
    expect(problemsOf(web({ quarantine: "5m" }))).toEqual([
      'POOLS.web.quarantine: "5m" is not a table; allowed: a table of max, broken, cancel, probe',
    ]);
  });
});
