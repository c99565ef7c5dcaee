/** The leases that Sluice is measured against do what their columns say, and what is counted of them is so. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { type Counts, costsOf, shareOfPasses, takeCounts } from "../../bench/measure/counts.ts";
import { Servers } from "../../bench/servers/servers.ts";
import { Workerd, withIsolates } from "../../bench/subjects/workerd.ts";
import { bundle } from "../support/bundle.ts";

const OTHERS = 19;

let folder: string;
let servers: Servers;
let workerd: Workerd;
let urls: string[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-leases-"));
  for (const name of ["counted-bare-lease", "counted-pass-on", "pass-on-duties", "leaver"])
    await bundle(`bench/workers/${name}.ts`, folder, "bench/workers/wrangler.toml");
  return () => rm(folder, { recursive: true });
});
async function start(name: "bare-lease" | "pass-on", isolates = 1): Promise<void> {
  const main = {
    bundle: join(folder, `counted-${name}.js`),
    className: "Slots",
    json: { SERVERS: servers.urls },
  };
  const mains = withIsolates(main, isolates);
  const leaver = { bundle: join(folder, "leaver.js"), services: { SLUICE: "main" } };
  workerd = await Workerd.start({ ...mains, leaver });
  urls = Object.keys(mains).map((worker) => workerd.url(worker));
}

async function statusOf(url: string): Promise<number> {
  const response = await fetch(url);
  await response.body?.cancel();
  return response.status;
}

const untilHeld = (count: number) => expect.poll(async () => (await servers.counts()).held).toBe(count);

/** Resolves once that much of it was counted in the first isolate, where the object is. */
async function untilCounted(name: string, count: number): Promise<void> {
  const soFar = async () => (await (await fetch(`${urls[0]}/__bench/counts`)).json()) as Counts;
  await expect.poll(async () => (await soFar())[name]).toBe(count);
}

/** One request has the only server, and the others wait for it: what all of them cost. `waits`: how it is counted that they do. */
async function serveAll(waits: string, count: number): Promise<Counts> {
  await servers.hold();
  const first = statusOf(`${urls[0]}/hold/0`);
  await untilHeld(1);
  const others = Array.from({ length: OTHERS }, (_, n) => statusOf(`${urls[n % urls.length]}/work`));
  await untilCounted(waits, count);
  await servers.letGo();
  expect(new Set(await Promise.all([first, ...others]))).toEqual(new Set([200]));
  expect(await servers.untilQuiet()).toMatchObject({ served: OTHERS, rejected: 0 });
  return takeCounts({ urls });
}

describe("in the real runtime", () => {
  beforeEach(async () => {
    servers = await Servers.start(1);
    await servers.work(1);
  });
  afterEach(async () => {
    await workerd.stop();
    await servers.stop();
  });

  test("a lease is passed on to all who wait in its isolate, with no row but the first and the last", async () => {
    await start("pass-on");
    const counts = await serveAll("heirs", OTHERS);
    expect(counts).toMatchObject({ requests: OTHERS + 1, "call: slots.enter": OTHERS + 1, granted: 1 });
    expect(counts["rows: slots.slots"]).toBe(2);
    expect(shareOfPasses(counts, null, null)).toBe(OTHERS / (OTHERS + 1));
  });

  test("whose client has left while it waited is no heir any more, and the slot is not lost", async () => {
    await start("pass-on");
    const told = http.createServer().listen(0, "127.0.0.1");
    await once(told, "listening");
    await servers.hold();
    const first = statusOf(`${urls[0]}/hold/0`);
    await untilHeld(1);
    const until = `http://127.0.0.1:${(told.address() as AddressInfo).port}`;
    const asked = once(told, "request");
    const leaving = fetch(`${workerd.url("leaver")}/hold/1?until=${encodeURIComponent(until)}`);
    const [, leave] = (await asked) as [http.IncomingMessage, http.ServerResponse];
    await untilCounted("heirs", 1);
    const second = statusOf(`${urls[0]}/hold/2`);
    await untilCounted("heirs", 2);
    leave.end();
    expect(await (await leaving).text()).toBe("left");
    await servers.letGo();
    expect([await first, await second]).toEqual([200, 200]);
    expect(await statusOf(`${urls[0]}/work`)).toBe(200);
    told.close();
  });

  test("a bare lease is never passed on: each costs a row, and a message for its end", async () => {
    await start("bare-lease");
    const counts = await serveAll("granted", OTHERS + 1);
    expect(costsOf(counts).messages).toBe(2);
    expect(counts["rows: slots.slots"]).toBe(OTHERS + 2);
    expect(shareOfPasses(counts, null, null)).toBe(0);
  });

  test("two isolates have one object, and what they cost is counted in both", async () => {
    await start("bare-lease", 2);
    const counts = await serveAll("granted", OTHERS + 1);
    expect(counts).toMatchObject({ requests: OTHERS + 1, granted: OTHERS + 1 });
    expect(counts["rows: slots.slots"]).toBe(OTHERS + 2);
  });
});

test("a lease with duties carries what a proxy owes: whose request it is, an id, times, and nothing of one connection", async () => {
  const asked: http.IncomingHttpHeaders[] = [];
  const server = http
    .createServer(({ headers }, response) => {
      asked.push(headers);
      response.writeHead(201, { "Proxy-Authenticate": "Basic", "X-Own": "kept" }).end("made");
    })
    .listen(0, "127.0.0.1");
  await once(server, "listening");
  const json = { SERVERS: [`http://127.0.0.1:${(server.address() as AddressInfo).port}`] };
  const main = { bundle: join(folder, "pass-on-duties.js"), className: "Slots", json };
  const proxy = await Workerd.start({ main });
  onTestFinished(() => proxy.stop());
  onTestFinished(() => void server.close());
  const headers = { "X-Request-Id": "r-1", "Proxy-Authorization": "Basic eDp5", "X-Own": "kept" };
  const answer = http.get(`${proxy.url("main")}/made?by=me`, { headers, agent: false });
  const [response] = (await once(answer, "response")) as [http.IncomingMessage];
  expect([response.statusCode, (await response.toArray()).join("")]).toEqual([201, "made"]);
  expect(response.headers).toMatchObject({ "x-request-id": "r-1", "x-own": "kept" });
  expect(response.headers["server-timing"]).toMatch(/^origin;dur=\d+$/);
  expect(response.headers).not.toHaveProperty("proxy-authenticate");
  expect(asked).toMatchObject([
    {
      "x-request-id": "r-1",
      "x-forwarded-host": new URL(proxy.url("main")).host,
      "x-forwarded-proto": "http",
      "x-own": "kept",
    },
  ]);
  expect(asked[0]).not.toHaveProperty("proxy-authorization");
});

test("of Sluice the share that was passed on is what it says itself, between two looks", () => {
  const [before, after] = [
    { passed: 20, served: 100 },
    { passed: 110, served: 200 },
  ];
  expect(shareOfPasses({ requests: 5 }, before, after)).toBe(0.9);
});

test("messages are those to the pool's object, and rows all that are written", () => {
  const counts = { "call: pool.enter": 10, "call: deferred.turn": 7, "message: ticket.turn": 5 };
  const rows = { "rows: pool.slots": 10, "rows: pool.setAlarm": 1, "rows: pool.counts": 4 };
  expect(costsOf({ requests: 10, ...counts, ...rows })).toEqual({ messages: 1.5, rows: 1.5, slotRows: 1 });
  expect(() => costsOf({})).toThrow("nothing was counted");
});
