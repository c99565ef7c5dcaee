import { afterEach, describe, expect, test } from "vitest";
import { statuses } from "../../support/connections.ts";
import { SingleFlightPool } from "../../support/single-flight-pool.ts";
import { atWork, isSpread, paths, sendAll, serversOf } from "./support.ts";

let pool: SingleFlightPool;
afterEach(() => pool.stop());

async function start(servers: number, serviceMs: number, shards: number, keys: Record<string, unknown> = {}) {
  pool = await SingleFlightPool.start(servers, serviceMs, { shards, ...keys });
  return pool.sluice.until("web", isSpread(shards));
}

/** Requests of so many clients in turn, whose keys stand in their paths. */
const fromClients = (count: number, clients: number) =>
  Promise.all(
    Array.from({ length: count }, (_, n) =>
      pool.client.get(`/client-${n % clients}/${n}`, { "x-client": `client-${n % clients}` }),
    ),
  );

describe("over all objects of a pool", () => {
  test("a client has no more slots at once than it may, also after crashes", async () => {
    await start(8, 30, 4, { flow: "header:x-client", max_in_flight_per_flow: 2 });
    const answering = fromClients(120, 6);
    for (const name of ["web#1", "web", "web#3"]) {
      await pool.sluice.crash(name);
      await pool.sluice.until("web", ({ inFlight }) => inFlight > 0);
    }
    expect(statuses(await answering)).toEqual({ 200: 120 });
    for (let client = 0; client < 6; client++)
      expect(pool.record.mostAtOnce(`client-${client}`)).toBeLessThanOrEqual(2);
    expect(pool.rejected).toBe(0);
  });

  test("no more requests of a client wait than may", async () => {
    await start(4, 60_000, 4, { flow: "header:x-client", max_queue_per_flow: 3 });
    await pool.sluice.drain("web");
    const held = Array.from({ length: 3 }, (_, n) => pool.client.get(`/held/${n}`, { "x-client": "one" }));
    for (const one of held) one.catch(() => {});
    await pool.sluice.until("web", ({ queued }) => queued === 3);
    const { status, body } = await pool.client.get("/refused", { "x-client": "one" });
    expect([status, JSON.parse(body).code]).toEqual([429, "flow-queue-full"]);
  });

  test("the same key leads to the same server", async () => {
    await start(8, 1, 4, { balance: "hash:header:x-client" });
    const servers = new Map<string, Set<unknown>>();
    for (let n = 0; n < 60; n++) {
      const key = `client-${n % 12}`;
      const { headers } = await pool.client.get(`/${n}`, { "x-client": key });
      servers.set(key, (servers.get(key) ?? new Set()).add(headers["x-served-by"]));
    }
    expect([...servers.values()].map(({ size }) => size)).toEqual(Array(12).fill(1));
    expect(new Set([...servers.values()].flatMap((names) => [...names])).size).toBeGreaterThan(3);
  });

  test("free paths are served while all servers are busy", async () => {
    await start(4, 60_000, 4, { free_paths: ["/idle"] });
    sendAll(pool, paths(4));
    await atWork(pool, 4);
    // A single-flight server says there that it is busy.
    const answers = await Promise.all(Array.from({ length: 8 }, () => pool.client.get("/idle")));
    expect(statuses(answers)).toEqual({ 503: 8 });
    expect(answers.every(({ body }) => body === "")).toBe(true);
    await pool.sluice.until("web", ({ totals }) => totals.free === 8);
    expect(pool.rejected).toBe(0);
  });

  test("max_queue is the pool's: as many wait, and the next is refused", async () => {
    await start(4, 60_000, 4, { max_queue: 8 });
    await pool.sluice.drain("web");
    const answers = sendAll(pool, paths(8));
    await pool.sluice.until("web", ({ queued }) => queued === 8);
    const { status, body } = await pool.client.get("/refused");
    expect([status, JSON.parse(body).code]).toEqual([503, "queue-full"]);
    for (const server of pool.servers) server.serviceMs = 1;
    await pool.sluice.resume("web");
    expect(statuses(await Promise.all(answers))).toEqual({ 200: 8 });
  });
});

describe("with when_down = refuse", () => {
  const keys = { when_down: "refuse" };
  const setAll = async (names: readonly string[], state: string) => {
    for (const name of names) await pool.sluice.admin("PATCH", `/api/pools/web/servers/${name}`, { state });
  };

  test("requests go to the other objects' servers while those of one are out", async () => {
    const snapshot = await start(8, 5, 4, keys);
    await setAll(serversOf(snapshot, 1), "maint");
    const answers = await Promise.all(sendAll(pool, paths(60)));
    expect(statuses(answers)).toEqual({ 200: 60 });
    expect(pool.rejected).toBe(0);
    expect((await pool.sluice.snapshot("web")).totals.refused["no-server"] ?? 0).toBe(0);
  });

  test("they are refused once the servers of all are out, those that wait too, and served again after that", async () => {
    const snapshot = await start(8, 5, 4, keys);
    const names = snapshot.servers.map(({ name }) => name);
    await setAll(names, "drain");
    const waiting = sendAll(pool, paths(8, "/waits"));
    await pool.sluice.until("web", ({ queued }) => queued === 8);
    await setAll(names, "maint");
    const refused = await Promise.all([...waiting, ...sendAll(pool, paths(16))]);
    expect(statuses(refused)).toEqual({ 503: 24 });
    expect(new Set(refused.map(({ body }) => JSON.parse(body).code))).toEqual(new Set(["no-server"]));
    await setAll(names.slice(0, 2), "ready");
    expect(statuses(await Promise.all(sendAll(pool, paths(20, "/again"))))).toEqual({ 200: 20 });
    expect(pool.rejected).toBe(0);
  });
});

test("with when_down = hold, requests wait while the servers of all are out, and are served when those of one are back", async () => {
  const snapshot = await start(4, 5, 4);
  for (const { name } of snapshot.servers)
    await pool.sluice.admin("PATCH", `/api/pools/web/servers/${name}`, { state: "maint" });
  const answers = sendAll(pool, paths(12));
  await pool.sluice.until("web", ({ queued }) => queued === 12);
  const [name = ""] = serversOf(snapshot, 2);
  await pool.sluice.admin("PATCH", `/api/pools/web/servers/${name}`, { state: "ready" });
  expect(statuses(await Promise.all(answers))).toEqual({ 200: 12 });
  expect(
    new Set(pool.servers.filter(({ served }) => served.length > 0).map((server) => server.name)),
  ).toEqual(new Set([name]));
});
