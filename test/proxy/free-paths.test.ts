import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Connections } from "../support/connections.ts";
import { FreePathServer } from "../support/free-path-server.ts";
import { Sluice } from "../support/sluice.ts";

let sluice: Sluice;
let servers: FreePathServer[];
let client: Connections;
beforeEach(async () => {
  servers = [await FreePathServer.start(), await FreePathServer.start()];
});
afterEach(async () => {
  client.close();
  await sluice.stop();
  await Promise.all(servers.map((server) => server.stop()));
});

async function start(keys: object = {}): Promise<void> {
  const list = servers.map(({ url }, n) => ({ name: `web-${n}`, url }));
  const web = { servers: list, free_paths: ["/healthz"], ...keys };
  sluice = await Sluice.start({ pools: { web } });
  client = new Connections(sluice.url, 200);
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await pause(2);
}

/** Calls again and again until it is told to stop. */
function repeat(call: () => Promise<unknown>): () => Promise<void> {
  let isOn = true;
  const going = (async () => {
    while (isOn) {
      await call();
      await pause(2);
    }
  })();
  return async () => {
    isOn = false;
    await going;
  };
}

describe("a monitor on a free path", () => {
  test("sees 200 through a full queue, a drain and a rolling restart in it, and takes no slot", async () => {
    await start({ max_queue: 4, free_paths_in_drain: true });
    const seen: number[] = [];
    const more = async (count = 6) => {
      const goal = seen.length + count;
      await until(() => seen.length >= goal);
    };
    const statuses = new Map<number, number>();
    const stopMonitor = repeat(async () => seen.push((await client.get("/healthz")).status));
    const load = Array.from({ length: 10 }, () =>
      repeat(async () => {
        const { status } = await client.get("/work");
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }),
    );
    const refused = () => statuses.get(503) ?? 0;
    await until(() => refused() > 5);
    await more();
    await sluice.drain("web", { wait: "10s" });
    const drained = await sluice.until("web", ({ state }) => state === "drained");
    expect(drained.inFlight).toBe(0);
    await more();
    for (const server of servers) {
      await server.stop();
      await more();
      await server.start();
      const { checked } = server;
      await until(() => server.checked > checked);
    }
    await sluice.resume("web");
    const { worked } = servers[0] as FreePathServer;
    await until(() => (servers[0] as FreePathServer).worked > worked + 3);
    for (const [n, server] of servers.entries()) {
      await sluice.admin("PATCH", `/api/pools/web/servers/web-${n}`, { state: "drain" });
      await sluice.until("web", (snapshot) => snapshot.servers[n]?.inFlight === 0);
      await server.stop();
      await more();
      await server.start();
      await sluice.admin("PATCH", `/api/pools/web/servers/web-${n}`, { state: "ready" });
    }
    await more();
    await Promise.all([stopMonitor(), ...load.map((stop) => stop())]);
    expect(new Set(seen)).toEqual(new Set([200]));
    expect(servers.map(({ overlaps }) => overlaps)).toEqual([0, 0]);
    expect([...statuses.keys()].sort()).toEqual([200, 503]);
    const { totals } = await sluice.until("web", ({ inFlight }) => inFlight === 0);
    expect(totals.free).toBe(seen.length);
    expect(totals.completed).toBe(statuses.get(200));
    expect(totals.refused).toEqual({ "queue-full": refused() });
    const metrics = await (await sluice.admin("GET", "/metrics")).text();
    expect(metrics).toContain(`sluice_free_requests_total{pool="web"} ${seen.length}`);
  });

  test("is not in flight: a drain does not wait for it, and other requests get the slot meanwhile", async () => {
    servers.pop();
    await start();
    const [server] = servers as [FreePathServer];
    const held = client.get("/healthz?held");
    await until(() => server.held.length === 1);
    expect((await client.get("/work")).status).toBe(200);
    expect((await sluice.drain("web")).status).toBe(200);
    const snapshot = await sluice.snapshot("web");
    expect(snapshot).toMatchObject({ state: "drained", inFlight: 0, totals: { free: 1, accepted: 1 } });
    server.held[0]?.end("ok");
    expect((await held).status).toBe(200);
    expect(await sluice.logged(({ path }) => path === "/healthz")).toMatchObject({
      free: true,
      status: 200,
      server: "web-0",
      attempts: 1,
    });
    expect(await sluice.logged(({ path }) => path === "/work")).not.toHaveProperty("free");
  });

  test("waits in a drain like any other, unless free paths are free in drains too", async () => {
    await start();
    await sluice.drain("web");
    const answer = client.get("/healthz");
    await sluice.until("web", ({ queued }) => queued === 1);
    await sluice.resume("web");
    expect((await answer).status).toBe(200);
    const { totals } = await sluice.until("web", ({ inFlight }) => inFlight === 0);
    expect(totals).toMatchObject({ free: 0, accepted: 1, completed: 1 });
    expect(await sluice.logged(({ path }) => path === "/healthz")).not.toHaveProperty("free");
  });

  test("goes to each server in turn, and not to one that is down or taken out", async () => {
    servers.push(await FreePathServer.start());
    await start();
    const checked = () => servers.map((server) => server.checked);
    for (let n = 0; n < 6; n++) await client.get("/healthz");
    expect(checked()).toEqual([2, 2, 2]);
    await sluice.admin("PATCH", "/api/pools/web/servers/web-1", { state: "maint" });
    for (let n = 0; n < 4; n++) await client.get("/healthz");
    expect(checked()).toEqual([4, 2, 4]);
  });

  test("is refused at once where no server is available", async () => {
    await start();
    for (const name of ["web-0", "web-1"])
      await sluice.admin("PATCH", `/api/pools/web/servers/${name}`, { state: "maint" });
    const answer = await fetch(`${sluice.url}/healthz`);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ code: "no-server", pool: "web" });
    expect((await sluice.snapshot("web")).totals).toMatchObject({ free: 0, refused: { "no-server": 1 } });
  });

  test("goes to a backup only while no other server is available", async () => {
    const list = servers.map(({ url }, n) => ({ name: `web-${n}`, url, backup: n === 1 }));
    await start({ servers: list });
    for (let n = 0; n < 4; n++) await client.get("/healthz");
    expect(servers.map(({ checked }) => checked)).toEqual([4, 0]);
    await sluice.admin("PATCH", "/api/pools/web/servers/web-0", { state: "maint" });
    await client.get("/healthz");
    expect(servers.map(({ checked }) => checked)).toEqual([4, 1]);
  });

  test("is retried on another server, and fails as others do where all of them fail it", async () => {
    await start({ retries: 2 });
    await servers[0]?.stop();
    for (let n = 0; n < 4; n++) expect((await client.get("/healthz")).status).toBe(200);
    expect(servers[1]?.checked).toBe(4);
    await servers[1]?.stop();
    expect((await client.get("/healthz?2")).status).toBe(502);
    expect(await sluice.logged(({ status }) => status === 502)).toMatchObject({
      free: true,
      attempts: 3,
      code: "bad-gateway",
    });
    expect((await sluice.snapshot("web")).totals).toMatchObject({ free: 5, retried: 0 });
  });

  test("is cut off like others when its server is silent for too long, which closes no slot", async () => {
    servers.pop();
    await start({ server_timeout: "200ms" });
    const answer = await client.get("/healthz?held");
    expect([answer.status, JSON.parse(answer.body).code]).toEqual([504, "server-timeout"]);
    expect((await client.get("/work")).status).toBe(200);
    const snapshot = await sluice.until("web", ({ inFlight }) => inFlight === 0);
    expect(snapshot).toMatchObject({ quarantined: 0, totals: { free: 1, completed: 1 } });
    expect(await sluice.logged(({ path }) => path === "/healthz")).toMatchObject({
      ...{ free: true, outcome: "server-timeout" },
    });
  });

  test("is answered while the pool's object crashes", async () => {
    await start();
    const answers = Array.from({ length: 20 }, () => client.get("/healthz"));
    await sluice.crash("web");
    expect(new Set((await Promise.all(answers)).map(({ status }) => status))).toEqual(new Set([200]));
  });
});

test("a free path's own answer of 503 is passed on, though it would mean `busy` of others", async () => {
  const [server] = servers as [FreePathServer];
  await start({ servers: [{ name: "web-0", url: server.url }], retry_on: [503] });
  const answer = client.get("/healthz?held");
  await until(() => server.held.length === 1);
  server.held[0]?.writeHead(503).end("sick");
  expect((await answer).status).toBe(503);
});
