import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { Deferrer } from "../../deferred/support.ts";
import { Connections } from "../../support/connections.ts";
import { Origin } from "../../support/origin.ts";
import { promtool } from "../../support/promtool.ts";
import { SingleFlightPool } from "../../support/single-flight-pool.ts";
import { Sluice } from "../../support/sluice.ts";
import { WITHOUT_PROMTOOL } from "../../support/tools.ts";
import { get, stage } from "../support.ts";
import { read, value } from "./samples.ts";

let pool: SingleFlightPool | null = null;
afterEach(async () => {
  await pool?.stop();
  pool = null;
});

/** The text of a scrape. */
const texts: string[] = [];

async function scrape(sluice: Sluice): Promise<string> {
  const response = await sluice.admin("GET", "/metrics");
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  texts.push(text);
  return text;
}

/** The samples of counters, which never fall. */
function counters(text: string): Map<string, number> {
  const rising = read(text).filter(({ name }) => /_(total|bucket|sum|count)$/.test(name));
  return new Map(rising.map(({ name, labels, value }) => [`${name} ${JSON.stringify(labels)}`, value]));
}

function expectNoneFell(before: string, after: string): void {
  const now = counters(after);
  const fell = [...counters(before)].filter(([name, value]) => (now.get(name) ?? 0) < value);
  expect(fell).toEqual([]);
}

/** The pool's requests by outcome, from the counters. */
function accounts(text: string) {
  const codes = read(text).filter(({ name }) => name === "sluice_requests_total");
  const answered = codes.filter(({ labels }) => /^\dxx$/.test(labels.code ?? ""));
  return {
    answered: answered.reduce((sum, { value }) => sum + value, 0),
    served: value(text, "sluice_service_seconds_count"),
    granted: value(text, "sluice_queue_wait_seconds_count"),
    inFlight: value(text, "sluice_in_flight"),
    queued: value(text, "sluice_queue_length"),
  };
}

describe("a scrape", () => {
  test("during load adds up in itself, every time, and with the snapshots around it", async () => {
    pool = await SingleFlightPool.start(4, 5);
    const answers = Promise.all(Array.from({ length: 600 }, (_, n) => pool?.client.get(`/${n}`)));
    for (let n = 0; n < 20; n++) {
      const before = await pool.sluice.snapshot("web");
      const text = await scrape(pool.sluice);
      const after = await pool.sluice.snapshot("web");
      const { answered, served, granted, inFlight } = accounts(text);
      expect(served).toBe(answered);
      expect(granted).toBe(answered + inFlight);
      expect(answered).toBeGreaterThanOrEqual(before.totals.completed);
      expect(answered).toBeLessThanOrEqual(after.totals.completed);
    }
    await answers;
    await pool.sluice.until("web", ({ inFlight }) => inFlight === 0);
    // By the servers' own account: besides what this test has sent, it has what another one may have sent to a port that it
    // had before.
    const count = pool.served.length;
    expect(count).toBeGreaterThanOrEqual(600);
    const all = { answered: count, served: count, granted: count, inFlight: 0, queued: 0 };
    expect(accounts(await scrape(pool.sluice))).toEqual(all);
  });

  test("counts each request under what became of it, as the snapshot does", async () => {
    const keys = {
      max_queue: 0,
      retries: 1,
      server_timeout: "300ms",
      quarantine: { max: "1ms", broken: "1ms" },
    };
    const { sluice, origin } = await stage(keys);
    const statuses = [204, 301, 404, 503];
    for (const status of statuses) {
      origin.answer = (_, response) => response.writeHead(status).end();
      await fetch(`${sluice.url}/`, { redirect: "manual" });
      await sluice.until("web", ({ inFlight }) => inFlight === 0);
    }
    origin.answer = (request) => request.socket.destroy();
    expect(await get(sluice, "/broken")).toContain("502");
    origin.answer = null;
    const silent = get(sluice, "/silent");
    await sluice.until("web", ({ inFlight }) => inFlight === 1);
    expect(await get(sluice, "/full")).toContain("503");
    expect(await silent).toContain("504");

    const { totals } = await sluice.until("web", ({ inFlight }) => inFlight === 0);
    const text = await scrape(sluice);
    const count = (code: string) => value(text, "sluice_requests_total", { code });
    expect(["2xx", "3xx", "4xx", "5xx"].map(count)).toEqual([1, 1, 1, 1]);
    for (const code of ["bad-gateway", "server-timeout", "queue-full"]) {
      expect([code, count(code)]).toEqual([code, 1]);
      expect(totals.refused[code]).toBe(1);
    }
    expect(value(text, "sluice_retries_total", { server: "web-1" })).toBe(totals.retried);
    expect(totals).toMatchObject({ completed: 4, retried: 1, abandoned: 0 });
  });

  test("counts those who left, and drains, and knows the whole of a queue", async () => {
    pool = await SingleFlightPool.start(1, 1);
    const leavers = new Connections(pool.sluice.leaverUrl);
    await pool.sluice.drain("web", { expires: "1h" });
    const left = Array.from({ length: 5 }, (_, n) => leavers.get(`/${n}`, { "x-leave-after": "told" }));
    const stays = pool.client.get("/stays");
    await pool.sluice.until("web", ({ queued }) => queued === 6);
    expect(value(await scrape(pool.sluice), "sluice_queue_length")).toBe(6);
    await pool.sluice.tellLeavers();
    await Promise.all(left);
    await pool.sluice.until("web", ({ queued }) => queued === 1);
    const text = await scrape(pool.sluice);
    expect(value(text, "sluice_abandoned_total")).toBe(5);
    expect(value(text, "sluice_drains_total")).toBe(1);
    expect(value(text, "sluice_queue_oldest_seconds")).toBeGreaterThan(0);
    expect(value(text, "sluice_drain_expires_seconds")).toBeGreaterThan(3_500);
    await pool.sluice.resume("web");
    await stays;
    leavers.close();
  });

  test("counts a stop as a drain, and one that is turned into the other once", async () => {
    pool = await SingleFlightPool.start(1, 1);
    const { sluice } = pool;
    const drains = async () => value(await scrape(sluice), "sluice_drains_total");
    await sluice.admin("POST", "/api/pools/web/stop", {});
    expect(await drains()).toBe(1);
    await sluice.drain("web");
    expect(await drains()).toBe(1);
    await sluice.resume("web");
    await sluice.admin("POST", "/api/pools/web/stop", {});
    expect(await drains()).toBe(2);
    expect(await scrape(sluice)).toContain("# HELP sluice_drains_total Drains and stops that have begun.");
  });
});

