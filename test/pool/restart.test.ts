import { afterEach, describe, expect, test } from "vitest";
import { Connections } from "../support/connections.ts";
import { SingleFlightPool } from "../support/single-flight-pool.ts";

let pool: SingleFlightPool;
afterEach(() => pool.stop());

const paths = (count: number) => Array.from({ length: count }, (_, n) => `/${n}`);

describe("a pool whose object crashes", () => {
  test("keeps 500 requests held in a drain, twice, and then serves them all in order", async () => {
    pool = await SingleFlightPool.start(1, 1);
    await pool.sluice.drain("web", { owner: "deploy" });
    const answers = await pool.sendInOrder(500);
    for (let crash = 0; crash < 2; crash++) {
      await pool.sluice.crash("web");
      const back = await pool.sluice.until("web", (snapshot) => snapshot.queued === 500);
      expect(back.state).toBe("drained");
    }
    await pool.sluice.resume("web", { owner: "deploy" });
    const statuses = (await Promise.all(answers)).map((answer) => answer.status);

    expect(statuses).toEqual(Array(500).fill(200));
    expect(pool.served).toEqual(paths(500));
    expect(pool.rejected).toBe(0);
  });

  test("gives no slot twice, loses no request and swaps no answers when it crashes every second under load for 20 s", async () => {
    pool = await SingleFlightPool.start(10, 40);
    // 40 clients, each with its next request as soon as it has its answer: always more than ten servers can do.
    const end = Date.now() + 20_000;
    const answers: Record<string, number> = {};
    const swapped: string[] = [];
    const clients = Array.from({ length: 40 }, async (_, n) => {
      const client = new Connections(pool.sluice.url, 1);
      for (let request = 0; Date.now() < end; request++) {
        const path = `/${n}/${request}`;
        const { status, body, headers } = await client.get(path);
        answers[`${status} ${body}`] = (answers[`${status} ${body}`] ?? 0) + 1;
        if (headers["x-query"] !== path) swapped.push(`${path} got the answer to ${headers["x-query"]}`);
      }
      client.close();
    });
    let crashes = 0;
    for (; Date.now() < end; crashes++) {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      await pool.sluice.crash("web");
    }
    await Promise.all(clients);

    expect(crashes).toBeGreaterThanOrEqual(15);
    expect(pool.rejected).toBe(0);
    expect(Object.keys(answers)).toEqual(["200 done\n"]);
    expect(swapped).toEqual([]);
    expect(answers["200 done\n"]).toBe(pool.served.length);
    expect(new Set(pool.served).size).toBe(pool.served.length);
    const { inFlight, queued } = await pool.sluice.until("web", (snapshot) => snapshot.inFlight === 0);
    expect({ inFlight, queued }).toEqual({ inFlight: 0, queued: 0 });
  });

  test("serves those who waited before those who come after, when it crashes seven times in a second", async () => {
    pool = await SingleFlightPool.start(1, 2_500);
    const answers = await pool.sendInOrder(9);
    for (const server of pool.servers) server.serviceMs = 10;
    for (let crash = 0; crash < 7; crash++) {
      await pool.sluice.crash("web");
      await new Promise((resolve) => setTimeout(resolve, 130));
    }
    // The request in flight is over, and its slot free for whoever comes first.
    await answers[0];
    await pool.sluice.crash("web");
    const late = paths(9).map((path) => pool.client.get(`/late${path}`));
    expect((await Promise.all([...answers, ...late])).map(({ status }) => status)).toEqual(
      Array(18).fill(200),
    );
    expect(new Set(pool.served.slice(0, 9))).toEqual(new Set(paths(9)));
    expect(pool.rejected).toBe(0);
  });

  test("keeps those in order, and accepted, that were told no token yet", async () => {
    pool = await SingleFlightPool.start(1, 700, { max_queue: 10 });
    const answers: Promise<{ status: number }>[] = [];
    for (let n = 0; n < 10; n++) {
      answers.push(pool.client.get(`/${n}`));
      await pool.sluice.until("web", ({ totals }) => totals.accepted === n + 1);
      // They are known again by how long they have waited when they call again, and calls from after pauses that
      // differ by some 20 ms may all be heard when the new instance begins.
      await new Promise((resolve) => setTimeout(resolve, 45));
    }
    for (const server of pool.servers) server.serviceMs = 20;
    const crashed = pool.sluice.crash("web");
    const late = Array.from({ length: 10 }, (_, n) => pool.client.get(`/late/${n}`));
    await crashed;
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(pool.served.filter((path) => !path.startsWith("/late"))).toEqual(answers.map((_, n) => `/${n}`));
    await Promise.all(late);
    expect(pool.rejected).toBe(0);
  });

  test("gives the slot of a request in flight to the next one only when the server is done with it", async () => {
    pool = await SingleFlightPool.start(1, 500);
    const answers = await pool.sendInOrder(2);
    await pool.sluice.crash("web");
    await pool.sluice.until("web", (snapshot) => snapshot.queued === 1 && snapshot.inFlight === 1);
    expect((await Promise.all(answers)).map((answer) => answer.status)).toEqual([200, 200]);
    expect(pool.rejected).toBe(0);
  });

  test("keeps an operator's changes to a server", async () => {
    pool = await SingleFlightPool.start(2, 1);
    await pool.sluice.admin("PATCH", "/api/pools/web/servers/web-1", { state: "maint", slots: 4, weight: 9 });
    await pool.sluice.crash("web");
    const { servers } = await pool.sluice.snapshot("web");
    expect(servers[1]).toMatchObject({ name: "web-1", state: "maint", slots: 4, weight: 9 });
  });
});
