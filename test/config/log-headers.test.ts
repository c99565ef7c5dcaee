import { describe, expect, test } from "vitest";
import { type Bindings, NO_BINDINGS } from "../../src/config/bindings.ts";
import { type ConfigError, parseConfig } from "../../src/config/parse.ts";
import { parseWeb, problemsOf, SERVERS, web } from "./support.ts";

const ALLOWED = '"user-agent", or "response:x-model" for one of the answer';
const SECRETS: Bindings = { ...NO_BINDINGS, secretOf: () => "there" };

describe("log_headers", () => {
  test("are none when they are left out", () => {
    expect(parseWeb().logHeaders).toEqual({ request: [], response: [] });
  });

  test("are names in any case, of requests and of answers, each once", () => {
    const log_headers = ["User-Agent", "x-tenant", "response:X-Model", "X-Tenant", "response:x-tenant"];
    expect(parseWeb({ log_headers }).logHeaders).toEqual({
      request: ["user-agent", "x-tenant"],
      response: ["x-model", "x-tenant"],
    });
  });

  test.each([
    "Authorization",
    "proxy-authorization",
    "cookie",
    "Set-Cookie",
    "response:set-cookie",
    "response:Authorization",
    "Cf-Access-Jwt-Assertion",
  ])("may not be %s, with which somebody could act as the client", (name) => {
    expect(problemsOf(web({ log_headers: [name] }))).toEqual([
      `POOLS.web.log_headers[0]: "${name}" has credentials, which do not belong into a log; allowed: ${ALLOWED}`,
    ]);
  });

  test.each(["", "x y", "request:x-tenant", "response:", 5])("may not be %j", (name) => {
    expect(problemsOf(web({ log_headers: [name] }))).toEqual([
      `POOLS.web.log_headers[0]: ${JSON.stringify(name)} is not a header's name; allowed: ${ALLOWED}`,
    ]);
  });

  test("are a list of at most 32", () => {
    const says = `is not a list of headers; allowed: a list of at most 32, each ${ALLOWED}`;
    expect(problemsOf(web({ log_headers: "user-agent" }))).toEqual([
      `POOLS.web.log_headers: "user-agent" ${says}`,
    ]);
    const many = Array.from({ length: 33 }, (_, n) => `x-${n}`);
    expect(problemsOf(web({ log_headers: many }))).toEqual([expect.stringContaining(says)]);
  });

  test.each([
    ["the pool's", { headers: { "X-Gate-Key": { secret: "KEY" } } }],
    ["a server's", { servers: [{ ...SERVERS[0], headers: { "X-Gate-Key": { secret: "KEY" } } }] }],
  ])("may not be a name that %s headers fill from a secret", (_, keys) => {
    const problems = (log_headers: string[]) => {
      try {
        parseConfig({ POOLS: web({ ...keys, log_headers }) }, SECRETS);
        return [];
      } catch (error) {
        return (error as ConfigError).problems;
      }
    };
    const says = `POOLS.web.log_headers: "x-gate-key" is filled from a secret by \`headers\`, and does not belong into a log; allowed: ${ALLOWED}`;
    expect(problems(["x-gate-key"])).toEqual([says]);
    expect(problems(["response:X-Gate-Key"])).toEqual([says]);
    expect(problems(["x-other"])).toEqual([]);
  });

  test("may be a name that headers fill with a text, which is no secret", () => {
    expect(problemsOf(web({ headers: { "X-Env": "prod" }, log_headers: ["response:x-env"] }))).toEqual([]);
  });
});
