import { afterEach, describe, expect, test } from "vitest";
import type { SingleFlightServer } from "../../demo/single-flight.ts";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import { SingleFlightPool } from "../support/single-flight-pool.ts";

let pool: SingleFlightPool;
afterEach(() => pool.stop());

const CHECK = { path: "/health", interval: "200ms", timeout: "300ms", fall: 100 };

/** Resolves when a health check is under way that takes this long. */
async function checkFor(serviceMs: number): Promise<void> {
  const [server] = pool.servers;
  if (!server) throw new Error("no server");
  await pool.client.get("/");
  await pool.sluice.until("web", ({ servers }) => servers[0]?.lastCheck?.passed === true);
  server.serviceMs = serviceMs;
  await nextQuery(server);
  server.serviceMs = 1;
}

async function nextQuery({ served }: SingleFlightServer): Promise<void> {
  for (const before = served.length; served.length === before; ) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

describe("a server that takes too long over a health check", () => {
  test("gets its next request as soon as it is done with that", async () => {
    pool = await SingleFlightPool.start(1, 1, { check: CHECK, quarantine: { max: "1m" } });
    await checkFor(800);
    expect((await pool.client.get("/next")).status).toBe(200);
    expect(pool.rejected).toBe(0);
  });

  test("gets nothing before it is done, though the pool's object crashes meanwhile", async () => {
    pool = await SingleFlightPool.start(1, 1, { check: CHECK, quarantine: { max: "2s" } });
    await checkFor(2_000);
    await pool.sluice.crash("web");
    expect((await pool.client.get("/next")).status).toBe(200);
    expect(pool.rejected).toBe(0);
  });

  test("does not keep a drained pool from being drained", async () => {
    pool = await SingleFlightPool.start(1, 1, { check: CHECK });
    await checkFor(1_500);
    const { state, inFlight } = (await (await pool.sluice.drain("web")).json()) as Snapshot;
    expect({ state, inFlight }).toEqual({ state: "drained", inFlight: 0 });
    await pool.sluice.until("web", ({ servers }) => servers[0]?.lastCheck?.passed === false);
    expect((await pool.sluice.snapshot("web")).state).toBe("drained");
  });
});

test("a server that stays busy for a moment after each answer does so after a health check too, and rejects nothing", async () => {
  pool = await SingleFlightPool.start(1, 1, { check: { ...CHECK, interval: "100ms" }, cooldown: "50ms" });
  const [server] = pool.servers;
  if (!server) throw new Error("no server");
  server.afterglowMs = 20;
  await pool.client.get("/");
  for (let n = 0; n < 10; n++) {
    // Nothing else is due: it is a check.
    await nextQuery(server);
    expect((await pool.client.get(`/${n}`)).status).toBe(200);
  }
  expect(server.served.filter((path) => path === "/health").length).toBeGreaterThanOrEqual(10);
  expect(pool.rejected).toBe(0);
});
