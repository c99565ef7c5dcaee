import { afterEach, describe, expect, test } from "vitest";
import { Connections, statuses } from "../support/connections.ts";
import { SingleFlightPool } from "../support/single-flight-pool.ts";

let pool: SingleFlightPool;
afterEach(() => pool.stop());

const paths = (count: number) => Array.from({ length: count }, (_, n) => `/${n}`);

describe("single-flight servers", () => {
  test("ten of them answer 2,000 requests from 200 connections, and are never asked twice at a time", async () => {
    pool = await SingleFlightPool.start(10, 20);
    const client = new Connections(pool.sluice.url, 200);
    const answers = await Promise.all(paths(2_000).map((path) => client.get(path)));
    client.close();

    expect(statuses(answers)).toEqual({ 200: 2_000 });
    expect(pool.rejected).toBe(0);
    expect(pool.served.sort()).toEqual(paths(2_000).sort());
    const { totals, inFlight, queued } = await pool.sluice.until(
      "web",
      (snapshot) => snapshot.inFlight === 0,
    );
    expect({ totals, inFlight, queued }).toMatchObject({
      totals: { accepted: 2_000, completed: 2_000 },
      queued: 0,
    });
  });

  test("one alone serves 2,000 requests from 200 connections in order of arrival", async () => {
    pool = await SingleFlightPool.start(1, 5);
    // A connection sends its next request when its last one is answered; the pool's own count of arrivals,
    // waited for after each, makes their order certain.
    const free: (() => void)[] = [];
    let connections = 200;
    let longestQueue = 0;
    const answers: { status: number }[] = [];
    for (let n = 0; n < 2_000; n++) {
      if (connections === 0) await new Promise<void>((resolve) => free.push(resolve));
      connections--;
      void pool.client.get(`/${n}`).then((answer) => {
        answers.push(answer);
        connections++;
        free.shift()?.();
      });
      const { queued } = await pool.sluice.until("web", (snapshot) => snapshot.totals.accepted === n + 1);
      longestQueue = Math.max(longestQueue, queued);
    }
    await pool.sluice.until("web", (snapshot) => snapshot.totals.completed === 2_000);

    expect(longestQueue).toBeGreaterThan(100);
    expect(pool.served).toEqual(paths(2_000));
    expect(pool.rejected).toBe(0);
    expect(answers.filter((answer) => answer.status !== 200)).toEqual([]);
  });
});
