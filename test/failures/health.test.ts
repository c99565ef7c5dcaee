import { afterEach, describe, expect, test } from "vitest";
import { type Answer, Connections, statuses } from "../support/connections.ts";
import { SingleFlightPool } from "../support/single-flight-pool.ts";

let pool: SingleFlightPool;
afterEach(() => pool.stop());

const CHECK = { path: "/health", interval: "200ms", rise: 2, fall: 2 };

const health = async () => (await pool.sluice.snapshot("web")).servers.map((server) => server.health);

/** Load from `clients`, each with its next request as soon as it has its answer, until `done` resolves. */
async function under(clients: number, done: () => Promise<void>) {
  let over = false;
  const answers = Array.from({ length: clients }, async (_, n) => {
    const client = new Connections(pool.sluice.url, 1);
    const mine: Answer[] = [];
    for (let request = 0; !over; request++) mine.push(await client.get(`/${n}/${request}`));
    client.close();
    return mine;
  });
  try {
    await done();
  } finally {
    over = true;
    await Promise.all(answers);
  }
  return (await Promise.all(answers)).flat();
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

describe("a server that is killed under load", () => {
  test("for 3 s, and comes back, costs no request: ten servers, check every 2 s, retries 10", async () => {
    pool = await SingleFlightPool.start(10, 20, { check: { path: "/health", interval: "2s" }, retries: 10 });
    const [victim] = pool.servers;
    const answers = await under(30, async () => {
      await pause(1_000);
      await victim?.stop();
      await pause(3_000);
      await victim?.start();
      const before = victim?.served.length ?? 0;
      // It takes work again without anyone acting.
      while ((victim?.served.filter((path) => path !== "/health").length ?? 0) <= before) await pause(20);
    });
    expect(statuses(answers)).toEqual({ 200: answers.length });
    // So many at least on the slowest machine: each client had several before, meanwhile and afterwards.
    expect(answers.length).toBeGreaterThan(100);
    expect(pool.rejected).toBe(0);
  });

  test("is marked down, gets nothing while it is, and is up again by its checks alone", async () => {
    pool = await SingleFlightPool.start(2, 10, { check: CHECK, quarantine: { broken: "50ms" } });
    const [victim] = pool.servers;
    const answers = await under(6, async () => {
      await victim?.stop();
      await pool.sluice.until("web", ({ servers }) => servers[0]?.health === "down");
      const accepted = (await pool.sluice.snapshot("web")).totals;
      await pause(500);
      // A server that is down is not tried with requests.
      expect((await pool.sluice.snapshot("web")).totals.retried).toBe(accepted.retried);
      await victim?.start();
      await pool.sluice.until("web", ({ servers }) => servers[0]?.health === "up");
    });
    expect(statuses(answers)).toEqual({ 200: answers.length });
    expect(pool.rejected).toBe(0);
  });
});

describe("a health check", () => {
  test("on a single-flight server under full load is never rejected, and never marks it down", async () => {
    pool = await SingleFlightPool.start(1, 30, { check: { ...CHECK, interval: "100ms", fall: 1 } });
    const seen = new Set<string>();
    const answers = await under(5, async () => {
      for (const end = Date.now() + 4_000; Date.now() < end; await pause(20)) {
        for (const one of await health()) seen.add(one);
      }
    });
    expect(pool.rejected).toBe(0);
    expect(seen.has("down")).toBe(false);
    expect(statuses(answers)).toEqual({ 200: answers.length });
  });

  test("goes through between requests, and finds a server without the page it asks for to be down", async () => {
    pool = await SingleFlightPool.start(1, 5, { check: { ...CHECK, status: "404" } });
    const client = new Connections(pool.sluice.url);
    await client.get("/");
    await pool.sluice.until("web", ({ servers }) => servers[0]?.health === "down");
    client.close();
  });

  test("is not made while the server is in maintenance, and is made again when it is ready", async () => {
    pool = await SingleFlightPool.start(1, 1, { check: CHECK });
    const checks = () => pool.served.filter((path) => path === "/health").length;
    await pool.client.get("/");
    await pool.sluice.until("web", ({ servers }) => servers[0]?.health === "up");
    await pool.sluice.admin("PATCH", "/api/pools/web/servers/web-0", { state: "maint" });
    const before = checks();
    await pause(1_000);
    expect(checks()).toBe(before);
    await pool.sluice.admin("PATCH", "/api/pools/web/servers/web-0", { state: "ready" });
    while (checks() === before) await pause(20);
  });
});

describe("with every server down", () => {
  test("when_down = hold keeps requests until one is up", async () => {
    pool = await SingleFlightPool.start(1, 1, { check: CHECK, retries: 0 });
    await pool.client.get("/");
    await pool.servers[0]?.stop();
    await pool.sluice.until("web", ({ servers }) => servers[0]?.health === "down");
    const answer = pool.client.get("/held");
    await pool.sluice.until("web", ({ queued }) => queued === 1);
    await pool.servers[0]?.start();
    expect((await answer).status).toBe(200);
  });

  test("when_down = refuse answers at once", async () => {
    pool = await SingleFlightPool.start(1, 1, { check: CHECK, when_down: "refuse" });
    await pool.client.get("/");
    await pool.servers[0]?.stop();
    await pool.sluice.until("web", ({ servers }) => servers[0]?.health === "down");
    const { status, body } = await pool.client.get("/");
    expect([status, JSON.parse(body).code]).toEqual([503, "no-server"]);
  });

  test("and the object crashing, they are still known to be down", async () => {
    pool = await SingleFlightPool.start(1, 1, { check: CHECK, when_down: "refuse" });
    await pool.client.get("/");
    await pool.servers[0]?.stop();
    await pool.sluice.until("web", ({ servers }) => servers[0]?.health === "down");
    await pool.sluice.crash("web");
    expect(await health()).toEqual(["down"]);
    await pool.servers[0]?.start();
    // A request wakes its interest in them.
    expect((await pool.client.get("/")).status).toBe(503);
    await pool.sluice.until("web", ({ servers }) => servers[0]?.health === "up");
    expect((await pool.client.get("/")).status).toBe(200);
  });
});
