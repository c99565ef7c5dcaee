import { afterEach, describe, expect, test } from "vitest";
import { Connections, statuses } from "../support/connections.ts";
import { SingleFlightPool } from "../support/single-flight-pool.ts";

let pool: SingleFlightPool;
let leavers: Connections;
afterEach(async () => {
  leavers.close();
  await pool.stop();
});

async function start(servers: number, serviceMs: number): Promise<void> {
  pool = await SingleFlightPool.start(servers, serviceMs);
  leavers = new Connections(pool.sluice.leaverUrl);
}

/** What a busy machine may take. A Worker whose invocation ends, or whose next call fails, takes longer. */
const AT_ONCE_MS = 2_000;

const leaveAfter = (ms: number | "told") => ({ "x-leave-after": ms });

describe("clients that leave", () => {
  test("while queued are off the list at once, and none of 100 reaches a server", async () => {
    await start(2, 5);
    await pool.sluice.drain("web");
    const stays = Array.from({ length: 20 }, (_, n) => pool.client.get(`/stays/${n}`));
    const leaves = Array.from({ length: 100 }, (_, n) => leavers.get(`/leaves/${n}`, leaveAfter("told")));
    await pool.sluice.until("web", (snapshot) => snapshot.queued === 120);
    await pool.sluice.tellLeavers();
    expect(statuses(await Promise.all(leaves))).toEqual({ 499: 100 });
    // Still drained: nothing but their leaving can have taken them off.
    const { totals } = await pool.sluice.until("web", ({ queued }) => queued === 20, AT_ONCE_MS);
    expect(totals.abandoned).toBe(100);

    await pool.sluice.resume("web");
    expect(statuses(await Promise.all(stays))).toEqual({ 200: 20 });
    expect(pool.served.filter((path) => path.startsWith("/leaves"))).toEqual([]);
  });

  test("while queued for less than the pool takes to tell them their token, too", async () => {
    await start(1, 1_000);
    const stays = pool.client.get("/stays");
    await pool.sluice.until("web", (snapshot) => snapshot.inFlight === 1);
    const leaves = Array.from({ length: 20 }, (_, n) => leavers.get(`/leaves/${n}`, leaveAfter(20)));
    expect(statuses(await Promise.all(leaves))).toEqual({ 499: 20 });
    // The server is still at its first: nothing but their leaving can have taken them off.
    const { totals } = await pool.sluice.until("web", (snapshot) => snapshot.queued === 0);
    expect(totals).toMatchObject({ accepted: 21, abandoned: 20, completed: 0 });
    expect((await stays).status).toBe(200);
    expect(pool.served).toEqual(["/stays"]);
  });

  test("in flight, 100 of them at random moments, never free a slot before their server is done", async () => {
    await start(5, 30);
    const stays = Array.from({ length: 200 }, (_, n) => pool.client.get(`/stays/${n}`));
    const leaves = Array.from({ length: 100 }, (_, n) =>
      leavers.get(`/leaves/${n}`, leaveAfter(Math.round(Math.random() * 2_000))),
    );
    const left = statuses(await Promise.all(leaves));
    expect((left[499] ?? 0) + (left[200] ?? 0)).toBe(100);
    expect(statuses(await Promise.all(stays))).toEqual({ 200: 200 });

    expect(pool.rejected).toBe(0);
    const { inFlight, queued } = await pool.sluice.until("web", (snapshot) => snapshot.inFlight === 0);
    expect({ inFlight, queued }).toEqual({ inFlight: 0, queued: 0 });
  });

  test("in flight, every one of 100, never free a slot before their server is done", async () => {
    await start(10, 60);
    // Ten at a time, so that each is in flight when it leaves.
    for (let round = 0; round < 10; round++) {
      const leaves = Array.from({ length: 10 }, (_, n) =>
        leavers.get(`/leaves/${round}/${n}`, leaveAfter(5 + Math.round(Math.random() * 45))),
      );
      expect(statuses(await Promise.all(leaves))).toEqual({ 499: 10 });
      const next = await Promise.all(
        Array.from({ length: 10 }, (_, n) => pool.client.get(`/next/${round}/${n}`)),
      );
      expect(statuses(next)).toEqual({ 200: 10 });
    }
    expect(pool.rejected).toBe(0);
  });
});
