import { afterEach, describe, expect, test } from "vitest";
import { SingleFlightServer } from "../../../demo/single-flight.ts";
import type { AuditList } from "../../../src/admin/audit.ts";
import type { Snapshot } from "../../../src/scheduler/snapshot.ts";
import { statuses } from "../../support/connections.ts";
import { SingleFlightPool } from "../../support/single-flight-pool.ts";
import { until } from "../../support/until.ts";
import { Watcher } from "../../support/watcher.ts";
import { atWork, isSpread, Load, objectNames, paths, sendAll, serversOf, shardOf } from "./support.ts";

let pool: SingleFlightPool;
afterEach(() => pool.stop());

async function start(servers: number, serviceMs: number, shards: number, keys: Record<string, unknown> = {}) {
  pool = await SingleFlightPool.start(servers, serviceMs, { shards, ...keys });
  return pool.sluice.until("web", isSpread(shards));
}

const change = async (server: string, patch: object): Promise<Snapshot> => {
  const response = await pool.sluice.admin("PATCH", `/api/pools/web/servers/${server}`, patch);
  expect(response.status).toBe(200);
  return (await response.json()) as Snapshot;
};

const servedBy = (name: string) => pool.servers.find((server) => server.name === name)?.served.length ?? 0;

const audit = async () =>
  ((await (await pool.sluice.admin("GET", "/api/audit?pool=web")).json()) as AuditList).changes.map(
    ({ act, server, answer }) => ({ act, server, answer }),
  );

describe("a server that another object than the first grants", () => {
  test.each(["drain", "maint"])(
    "gets no request from the answer to `%s` on, and gets some again once it is ready",
    async (state) => {
      const [name = ""] = serversOf(await start(4, 5, 4), 3);
      const after = await change(name, { state });
      expect(after.servers.find((server) => server.name === name)).toMatchObject({ state, shard: 3 });
      const before = servedBy(name);
      expect(statuses(await Promise.all(sendAll(pool, paths(40))))).toEqual({ 200: 40 });
      expect(servedBy(name)).toBe(before);
      await pool.sluice.crash("web#3");
      expect(statuses(await Promise.all(sendAll(pool, paths(40, "/again"))))).toEqual({ 200: 40 });
      expect(servedBy(name)).toBe(before);
      await change(name, { state: "ready" });
      while (servedBy(name) === before) await Promise.all(sendAll(pool, paths(8, "/ready")));
      expect(pool.rejected).toBe(0);
      expect(await audit()).toEqual([
        { act: "change-server", server: name, answer: "done" },
        { act: "change-server", server: name, answer: "done" },
      ]);
    },
  );

  test("is shown as busy until its last request there is done", async () => {
    const [name = ""] = serversOf(await start(4, 700, 4), 2);
    const answers = sendAll(pool, paths(4));
    await atWork(pool, 4);
    await change(name, { state: "maint" });
    const idle = await pool.sluice.until("web", ({ servers }) =>
      servers.some((server) => server.name === name && server.inFlight === 0),
    );
    expect(idle.servers.find((server) => server.name === name)?.state).toBe("maint");
    expect(pool.servers.find((server) => server.name === name)?.busy).toBe(false);
    expect(statuses(await Promise.all(answers))).toEqual({ 200: 4 });
  });

  test("is not shown as idle while its object does not answer", async () => {
    const [name = ""] = serversOf(await start(4, 5, 4), 2);
    await pool.sluice.losePool("web#2");
    const shown = await change(name, { state: "maint" });
    expect(shown.servers.find((server) => server.name === name)?.inFlight).toBe(1);
    await pool.sluice.findPool("web#2");
    await pool.sluice.until("web", ({ servers }) =>
      servers.some((server) => server.name === name && server.inFlight === 0),
    );
  });

  test("has as many slots as an operator gives it, and a weight", async () => {
    const snapshot = await start(4, 5, 4);
    const [name = ""] = serversOf(snapshot, 1);
    await change(name, { slots: 3, weight: 9 });
    await pool.sluice.crash("web#1");
    // The number of slots decides who has which server, so it may be another object's from now on.
    const after = await pool.sluice.until("web", isSpread(4));
    const server = after.servers.find((one) => one.name === name);
    expect(server).toMatchObject({ slots: 3, weight: 9, configured: { slots: 1, weight: 1 } });
    expect(after.slots).toBe(6);
    expect(after.shards?.reduce((sum, { slots }) => sum + slots, 0)).toBe(6);
    expect(after.shards?.[server?.shard ?? -1]?.slots).toBe(3);
  });

  test("has its slot freed by hand, as the audit tells once", async () => {
    const [name = ""] = serversOf(await start(4, 60_000, 4), 3);
    const held = sendAll(pool, paths(4));
    const { servers } = await atWork(pool, 4);
    const server = pool.servers.find((one) => one.name === name) as SingleFlightServer;
    const waiting = pool.client.get("/waits");
    await pool.sluice.until("web", ({ queued }) => queued === 1);
    // The operator has restarted it.
    server.serviceMs = 5;
    await server.stop();
    await server.start();
    const lease = (await pool.sluice.snapshot("web")).servers.find((one) => one.name === name)?.leases[0]?.id;
    expect(servers.find((one) => one.name === name)?.leases.length).toBe(1);
    const freed = await pool.sluice.admin("DELETE", `/api/pools/web/leases/${lease}`);
    expect(freed.status).toBe(200);
    const answer = await waiting;
    expect([answer.status, answer.headers["x-served-by"]]).toEqual([200, name]);
    const again = await pool.sluice.admin("DELETE", `/api/pools/web/leases/${lease}`);
    expect(again.status).toBe(404);
    expect(await audit()).toEqual([
      { act: "free-slot", answer: "unknown-lease" },
      { act: "free-slot", server: name, answer: "done" },
    ]);
    for (const one of held) one.catch(() => {});
  });

  test("is told of in the stream of events, with the number of the object", async () => {
    const check = { path: "/idle", interval: "200ms", fall: 1, rise: 1, slot: false };
    const snapshot = await start(4, 5, 4, { check });
    const [name = ""] = serversOf(snapshot, 2);
    const watcher = await Watcher.start(pool.sluice.url);
    const server = pool.servers.find((one) => one.name === name) as SingleFlightServer;
    await server.stop();
    const down = await watcher.event("server-down");
    expect(down).toMatchObject({ server: name, shard: 2 });
    await server.start();
    expect(await watcher.event("server-up")).toMatchObject({ server: name, shard: 2 });
    // Nobody hears of it twice, whichever of the two starts anew.
    await pool.sluice.crash("web#2");
    await pool.sluice.crash("web");
    const second = await Watcher.start(pool.sluice.url);
    await second.snapshot(({ shards }) => shards?.length === 4);
    const kinds = second.events.filter((event) => event.shard === 2).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind !== "restart")).toEqual(["server-down", "server-up"]);
    watcher.leave();
    second.leave();
  });
});

