import { describe, expect, test } from "vitest";
import { readsOneWay } from "../../src/config/free-paths.ts";
import { parseWeb, problemsOf, web } from "./support.ts";

const ALLOWED =
  'how a path begins, "/static/", or that of one method, "OPTIONS /"; without "..", "//", ";" and their like';

describe("free_paths", () => {
  test("are none when they are left out", () => {
    expect(parseWeb().freePaths).toEqual([]);
  });

  test("are how paths begin, each perhaps of one method", () => {
    const free_paths = ["/healthz", "/static/", "OPTIONS /", "GET /b%C3%BCcher/"];
    expect(parseWeb({ free_paths }).freePaths).toEqual([
      { method: null, prefix: "/healthz" },
      { method: null, prefix: "/static/" },
      { method: "OPTIONS", prefix: "/" },
      { method: "GET", prefix: "/b%C3%BCcher/" },
    ]);
  });

  test.each([
    ["all of any method, which would leave no server a slot", "/"],
    ["a path without its slash", "healthz"],
    ["nothing", ""],
    ["a method in lower case", "get /healthz"],
    ["a method alone", "GET"],
    ["CONNECT, of which nothing comes", "CONNECT /"],
    ["a query", "/healthz?deep=1"],
    ["dot segments", "/static/../work"],
    ["an encoded slash", "/static%2f"],
    ["half of an encoded character", "/static%2"],
    ["an empty segment", "//static/"],
    ["what is no ASCII", "/bücher/"],
    ["a number", 7],
  ])("may not be %s", (_, path) => {
    expect(problemsOf(web({ free_paths: ["/healthz", path] }))).toEqual([
      `POOLS.web.free_paths[1]: ${JSON.stringify(path)} is not a free path; allowed: ${ALLOWED}`,
    ]);
  });

  test("are a list of at most 100", () => {
    const says = 'is not a list of paths; allowed: a list of at most 100, each like "/healthz"';
    expect(problemsOf(web({ free_paths: "/healthz" }))).toEqual([`POOLS.web.free_paths: "/healthz" ${says}`]);
    const many = Array.from({ length: 101 }, (__, n) => `/${n}`);
    expect(problemsOf(web({ free_paths: many }))).toEqual([expect.stringContaining(says)]);
  });
});

describe("a path that every server reads alike", () => {
  test.each([
    "/healthz",
    "/static/app.3f2a.js",
    "/static/My%20File%20(1).pdf",
    "/.well-known/acme",
    "/a/b/c/",
    "/b%C3%BCcher/%E6%9C%AC",
    "/@scope/it's~a+b,c=d:e!f*&g",
    "/x.",
  ])("is %s", (path) => {
    expect(readsOneWay(path)).toBe(true);
  });

  test.each([
    ["dots", "/static/../work"],
    ["two dots anywhere", "/static/a..b"],
    ["a dot segment", "/static/./work"],
    ["encoded dots", "/static/%2e%2e/work"],
    ["one encoded dot", "/static/.%2E/work"],
    ["an encoded slash", "/static/..%2fwork"],
    ["an encoded slash in capitals", "/static/x%2Fwork"],
    ["an encoded backslash", "/static/%5cwork"],
    ["a backslash", "/static/\\work"],
    ["a twice encoded dot", "/static/%252e%252e/work"],
    ["an encoded NUL", "/static/%00"],
    ["an encoded line end", "/static/%0d%0a"],
    ["an empty segment", "/static//work"],
    ["a parameter of a segment", "/static/..;/work"],
    ["a semicolon alone", "/static/;x"],
    ["an encoded semicolon", "/static/%3Bx"],
    ["an encoded question mark", "/static/%3fx"],
    ["an encoded fragment", "/static/%23x"],
    ["an overlong dot", "/static/%c0%ae%c0%ae/work"],
    ["an overlong slash", "/static/%e0%80%afwork"],
    ["a full-width dot", "/static/%ef%bc%8e%ef%bc%8e/work"],
    ["a full-width slash", "/static/%EF%BC%8Fwork"],
    ["a yen sign", "/static/%c2%a5work"],
    ["a segment of a dot and a blank", "/static/.%20/work"],
    ["a tab", "/static/\twork"],
    ["a percent sign alone", "/static/%"],
    ["a surrogate", "/static/%ed%a0%80"],
  ])("has no %s", (_, path) => {
    expect(readsOneWay(path)).toBe(false);
  });
});
