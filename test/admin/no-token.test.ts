import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { signedIn } from "../../src/admin/sign-in/sign-in.ts";
import type { Env } from "../../src/link/env.ts";
import { Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";
import { ask, BEARER, CLOSED_ROUTES, get, problemOf } from "./support.ts";

const HEALTHZ = { method: "GET", path: "/_sluice/healthz" };
const POOLS = { method: "GET", path: "/_sluice/api/pools" };

let origin: Origin;
beforeAll(async () => {
  origin = await Origin.start((_, response) => response.end("hello"));
});
afterAll(() => origin.stop());

describe.each([
  ["without ADMIN_TOKEN", null],
  ["with an empty ADMIN_TOKEN", ""],
  ["with an ADMIN_TOKEN that is too short to be safe", "test-token-7f3a"],
])("%s", (_, token) => {
  let sluice: Sluice;
  beforeAll(async () => {
    sluice = await Sluice.start({
      pools: { web: { servers: [{ name: "web-1", url: origin.url }] } },
      token,
    });
  });
  afterAll(() => sluice.stop());

  test.each(CLOSED_ROUTES)("$method $path answers 503 admin-disabled", async (route) => {
    const { detail } = await problemOf(await ask(sluice, route, {}), 503, "admin-disabled");
    expect(detail).toContain("wrangler secret put ADMIN_TOKEN");
  });

  test("the answer says why, and nothing of the token", async () => {
    const { detail } = await problemOf(await ask(sluice, POOLS, {}), 503, "admin-disabled");
    expect(detail).toMatch(token ? /16 characters/ : /^No ADMIN_TOKEN is set/);
    expect(detail).not.toContain("7f3a");
  });

  test.each([
    ["the token itself", `Bearer ${token}`],
    ["some token", BEARER.Authorization],
    ["an empty token", "Bearer "],
    ["an empty password", `Basic ${btoa("admin:")}`],
    ["the word undefined", "Bearer undefined"],
    ["the word null", "Bearer null"],
  ])("%s does not open it", async (_, Authorization) => {
    await problemOf(await ask(sluice, POOLS, { Authorization }), 503, "admin-disabled");
  });

  test("an unknown route is no less closed", async () => {
    const route = { method: "GET", path: "/_sluice/api/nothing" };
    await problemOf(await ask(sluice, route), 503, "admin-disabled");
  });

  test("healthz is open and proxying goes on", async () => {
    expect((await ask(sluice, HEALTHZ, {})).status).toBe(200);
    expect(await get(sluice, "/")).toBe("200 hello");
  });
});

describe("healthz", () => {
  let sluice: Sluice;
  beforeAll(async () => {
    sluice = await Sluice.start({ pools: { web: { servers: [{ name: "web-1", url: origin.url }] } } });
  });
  afterAll(() => sluice.stop());

  test("answers everybody that this Worker works", async () => {
    const response = await ask(sluice, HEALTHZ, {});
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.json()).toEqual({ status: "ok" });
  });

  test("answers HEAD, as load balancers ask", async () => {
    const response = await ask(sluice, { ...HEALTHZ, method: "HEAD" }, {});
    expect([response.status, await response.text()]).toEqual([200, ""]);
  });

  test("asks no pool", async () => {
    expect((await ask(sluice, HEALTHZ, { "x-test-pool": "overloaded" })).status).toBe(200);
  });

  test("does not mind a wrong token", async () => {
    expect((await ask(sluice, HEALTHZ, { Authorization: "Bearer wrong" })).status).toBe(200);
  });
});

test.each([
  ["nothing is set", {}, "No ADMIN_TOKEN is set, so nobody can sign in."],
  [
    "ADMIN_TOKEN is too short",
    { ADMIN_TOKEN: "short" },
    "ADMIN_TOKEN has fewer than 16 characters, so nobody can sign in.",
  ],
  [
    "ADMIN_TOKENS is wrong",
    { ADMIN_TOKENS: '{"ci": {"may": ["look"]}}' },
    "ADMIN_TOKENS has an error, so nobody can sign in. The log has the details.",
  ],
  ["ACCESS is wrong", { ACCESS: {} }, "ACCESS has an error, so nobody can sign in. The log has the details."],
])("where %s, the answer says so, and then what opens the admin side", async (_, vars, why) => {
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  const how =
    "An ADMIN_TOKEN of 16 characters or more opens the admin side: set it with `wrangler secret put ADMIN_TOKEN`, " +
    "or for `sluice serve` in .dev.vars or its environment.";
  await expect(signedIn(vars as Env, new Headers())).rejects.toMatchObject({
    code: "admin-disabled",
    message: `${why} ${how}`,
  });
  log.mockRestore();
});