describe("servers that register", () => {
  const register = { register: { urls: ["*"] }, servers: [] };
  const stage: SingleFlightServer[] = [];
  afterEach(() => Promise.all(stage.splice(0).map((server) => server.stop())));

  async function come(count: number, serviceMs: number, expires: object = {}): Promise<void> {
    for (let n = 0; n < count; n++) {
      const server = new SingleFlightServer({ name: `came-${n}`, serviceMs });
      await server.start();
      stage.push(server);
      const said = { url: server.url, ...expires };
      const response = await pool.sluice.admin("PUT", `/api/pools/web/servers/came-${n}`, said);
      expect(response.status).toBe(201);
    }
    await pool.sluice.until("web", (snapshot) => snapshot.servers.length >= count && isSpread(4)(snapshot));
  }

  test("are one object's from the start, also if requests wait for them at all", async () => {
    pool = await SingleFlightPool.start(1, 5, { shards: 4, register: { urls: ["*"] } });
    await pool.client.get("/before");
    await change("web-0", { state: "maint" });
    const answers = sendAll(pool, paths(80));
    await pool.sluice.until("web", ({ queued }) => queued === 80);
    await come(12, 100);
    expect(statuses(await Promise.all(answers))).toEqual({ 200: 80 });
    expect(stage.reduce((sum, { rejected }) => sum + rejected, 0)).toBe(0);
  });

  test("get requests of all objects, and one that is removed is waited for wherever its last request is", async () => {
    pool = await SingleFlightPool.start(0, 0, { shards: 4, ...register });
    await come(8, 600);
    const snapshot = await pool.sluice.snapshot("web");
    expect(snapshot.shards?.map(({ slots }) => slots)).toEqual([2, 2, 2, 2]);
    const answers = sendAll(pool, paths(8));
    await atWork(pool, 8);
    const [name = ""] = serversOf(snapshot, 3);
    const leaving = stage.find((server) => server.name === name) as SingleFlightServer;
    const removed = await pool.sluice.admin("DELETE", `/api/pools/web/servers/${name}?wait=20s`);
    expect([removed.status, leaving.busy]).toEqual([200, false]);
    expect(await removed.json()).toEqual({ name, inFlight: 0 });
    expect(statuses(await Promise.all(answers))).toEqual({ 200: 8 });
    expect(stage.map(({ served }) => served.length)).toEqual(Array(8).fill(1));
    expect(stage.every(({ rejected }) => rejected === 0)).toBe(true);
    const { servers } = await pool.sluice.snapshot("web");
    expect(servers.map((server) => server.name)).not.toContain(name);
  });

  test("are removed only once that is certain, while an object does not answer", async () => {
    pool = await SingleFlightPool.start(0, 0, { shards: 4, ...register });
    await come(4, 5);
    const [name = ""] = serversOf(await pool.sluice.snapshot("web"), 1);
    await pool.sluice.losePool("web#1");
    const removed = await pool.sluice.admin("DELETE", `/api/pools/web/servers/${name}?wait=300ms`);
    expect([removed.status, await removed.json()]).toEqual([202, { name, inFlight: 1 }]);
    await pool.sluice.findPool("web#1");
    const again = await pool.sluice.admin("DELETE", `/api/pools/web/servers/${name}?wait=20s`);
    expect(again.status).toBe(200);
  });

  test("change nothing for the other objects while they only say that they are still there", async () => {
    pool = await SingleFlightPool.start(0, 0, { shards: 4, ...register });
    await come(4, 5, { expires: "20s" });
    await pool.sluice.drain("web", { wait: "20s" });
    const watcher = await Watcher.start(pool.sluice.url);
    await watcher.snapshot();
    for (let n = 0; n < 8; n++) {
      const said = { url: stage[n % 4]?.url, expires: "20s", renew: true };
      const renewed = await pool.sluice.admin("PUT", `/api/pools/web/servers/came-${n % 4}`, said);
      expect(renewed.status).toBe(200);
      expect((await pool.sluice.snapshot("web")).state).toBe("drained");
    }
    expect(watcher.events.filter(({ kind }) => kind === "drained").length).toBe(1);
    watcher.leave();
  });

  test("have one request at a time while they come and go under load, and objects crash", async () => {
    pool = await SingleFlightPool.start(0, 0, { shards: 4, ...register });
    await come(12, 40);
    const load = new Load([pool.sluice.url], 30);
    const crashed = ["web#1", "web", "web#2", "web#3", "web", "web#1"];
    for (let n = 0; n < 24; n++) {
      const path = `/api/pools/web/servers/came-${n % 12}`;
      const removed = await pool.sluice.admin("DELETE", `${path}?wait=20s`);
      expect([removed.status, stage[n % 12]?.busy]).toEqual([200, false]);
      if (n % 4 === 0) await pool.sluice.crash(crashed[n / 4] ?? "web");
      const back = await pool.sluice.admin("PUT", path, { url: stage[n % 12]?.url });
      expect(back.status).toBe(201);
    }
    await load.more(50);
    await load.end();
    expect(stage.reduce((sum, { rejected }) => sum + rejected, 0)).toBe(0);
    expect(statuses(load.answers)).toEqual({ 200: load.answers.length });
  });

  test("are as well as they were when the objects that grant them start again", async () => {
    // A check that took a slot when its object crashed would keep that closed for long.
    const check = { path: "/idle", interval: "100ms", rise: 5, slot: false };
    pool = await SingleFlightPool.start(0, 0, { shards: 4, ...register, check, when_down: "refuse" });
    await come(8, 5);
    await pool.sluice.until("web", ({ servers }) => servers.every(({ health }) => health === "up"));
    const seen = new Set<string>();
    for (const name of objectNames(4)) {
      await pool.sluice.crash(name);
      const { servers } = await pool.sluice.until("web", isSpread(4));
      for (const { health } of servers) seen.add(health);
    }
    expect([...seen]).not.toContain("down");
    expect(statuses(await Promise.all(sendAll(pool, paths(40))))).toEqual({ 200: 40 });
  });

  test("get nothing until they have passed their checks, also if the objects that grant them start again", async () => {
    // It is not there.
    const check = { path: "/idle", interval: "100ms", port: 9 };
    pool = await SingleFlightPool.start(0, 0, { shards: 4, ...register, check });
    await come(8, 5);
    for (const name of ["", ...objectNames(4)]) {
      if (name) await pool.sluice.crash(name);
      const { servers } = await pool.sluice.until("web", isSpread(4));
      expect(servers.map(({ health }) => health)).toEqual(Array(8).fill("down"));
    }
  });

  test("belong to an object each when the first one has crashed", async () => {
    pool = await SingleFlightPool.start(0, 0, { shards: 4, ...register });
    await come(4, 5);
    const before = await pool.sluice.snapshot("web");
    for (const name of ["web", "web#2"]) await pool.sluice.crash(name);
    expect(statuses(await Promise.all(sendAll(pool, paths(40))))).toEqual({ 200: 40 });
    const after = await pool.sluice.until("web", isSpread(4));
    for (const { name } of after.servers) expect(shardOf(after, name)).toBe(shardOf(before, name));
    expect(stage.every(({ rejected, served }) => rejected === 0 && served.length > 0)).toBe(true);
  });
});

test("the log says for each request at which object it had its slot", async () => {
  const snapshot = await start(4, 5, 4);
  expect(statuses(await Promise.all(sendAll(pool, paths(40))))).toEqual({ 200: 40 });
  const log = await until(
    () => pool.sluice.log,
    (lines) => lines.length === 40,
  );
  for (const { server, shard } of log) expect(shard).toBe(shardOf(snapshot, String(server)));
});
