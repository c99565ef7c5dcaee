import { afterEach, describe, expect, test } from "vitest";
import type { Snapshot } from "../../../src/scheduler/snapshot.ts";
import { statuses } from "../../support/connections.ts";
import { SingleFlightPool } from "../../support/single-flight-pool.ts";
import { atWork, isSpread, Load, objectNames, paths, sendAll, serversOf } from "./support.ts";

let pool: SingleFlightPool;
afterEach(() => pool.stop());

const OWNER = { owner: "deploy" };

async function start(servers: number, serviceMs: number, shards: number, keys: Record<string, unknown> = {}) {
  pool = await SingleFlightPool.start(servers, serviceMs, { shards, ...keys });
  return pool.sluice.until("web", isSpread(shards));
}

/** Drains, and resolves with the first snapshot that says it is done, and whether any server was at work by then. */
async function drained(body: Record<string, unknown> = {}): Promise<{ snapshot: Snapshot; busy: boolean }> {
  const response = await pool.sluice.drain("web", { ...OWNER, wait: "30s", ...body });
  const busy = pool.servers.some((server) => server.busy);
  expect(response.status).toBe(200);
  return { snapshot: (await response.json()) as Snapshot, busy };
}

describe("a drain of a pool of eight objects", () => {
  test("is over only when no server is at work any more, also if two of them crash in it, and loses nobody", async () => {
    await start(16, 500, 8);
    const answers = sendAll(pool, paths(48));
    await pool.sluice.until("web", ({ inFlight, totals }) => inFlight === 16 && totals.accepted === 48);
    const draining = drained();
    await pool.sluice.until("web", ({ state }) => state === "draining");
    await Promise.all([pool.sluice.crash("web#3"), pool.sluice.crash("web")]);
    let early = 0;
    const looking = pool.sluice.until("web", ({ state }) => {
      early += Number(state === "drained" && pool.servers.some(({ busy }) => busy));
      return state === "drained";
    });
    const { snapshot, busy } = await draining;
    await looking;
    expect({ busy, early }).toEqual({ busy: false, early: 0 });
    expect(snapshot).toMatchObject({ state: "drained", inFlight: 0 });
    expect(pool.served.length).toBe(16);
    await pool.sluice.until("web", ({ queued }) => queued === 32);
    await pool.sluice.resume("web", OWNER);
    expect(statuses(await Promise.all(answers))).toEqual({ 200: 48 });
    expect(pool.served.sort()).toEqual(paths(48).sort());
    expect(pool.rejected).toBe(0);
  });

  test("says so each time, under load, whichever object crashes in it", async () => {
    await start(12, 40, 6);
    const load = new Load([pool.sluice.url], 36);
    await load.more(50);
    for (const name of objectNames(6)) {
      const draining = drained();
      await pool.sluice.crash(name);
      const { snapshot, busy } = await draining;
      expect({ busy, inFlight: snapshot.inFlight }).toEqual({ busy: false, inFlight: 0 });
      const served = pool.served.length;
      await pool.sluice.crash(name === "web" ? "web#1" : "web");
      await pool.sluice.until("web", ({ queued, state }) => queued === 36 && state === "drained");
      expect(pool.served.length).toBe(served);
      await pool.sluice.resume("web", OWNER);
      await load.more(50);
    }
    await load.end();
    expect(pool.rejected).toBe(0);
    expect(statuses(load.answers)).toEqual({ 200: load.answers.length });
    expect(pool.served.length).toBe(load.answers.length);
  });

  test("holds its requests through crashes of all, and serves those of each line in their order when it ends", async () => {
    // Where the requests of a flow are limited, none goes on to another shard.
    const flows = { flow: "header:x-client", max_queue_per_flow: 1_000 };
    await start(4, 1, 4, flows);
    await pool.sluice.drain("web", OWNER);
    const answers: Promise<{ status: number }>[] = [];
    for (let n = 0; n < 24; n++) {
      answers.push(pool.client.get(`/${n % 12}/${n}`, { "x-client": `client-${n % 12}` }));
      await pool.sluice.until("web", ({ totals }) => totals.accepted === n + 1);
    }
    for (const name of ["web#1", "web#2", "web#3", "web"]) await pool.sluice.crash(name);
    const held = await pool.sluice.until("web", ({ queued }) => queued === 24);
    expect(held).toMatchObject({ state: "drained", inFlight: 0 });
    expect(held.shards?.filter(({ queued }) => queued > 0).length).toBeGreaterThan(1);
    await pool.sluice.resume("web", OWNER);
    expect(statuses(await Promise.all(answers))).toEqual({ 200: 24 });
    for (let client = 0; client < 12; client++)
      expect(pool.record.of(`${client}`)).toEqual([`/${client}/${client}`, `/${client}/${client + 12}`]);
    expect(pool.rejected).toBe(0);
  });

  test("is not over, and says which object does not answer, while one is out of reach", async () => {
    await start(8, 400, 4);
    const answers = sendAll(pool, paths(8));
    await atWork(pool, 8);
    await pool.sluice.losePool("web#2");
    const response = await pool.sluice.drain("web", { ...OWNER, wait: "3s" });
    expect(response.status).toBe(202);
    const snapshot = (await response.json()) as Snapshot;
    expect(snapshot.state).toBe("draining");
    expect(snapshot.shards?.filter(({ reachable }) => !reachable).map(({ shard }) => shard)).toEqual([2]);
    expect(pool.servers.some(({ busy }) => busy)).toBe(false);
    await pool.sluice.findPool("web#2");
    const { busy } = await drained();
    expect(busy).toBe(false);
    expect(statuses(await Promise.all(answers))).toEqual({ 200: 8 });
    const after = await pool.sluice.snapshot("web");
    expect(after.shards?.every(({ reachable }) => reachable)).toBe(true);
    expect(pool.rejected).toBe(0);
  });

  test("is one for an object that starts in it, which grants nothing", async () => {
    await start(8, 1, 4);
    await drained();
    await pool.sluice.crash("web#1");
    await pool.sluice.crash("web#3");
    const answers = sendAll(pool, paths(40));
    const held = await pool.sluice.until("web", ({ queued }) => queued === 40);
    expect(held.shards?.map(({ queued }) => queued > 0)).toEqual([true, true, true, true]);
    // An end of it would be the first that the objects hear of since then.
    await pool.sluice.crash("web#1");
    await pool.sluice.until("web", ({ queued, state }) => queued === 40 && state === "drained");
    expect(pool.served).toEqual([]);
    await pool.sluice.resume("web", OWNER);
    expect(statuses(await Promise.all(answers))).toEqual({ 200: 40 });
    expect(pool.rejected).toBe(0);
  });

  test("that expires lets the requests of all go on", async () => {
    await start(4, 1, 4);
    await pool.sluice.drain("web", { ...OWNER, expires: "1s" });
    const answers = sendAll(pool, paths(20));
    expect(statuses(await Promise.all(answers))).toEqual({ 200: 20 });
    expect((await pool.sluice.snapshot("web")).drain).toBeNull();
  });
});