test("a scrape tells deferred requests from those that hold a connection, on the one list that both wait on", async () => {
  const { sluice, origin } = await stage({ deferred: {} });
  origin.answer = (_, response) => response.end("served");
  const client = new Deferrer(() => sluice);
  await client.ended(await client.defer("/"));
  await sluice.until("web", ({ deferred }) => deferred?.answered === 1);
  await sluice.drain("web");
  for (let n = 0; n < 3; n++) await client.defer("/");
  const direct = get(sluice, "/");
  await sluice.until("web", ({ queued }) => queued === 4);
  const text = await scrape(sluice);
  expect(value(text, "sluice_queue_length")).toBe(4);
  const counts = ["queued", "running", "answered", "failed"].map((state) =>
    value(text, "sluice_deferred", { pool: "web", state }),
  );
  expect(counts).toEqual([3, 0, 1, 0]);
  expect(value(text, "sluice_deferred_oldest_seconds")).toBeGreaterThan(0);
  await sluice.resume("web");
  expect(await direct).toBe("200 served");
});

describe("what a scrape has told never goes back", () => {
  test("through crashes of the object under load", async () => {
    pool = await SingleFlightPool.start(4, 5);
    const answers = Promise.all(Array.from({ length: 400 }, (_, n) => pool?.client.get(`/${n}`)));
    let before = await scrape(pool.sluice);
    for (let crash = 0; crash < 5; crash++) {
      await pool.sluice.crash("web");
      const after = await scrape(pool.sluice);
      expectNoneFell(before, after);
      before = await scrape(pool.sluice);
      expectNoneFell(after, before);
    }
    await answers;
    expectNoneFell(before, await scrape(pool.sluice));
  });

  test("through the end of the whole runtime", async () => {
    const origin = await Origin.start((_, response) => response.end("served"));
    onTestFinished(() => origin.stop());
    const pools = { web: { servers: [{ name: "web-1", url: origin.url }] } };
    let sluice = await Sluice.start({ pools });
    await get(sluice, "/");
    await sluice.drain("web");
    await sluice.until("web", ({ totals }) => totals.completed === 1);
    const before = await scrape(sluice);
    sluice = await Sluice.start({ pools, folder: await sluice.stopKeepingStorage() });
    const after = await scrape(sluice);
    await sluice.stop();
    expect([...counters(after)]).toEqual([...counters(before)]);
    expect(value(after, "sluice_requests_total", { code: "2xx" })).toBe(1);
  });
});

describe("of several pools", () => {
  const server = (name: string) => [{ name, url: "http://127.0.0.1:9" }];
  const POOLS = {
    web: { servers: server("web-1") },
    constructor: { path_prefix: "/c", slots: 3, servers: server("toString") },
  };

  test("one scrape has all, and one that cannot be reached takes nothing from the others", async () => {
    const sluice = await Sluice.start({ pools: POOLS });
    try {
      const all = await scrape(sluice);
      expect(value(all, "sluice_slots", { pool: "web" })).toBe(1);
      expect(value(all, "sluice_slots", { pool: "constructor", server: "toString" })).toBe(3);
      await sluice.losePool("web");
      const without = await scrape(sluice);
      expect(read(without).filter(({ labels }) => labels.pool === "web")).toMatchObject([
        { name: "sluice_pool_reachable", value: 0 },
      ]);
      expect(value(without, "sluice_pool_reachable", { pool: "constructor" })).toBe(1);
      expect(value(without, "sluice_slots", { pool: "constructor" })).toBe(3);
      await sluice.findPool("web");
      expect(value(await scrape(sluice), "sluice_pool_reachable", { pool: "web" })).toBe(1);
    } finally {
      await sluice.stop();
    }
  });
});

test.skipIf(WITHOUT_PROMTOOL)("what a scrape told is what Prometheus reads", async () => {
  expect(texts.length).toBeGreaterThan(20);
  const every = texts.filter(
    (text, n) => n % 5 === 0 || text.includes('sluice_pool_reachable{pool="web"} 0'),
  );
  await Promise.all(every.map((text) => promtool(["check", "metrics"], text)));
});
