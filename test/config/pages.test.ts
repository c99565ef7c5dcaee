import { describe, expect, test } from "vitest";
import { bindingsOf } from "../../src/config/bindings.ts";
import { PAGE_CODES } from "../../src/config/pages.ts";
import { type ConfigError, parseConfig } from "../../src/config/parse.ts";
import { Refusal, type RefusalCode } from "../../src/refusals/refusal.ts";
import { parseWeb, web } from "./support.ts";

const ENV = {
  PAGE_BUSY: "<h1>Busy</h1>",
  PAGE_EMPTY: "",
  PROBLEM: '{ "title": "Back soon" }',
  PROBLEM_LIST: "[1]",
  PROBLEM_NULL: "null",
  TABLE: { title: "Back soon" },
  ADMIN_TOKEN: "a-token-of-sixteen",
  GATE_KEY: "key",
};

function parse(pages: unknown, keys: object = {}) {
  return parseConfig({ POOLS: web({ pages, ...keys }) }, bindingsOf(ENV)).pools.get("web")?.pages;
}

function problems(pages: unknown, keys: object = {}): string[] {
  try {
    parse(pages, keys);
    return [];
  } catch (error) {
    return (error as ConfigError).problems;
  }
}

describe("pages", () => {
  test("are none when they are left out", () => {
    expect(parseWeb().pages).toEqual({});
  });

  test("name variables, of HTML or of both kinds", () => {
    const stopped = { html: "PAGE_EMPTY", json: "PROBLEM" };
    expect(parse({ "queue-full": "PAGE_BUSY", stopped, "no-server": { json: "PROBLEM" } })).toEqual({
      "queue-full": { html: "PAGE_BUSY", json: null },
      stopped,
      "no-server": { html: null, json: "PROBLEM" },
    });
  });

  test.each(PAGE_CODES)("are there for %s, a refusal of the proxy's", (code) => {
    expect(new Refusal(code satisfies RefusalCode, "").status).toBeGreaterThan(400);
    expect(problems({ [code]: "PAGE_BUSY" })).toEqual([]);
  });

  test.each([
    [
      "a variable that is not there",
      "PAGE_NONE",
      'there is no variable "PAGE_NONE"; set it: PAGE_NONE = "…" in [vars]',
    ],
    ["a table", "TABLE", 'the variable "TABLE" is not a text'],
    ["a secret of Sluice's own", "ADMIN_TOKEN", '"ADMIN_TOKEN" is a secret, which a page would tell to all'],
    [
      "JSON that is none",
      { json: "PAGE_BUSY" },
      'the variable "PAGE_BUSY" is not a JSON object; allowed: such as \'{ "title": "Back soon" }\'',
    ],
    [
      "JSON that is a list",
      { json: "PROBLEM_LIST" },
      'the variable "PROBLEM_LIST" is not a JSON object; allowed: such as \'{ "title": "Back soon" }\'',
    ],
    [
      "JSON that is null",
      { html: "PAGE_BUSY", json: "PROBLEM_NULL" },
      'the variable "PROBLEM_NULL" is not a JSON object; allowed: such as \'{ "title": "Back soon" }\'',
    ],
    [
      "neither kind",
      {},
      '{} names no page; allowed: "PAGE_BUSY" for HTML, or { html = "PAGE_BUSY", json = "PROBLEM_BUSY" }',
    ],
    [
      "no name",
      "page busy",
      '"page busy" is not a binding\'s name; allowed: a name as it stands in wrangler.toml, a JavaScript identifier',
    ],
  ])("may not be %s: the problem names the key and the variable", (_, page, says) => {
    expect(problems({ "queue-full": page })).toEqual([`POOLS.web.pages.queue-full: ${says}`]);
  });

  test("may not be a secret that headers take", () => {
    const headers = { "X-Key": { secret: "GATE_KEY" } };
    expect(problems({ stopped: "GATE_KEY" }, { headers })).toEqual([
      'POOLS.web.pages.stopped: "GATE_KEY" is a secret, which a page would tell to all',
    ]);
  });

  test("are for no other refusal", () => {
    expect(problems({ forbidden: "PAGE_BUSY" })).toEqual([
      `POOLS.web.pages.forbidden: unknown key, given "PAGE_BUSY"; allowed: ${PAGE_CODES.join(", ")}`,
    ]);
  });
});
