import { describe, expect, test } from "vitest";
import { bindingsOf } from "../../src/config/bindings.ts";
import { type ConfigError, parseConfig } from "../../src/config/parse.ts";
import { web } from "./support.ts";

function problems(keys: object, env: object = {}): string[] {
  try {
    parseConfig({ POOLS: web({ ...keys }) }, bindingsOf(env));
    return [];
  } catch (error) {
    return (error as ConfigError).problems;
  }
}

describe("waiting_page", () => {
  test("needs a pool that stores requests, and says so", () => {
    expect(problems({ waiting_page: "5s", deferred: {} })).toEqual([]);
    expect(problems({ waiting_page: "5s" })).toEqual([
      "POOLS.web.waiting_page: stores the requests of those who wait, and the pool stores none; set deferred = {}",
    ]);
  });

  test("takes a text as its page, and nothing else", () => {
    const keys = { waiting_page: "5s", deferred: {} };
    expect(problems(keys, { WAITING_PAGE: "<h1>{{place}}</h1>" })).toEqual([]);
    expect(problems(keys, { WAITING_PAGE: { title: "Wait" } })).toEqual([
      'POOLS.web.waiting_page: the variable "WAITING_PAGE" is not a text',
    ]);
    expect(problems({}, { WAITING_PAGE: 7 })).toEqual([]);
  });
});
