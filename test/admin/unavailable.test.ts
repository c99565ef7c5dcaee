import { beforeEach, describe, expect, test } from "vitest";
import { useStage } from "../support/stage.ts";
import { ask, BEARER, get, problemOf, ROUTES_OF_POOLS } from "./support.ts";

const stage = useStage({ web: {} }, {});
beforeEach(() => {
  stage.origin.answer = (_, response) => response.end("served");
});

/**
 * Not the scrape, which does not fail because one pool does, nor what asks no pool, nor the routes of one deferred
 * request, whose own object is asked.
 */
const ROUTES = ROUTES_OF_POOLS.filter(
  ({ path }) => !["/_sluice/metrics", "/_sluice/api/me"].includes(path) && !path.includes("/deferred/none"),
);

describe("a pool whose object says that it is overloaded", () => {
  const OVERLOADED = { ...BEARER, "x-test-pool": "overloaded" };

  test.each(ROUTES)("is 503 pool-unavailable, with Retry-After: $method $path", async (route) => {
    const response = await ask(stage.sluice, route, OVERLOADED);
    const problem = await problemOf(response, 503, "pool-unavailable");
    expect(problem).toMatchObject({ pool: "web" });
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    // The cause is for the log only.
    expect(JSON.stringify(problem)).not.toContain("overloaded");
  });

  test("is told in the log", () => {
    expect(stage.sluice.output.join("\n")).toContain("the pool is overloaded");
  });

  test("does not hide a wrong body, nor an unknown pool: neither needs to be asked", async () => {
    const drain = { method: "POST", path: "/_sluice/api/pools/web/drain" };
    await problemOf(await ask(stage.sluice, drain, OVERLOADED, '{"wait": 1}'), 400, "invalid-request");
    const unknown = { method: "GET", path: "/_sluice/api/pools/unknown" };
    await problemOf(await ask(stage.sluice, unknown, OVERLOADED), 404, "unknown-pool");
  });

  test("has lost nothing when it is back", async () => {
    expect(await stage.sluice.snapshot("web")).toMatchObject({ state: "running", drain: null });
    expect(await get(stage.sluice, "/")).toBe("200 served");
  });
});
