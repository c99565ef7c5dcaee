import { describe, expect, test } from "vitest";
import { send } from "../support/client.ts";
import { useStage } from "../support/stage.ts";

// Only the test bundle can make a pool fail.
const stage = useStage({ web: {} }, { bundle: "test" });

async function withPool(fault: string) {
  const start = performance.now();
  const answer = await send(stage.sluice.url, { path: `/${fault}`, headers: { "x-test-pool": fault } });
  return { answer, tookMs: performance.now() - start };
}

describe("a request whose pool cannot be reached is refused, never passed by without a slot", () => {
  test.concurrent("at once where the pool says that it is overloaded", async () => {
    const { answer, tookMs } = await withPool("overloaded");
    expect(tookMs).toBeLessThan(5_000);
    expect(answer.status).toBe(503);
    expect(answer.headers["retry-after"]).toMatch(/^\d+$/);
    expect(JSON.parse(answer.body.toString())).toMatchObject({
      code: "pool-unavailable",
      pool: "web",
      status: 503,
    });
    expect(answer.body.toString()).not.toContain("overloaded");
  });

  test.concurrent("after ten seconds of trying where it does not answer at all", async () => {
    const { answer, tookMs } = await withPool("unreachable");
    expect(tookMs).toBeGreaterThan(9_900);
    expect(answer.status).toBe(503);
    expect(answer.headers["retry-after"]).toMatch(/^\d+$/);
    expect(JSON.parse(answer.body.toString())).toMatchObject({ code: "pool-unavailable", pool: "web" });
    const line = await stage.sluice.logged(({ path }) => path === "/unreachable");
    expect(line).toMatchObject({
      status: 503,
      code: "pool-unavailable",
      outcome: "refused",
      server: null,
      attempts: 0,
    });
    expect(stage.origin.count).toBe(0);
  });
});
