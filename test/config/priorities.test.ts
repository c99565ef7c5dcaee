import { describe, expect, test } from "vitest";
import { parseWeb, problemsOf, web } from "./support.ts";

const priorities = (...list: unknown[]) => parseWeb({ priorities: list }).priorities;
const problems = (given: unknown) => problemsOf(web({ priorities: given }));

/** What an entry without conditions would become. */
const NONE = { header: null, cookie: null, value: null, pathPrefix: null, method: null };
const ENTRY =
  '{ header = "x-plan", value = "gold", ahead = "1m" }, or with cookie and value, path_prefix, method';
const AHEAD = 'a duration such as "30s" or "1m", with "-" in front to go behind, at most "24h"';
const VALUE = "the whole value, 1 to 200 characters of ASCII, without blanks around it";
const PATH = 'a path as it stands in a request: beginning with "/", percent-encoded, without "?" or "#"';

describe("priorities", () => {
  test("are none when they are left out", () => {
    expect(parseWeb().priorities).toEqual([]);
  });

  test.each([
    [
      { header: "X-Plan", value: "Gold", ahead: "1m" },
      { header: "x-plan", value: "Gold", aheadMs: 60_000 },
    ],
    [
      { header: "X-Plan", ahead: "30s" },
      { header: "x-plan", aheadMs: 30_000 },
    ],
    [
      { cookie: "__Host-Plan", value: '"gold"', ahead: "250ms" },
      { cookie: "__Host-Plan", value: '"gold"', aheadMs: 250 },
    ],
    [
      { path_prefix: "/batch/", ahead: "-1h" },
      { pathPrefix: "/batch/", aheadMs: -3_600_000 },
    ],
    [
      { method: "GET", ahead: "24h" },
      { method: "GET", aheadMs: 86_400_000 },
    ],
    [
      { method: "POST", path_prefix: "/", header: "x-a", value: "b c, d;e", ahead: "0s" },
      { method: "POST", pathPrefix: "/", header: "x-a", value: "b c, d;e", aheadMs: 0 },
    ],
    [
      { method: "GET", ahead: "-0s" },
      { method: "GET", aheadMs: 0 },
    ],
  ])("take %j", (given, becomes) => {
    expect(priorities(given)).toEqual([{ ...NONE, ...becomes }]);
  });

  test("keep their order, as the first that matches counts", () => {
    const list = priorities({ method: "GET", ahead: "1s" }, { path_prefix: "/", ahead: "2s" });
    expect(list.map(({ aheadMs }) => aheadMs)).toEqual([1_000, 2_000]);
  });

  test.each([
    ["ahead", undefined, `missing; allowed: ${AHEAD}`],
    ["ahead", "soon", `"soon" is not a duration; allowed: ${AHEAD}`],
    ["ahead", "--1m", `"--1m" is not a duration; allowed: ${AHEAD}`],
    ["ahead", "+1m", `"+1m" is not a duration; allowed: ${AHEAD}`],
    ["ahead", "25h", `"25h" is not a duration; allowed: ${AHEAD}`],
    ["ahead", "-25h", `"-25h" is not a duration; allowed: ${AHEAD}`],
    ["ahead", 60, `60 is not a duration; allowed: ${AHEAD}`],
    ["header", "x plan", '"x plan" is not the name of a header; allowed: the name of a header'],
    ["header", "", '"" is not the name of a header; allowed: the name of a header'],
    ["header", true, "true is not the name of a header; allowed: the name of a header"],
    ["value", " gold", `" gold" is the value of no header or cookie; allowed: ${VALUE}`],
    ["value", "", `"" is the value of no header or cookie; allowed: ${VALUE}`],
    ["value", "gold\n", `"gold\\n" is the value of no header or cookie; allowed: ${VALUE}`],
    ["value", "gölden", `"gölden" is the value of no header or cookie; allowed: ${VALUE}`],
    ["value", ["gold"], `["gold"] is the value of no header or cookie; allowed: ${VALUE}`],
    ["path_prefix", "batch", `"batch" is not a path; allowed: ${PATH}`],
    ["method", "get", '"get" is not a method; allowed: "GET", "POST" or any other in upper case'],
    ["method", ["GET"], '["GET"] is not a method; allowed: "GET", "POST" or any other in upper case'],
  ])("refuse %s = %j, naming the key, the value and what is allowed", (key, given, says) => {
    expect(problems([{ header: "x-plan", ahead: "1m", [key]: given }])).toEqual([
      `POOLS.web.priorities[0].${key}: ${says}`,
    ]);
  });

  test.each(["a b", "a=b", "a;b", ""])("refuse the cookie %j", (cookie) => {
    expect(problems([{ cookie, ahead: "1m" }])).toEqual([
      `POOLS.web.priorities[0].cookie: ${JSON.stringify(cookie)} is not the name of a cookie; allowed: the name of a cookie`,
    ]);
  });

  test.each([
    [{ ahead: "1m" }, `header: missing; allowed: one of header, cookie, path_prefix, method, as in ${ENTRY}`],
    [
      { method: "GET", value: "gold", ahead: "1m" },
      'value: "gold" is the value of nothing; allowed: beside header or cookie',
    ],
    [
      { header: "a", cookie: "b", ahead: "1m" },
      'cookie: "b" stands beside a header, and value could be that of either; allowed: one of them',
    ],
    ...["a;b", "a, b"].map((value): [object, string] => [
      { cookie: "plan", value, ahead: "1m" },
      `value: "${value}" is the value of no cookie; allowed: a value without comma and semicolon, which end it`,
    ]),
    [
      { headr: "a", method: "GET", ahead: "1m" },
      'headr: unknown key, given "a"; did you mean "header"? allowed: header, cookie, value, path_prefix, method, ahead',
    ],
  ])("refuse %j", (given, says) => {
    expect(problems([{ method: "GET", ahead: "1s" }, given])).toEqual([`POOLS.web.priorities[1].${says}`]);
  });

  test("are a list of at most 32", () => {
    const allowed = `a list of at most 32 tables like ${ENTRY}`;
    const entry = { method: "GET", ahead: "1s" };
    expect(problems(new Array(32).fill(entry))).toEqual([]);
    const [tooMany = ""] = problems(new Array(33).fill(entry));
    expect(tooMany.split("… ")[1]).toBe(`is not a list of priorities; allowed: ${allowed}`);
    expect(problems(entry)).toEqual([
      `POOLS.web.priorities: {"method":"GET","ahead":"1s"} is not a list of priorities; allowed: ${allowed}`,
    ]);
    expect(problems(["gold"])).toEqual([
      'POOLS.web.priorities[0]: "gold" is not a table; allowed: a table of header, cookie, value, path_prefix, method, ahead',
    ]);
  });
});
