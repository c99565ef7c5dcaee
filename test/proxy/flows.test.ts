import { afterEach, describe, expect, test } from "vitest";
import { median } from "../../bench/measure/statistics.ts";
import { send } from "../support/client.ts";
import { type Answer, Connections, statuses } from "../support/connections.ts";
import { SingleFlightPool } from "../support/single-flight-pool.ts";

let pool: SingleFlightPool;
afterEach(() => pool.stop());

const KEY = { flow: "header:x-api-key" };
const PRODUCTION = { bundle: "production" } as const;
const as = (key: string) => ({ "x-api-key": key });

/** Sends these one after the other, each only once the pool has the one before: their order is certain. */
async function sendInOrder(
  calls: readonly { path: string; headers?: Record<string, string> }[],
): Promise<Promise<Answer>[]> {
  const answers: Promise<Answer>[] = [];
  for (const { path, headers = {} } of calls) {
    const { queued } = await pool.sluice.snapshot("web");
    answers.push(pool.client.get(path, headers));
    await pool.sluice.until("web", (snapshot) => snapshot.queued === queued + 1);
  }
  return answers;
}

const numbered = (key: string, count: number, headers: Record<string, string> = {}) =>
  Array.from({ length: count }, (_, n) => ({ path: `/${key}/${n}`, headers: { ...as(key), ...headers } }));

describe("who shares the servers with a client that keeps 500 requests waiting", () => {
  const SERVERS = 10;
  const WAITING = 500;
  const ASKED = 25;

  test("waits for two rounds of the servers at most, and that client gets all the rest", async () => {
    pool = await SingleFlightPool.start(SERVERS, 20, KEY, PRODUCTION);
    const { record } = pool;
    let isOver = false;
    const heavy = Array.from({ length: WAITING + SERVERS }, async (_, n) => {
      const answers: Answer[] = [];
      for (let request = 0; !isOver; request++)
        answers.push(await pool.client.get(`/a/${n}/${request}`, as("a")));
      return answers;
    });
    await pool.sluice.until("web", ({ queued }) => queued >= WAITING);
    const from = record.begun.length;
    const askOneByOne = async (key: string) => {
      const client = new Connections(pool.sluice.url, 1);
      const answers: Answer[] = [];
      const before: number[] = [];
      for (let n = 0; n < ASKED; n++) {
        const sent = record.begun.length;
        answers.push(await client.get(`/${key}/${n}`, as(key)));
        before.push(record.of("a", sent, record.begun.indexOf(`/${key}/${n}`)).length);
      }
      client.close();
      return { answers, before };
    };
    const light = await Promise.all([askOneByOne("b"), askOneByOne("c")]);
    const to = record.begun.length;
    isOver = true;
    const answers = [...(await Promise.all(heavy)).flat(), ...light.flatMap((one) => one.answers)];

    for (const { before } of light) expect(median(before)).toBeLessThanOrEqual(2 * SERVERS);
    const ofOthers = record.of("b", from, to).length + record.of("c", from, to).length;
    expect(record.of("a", from, to).length).toBeGreaterThanOrEqual(2 * ofOthers);
    expect(statuses(answers)).toEqual({ 200: record.begun.length });
    expect(new Set(record.begun).size).toBe(record.begun.length);
    expect(pool.rejected).toBe(0);
  });
});

