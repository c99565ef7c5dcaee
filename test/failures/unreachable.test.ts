import { describe, expect, test } from "vitest";
import { send } from "../support/client.ts";
import type { Handler } from "../support/origin.ts";
import { useStage } from "../support/stage.ts";

// Only the test bundle has a pool that can be made to fail.
const stage = useStage(
  { web: { server_timeout: "300ms", retries: 0, quarantine: { max: "1ms", broken: "1ms" } } },
  { bundle: "test" },
);

describe("a client is told of its server's failure at once, though the pool cannot be", () => {
  const fails: [number, string, Handler][] = [
    [504, "server-timeout", () => {}],
    [502, "bad-gateway", (request) => setTimeout(() => request.socket.destroy(), 300)],
  ];
  test.each(fails)("%d %s", async (status, code, handler) => {
    stage.origin.answer = handler;
    const answer = send(stage.sluice.url);
    await stage.sluice.until("web", ({ inFlight }) => inFlight === 1);
    await stage.sluice.losePool("web");
    const start = Date.now();
    expect((await answer).status).toBe(status);
    expect(Date.now() - start).toBeLessThan(5_000);
    // And the pool, once it is there again.
    await stage.sluice.findPool("web");
    await stage.sluice.until("web", ({ inFlight }) => inFlight === 0);
    expect((await stage.sluice.snapshot("web")).totals.refused[code]).toBe(1);
  });
});