describe("a cut", () => {
  test("ends what is in flight at all objects, and the pool counts as drained from then on", async () => {
    await start(8, 60_000, 4);
    const answers = sendAll(pool, paths(8));
    await atWork(pool, 8);
    const response = await pool.sluice.drain("web", { ...OWNER, wait: "20s", cut: "500ms" });
    expect(response.status).toBe(200);
    const snapshot = (await response.json()) as Snapshot;
    expect(snapshot).toMatchObject({ state: "drained", drain: { cut: { done: true } } });
    expect(snapshot.drain?.cut?.leases).toBe(8);
    const cut = await Promise.all(answers);
    expect(cut.every(({ status }) => status >= 500)).toBe(true);
    expect(new Set(cut.map(({ body }) => JSON.parse(body).code))).toEqual(new Set(["cut-off"]));
  });

  test("of one server in another object ends its request, and no other", async () => {
    const snapshot = await start(8, 60_000, 4);
    const answers = sendAll(pool, paths(8));
    await atWork(pool, 8);
    const [server = ""] = serversOf(snapshot, 3);
    await pool.sluice.admin("PATCH", `/api/pools/web/servers/${server}`, { state: "maint", cut: "200ms" });
    const after = await pool.sluice.until("web", ({ servers }) =>
      servers.some(({ name, cut }) => name === server && cut?.done === true),
    );
    const first = await Promise.race(answers);
    expect(JSON.parse(first?.body ?? "{}")).toMatchObject({ code: "cut-off" });
    expect(after.servers.filter(({ quarantined }) => quarantined > 0).map(({ name }) => name)).toEqual([
      server,
    ]);
  });
});

describe("a stop", () => {
  test("refuses those that wait at all objects, and those that come, with its message", async () => {
    await start(4, 3_000, 4);
    const atServers = sendAll(pool, paths(4));
    await atWork(pool, 4);
    const waiting = sendAll(pool, paths(12, "/waits"));
    await pool.sluice.until("web", ({ queued }) => queued === 12);
    const response = await pool.sluice.stopPool("web", { message: "Back at nine.", wait: "20s" });
    expect(response.status).toBe(200);
    expect(pool.servers.some(({ busy }) => busy)).toBe(false);
    expect(((await response.json()) as Snapshot).state).toBe("stopped");
    const refused = await Promise.all(waiting);
    const late = await Promise.all(sendAll(pool, paths(8, "/late")));
    for (const { status, body } of [...refused, ...late]) {
      expect(status).toBe(503);
      expect(JSON.parse(body)).toMatchObject({ code: "stopped", detail: "Back at nine." });
    }
    expect(statuses(await Promise.all(atServers))).toEqual({ 200: 4 });
    for (const server of pool.servers) server.serviceMs = 1;
    await pool.sluice.resume("web");
    expect((await pool.client.get("/after")).status).toBe(200);
  });
});