describe("in a pool with flows", () => {
  test("a client whose queue is full is refused with 429, and all others wait on", async () => {
    pool = await SingleFlightPool.start(1, 1, { ...KEY, max_queue_per_flow: 3 }, PRODUCTION);
    await pool.sluice.drain("web");
    const waiting = await sendInOrder(numbered("a", 3));
    const refused = await send(pool.sluice.url, { path: "/a/3", headers: as("a") });
    expect([refused.status, JSON.parse(String(refused.body)).code]).toEqual([429, "flow-queue-full"]);
    waiting.push(...(await sendInOrder([...numbered("b", 3), { path: "/nobody/0" }])));
    await pool.sluice.resume("web");
    expect(statuses(await Promise.all(waiting))).toEqual({ 200: 7 });
    expect(pool.record.of("a")).toHaveLength(3);
    expect((await pool.sluice.snapshot("web")).totals.refused).toEqual({ "flow-queue-full": 1 });
  });

  test("a client's deferred requests wait in its flow, and count to its queue", async () => {
    const keys = { ...KEY, max_queue_per_flow: 6, deferred: { max: 100 } };
    pool = await SingleFlightPool.start(1, 10, keys, PRODUCTION);
    await pool.sluice.drain("web");
    const deferred = { ...as("a"), prefer: "respond-async" };
    for (const { path } of numbered("a", 5)) {
      const { status } = await send(pool.sluice.url, { method: "POST", path, headers: deferred });
      expect(status).toBe(202);
    }
    const waiting = await sendInOrder([{ path: "/a/5", headers: as("a") }, ...numbered("b", 1)]);
    for (const headers of [as("a"), deferred]) {
      const refused = await send(pool.sluice.url, { method: "POST", path: "/a/6", headers });
      expect([refused.status, JSON.parse(String(refused.body)).code]).toEqual([429, "flow-queue-full"]);
    }
    await pool.sluice.resume("web");
    expect(statuses(await Promise.all(waiting))).toEqual({ 200: 2 });
    expect(pool.record.of("a")).toEqual(numbered("a", 6).map(({ path }) => path));
    // One of the six may have gone first.
    expect(pool.record.begun.indexOf("/b/0")).toBeLessThanOrEqual(1);
  });

  test("all addresses of an IPv6 network are one client, and every other address is another", async () => {
    pool = await SingleFlightPool.start(1, 10, { flow: "address" }, PRODUCTION);
    await pool.sluice.drain("web");
    const from = (address: string, path: string) => ({ path, headers: { "cf-connecting-ip": address } });
    const neighbours = ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:DB8:1:2:a:b:c:d"];
    const waiting = await sendInOrder([
      ...[0, 1].flatMap((round) => neighbours.map((address, n) => from(address, `/six/${round * 3 + n}`))),
      from("203.0.113.9", "/four/0"),
      from("2001:db8:1:3::1", "/next/0"),
    ]);
    await pool.sluice.resume("web");
    expect(statuses(await Promise.all(waiting))).toEqual({ 200: 8 });
    const { begun } = pool.record;
    expect(new Set(begun.slice(0, 3))).toEqual(new Set(["/six/0", "/four/0", "/next/0"]));
    expect(pool.record.of("six")).toEqual([0, 1, 2, 3, 4, 5].map((n) => `/six/${n}`));
    await pool.sluice.until("web", ({ totals }) => totals.completed === 8);
    const flows = new Map(pool.sluice.log.map(({ path, flow }) => [path, flow]));
    expect(new Set([...flows.values()]).size).toBe(3);
    expect(JSON.stringify(pool.sluice.log)).not.toContain("2001:");
  });
});

describe("requests that go ahead", () => {
  const priorities = [
    { header: "x-plan", value: "gold", ahead: "1m" },
    { path_prefix: "/batch/", ahead: "-1m" },
  ];
  const GOLD = { "x-plan": "gold" };

  test("go before all that came less than that much earlier, and those that stand back go last", async () => {
    pool = await SingleFlightPool.start(1, 1, { priorities }, PRODUCTION);
    await pool.sluice.drain("web");
    const waiting = await sendInOrder([
      ...numbered("batch", 3),
      ...numbered("user", 3),
      ...numbered("gold", 3, GOLD),
      ...numbered("late", 1),
    ]);
    await pool.sluice.resume("web");
    expect(statuses(await Promise.all(waiting))).toEqual({ 200: 10 });
    expect(pool.record.begun).toEqual(
      [...numbered("gold", 3), ...numbered("user", 3), ...numbered("late", 1), ...numbered("batch", 3)].map(
        ({ path }) => path,
      ),
    );
    await pool.sluice.until("web", ({ totals }) => totals.completed === 10);
    const ahead = pool.sluice.log.filter(({ path }) => path === "/gold/0" || path === "/batch/0");
    expect(new Set(ahead.map((line) => line.ahead))).toEqual(new Set([60_000, -60_000]));
  });

  test("go ahead within their flow only", async () => {
    pool = await SingleFlightPool.start(1, 10, { ...KEY, priorities }, PRODUCTION);
    await pool.sluice.drain("web");
    const gold = Array.from({ length: 4 }, (_, n) => ({
      path: `/a/gold-${n}`,
      headers: { ...as("a"), ...GOLD },
    }));
    const waiting = await sendInOrder([...numbered("a", 2), ...numbered("b", 1), ...gold]);
    await pool.sluice.resume("web");
    expect(statuses(await Promise.all(waiting))).toEqual({ 200: 7 });
    expect(pool.record.of("a")).toEqual([...gold.map(({ path }) => path), "/a/0", "/a/1"]);
    expect(pool.record.begun.indexOf("/b/0")).toBeLessThanOrEqual(1);
  });
});
