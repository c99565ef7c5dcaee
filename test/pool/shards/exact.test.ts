import { afterEach, describe, expect, test } from "vitest";
import { statuses } from "../../support/connections.ts";
import { SingleFlightPool } from "../../support/single-flight-pool.ts";
import { answersOf, isSpread, objectNames, paths } from "./support.ts";

let pool: SingleFlightPool;
afterEach(() => pool.stop());

/** Such pools have 400 servers and as many connections, for which a shared machine may be too slow. */
const [SERVERS, CONNECTIONS, REQUESTS, SERVICE_MS] = [96, 120, 1_000, 100];

describe("a pool of eight objects", () => {
  test("gives each single-flight server one request at a time, and answers all", async () => {
    pool = await SingleFlightPool.start(SERVERS, SERVICE_MS, { shards: 8 });
    const answers = await answersOf(pool.sluice.url, paths(REQUESTS), CONNECTIONS);
    expect(statuses(answers)).toEqual({ 200: REQUESTS });
    expect(pool.rejected).toBe(0);
    expect(pool.served.sort()).toEqual(paths(REQUESTS).sort());
    const snapshot = await pool.sluice.until("web", ({ inFlight }) => inFlight === 0);
    expect(snapshot.shards?.map(({ slots }) => slots)).toEqual(Array(8).fill(SERVERS / 8));
    expect(snapshot.totals).toMatchObject({ accepted: REQUESTS, completed: REQUESTS });
    expect(snapshot.queued).toBe(0);
  });

  test("does so while each of them crashes twice, and swaps no answers", async () => {
    pool = await SingleFlightPool.start(24, 60, { shards: 8 });
    await pool.sluice.until("web", isSpread(8));
    const answering = answersOf(pool.sluice.url, paths(1_000), 60);
    for (const name of [...objectNames(8), ...objectNames(8)]) {
      await pool.sluice.crash(name);
      const { totals } = await pool.sluice.snapshot("web");
      // The next crash comes upon objects that are at work again.
      await pool.sluice.until("web", (now) => now.totals.completed !== totals.completed);
    }
    const answers = await answering;
    expect(statuses(answers)).toEqual({ 200: 1_000 });
    expect(answers.map(({ headers }) => headers["x-query"])).toEqual(paths(1_000));
    expect(pool.rejected).toBe(0);
    expect(pool.served.sort()).toEqual(paths(1_000).sort());
  });
});
