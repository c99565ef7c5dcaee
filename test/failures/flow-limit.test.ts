import { afterEach, describe, expect, test } from "vitest";
import { Deferrer } from "../deferred/support.ts";
import { send } from "../support/client.ts";
import { statuses } from "../support/connections.ts";
import { type Handler, Origin } from "../support/origin.ts";
import { SingleFlightPool } from "../support/single-flight-pool.ts";
import { Sluice } from "../support/sluice.ts";
import { WorkRecord } from "../support/work-record.ts";

const SERVERS = 6;
const MOST = 2;
const PATIENCE = { timeout: 50_000, interval: 2 };
const LIMIT = { flow: "header:x-api-key", max_in_flight_per_flow: MOST };

const as = (key: string) => ({ "x-api-key": key });
const paths = (key: string, count: number) => Array.from({ length: count }, (_, n) => `/${key}/${n}`);

describe("a client that may have two slots", () => {
  let pool: SingleFlightPool;
  afterEach(() => pool.stop());

  const sendAll = (key: string, count: number) =>
    paths(key, count).map((path) => pool.client.get(path, as(key)));

  test("has no more while others are free, and who comes meanwhile takes those", async () => {
    pool = await SingleFlightPool.start(SERVERS, 60, LIMIT, { bundle: "production" });
    const heavy = sendAll("a", 20);
    await pool.sluice.until("web", ({ queued, inFlight }) => queued >= 12 && inFlight === MOST);
    const others = ["b", "c"].flatMap((key) => sendAll(key, 6));
    expect(statuses(await Promise.all(others))).toEqual({ 200: 12 });
    // It had as many waiting before they came, and gets two at a time as each of them does.
    expect(pool.record.of("a").length).toBeLessThan(20);
    expect(statuses(await Promise.all(heavy))).toEqual({ 200: 20 });
    for (const key of ["a", "b", "c"]) expect(pool.record.mostAtOnce(key)).toBe(MOST);
    expect(pool.rejected).toBe(0);
  });

  test("has no more with those of its requests that are deferred, through a crash of the pool's object", async () => {
    pool = await SingleFlightPool.start(SERVERS, 100, { ...LIMIT, deferred: { max: 100 } });
    const client = new Deferrer(() => pool.sluice);
    const ids = await Promise.all(
      paths("a/later", 6).map((path) => client.defer(path, { headers: as("a") })),
    );
    const direct = sendAll("a", 6);
    await expect.poll(() => pool.record.of("a").length, PATIENCE).toBeGreaterThanOrEqual(4);
    await pool.sluice.crash("web");
    expect(statuses(await Promise.all(direct))).toEqual({ 200: 6 });
    for (const id of ids) expect(await client.ended(id)).toMatchObject({ state: "answered" });
    expect(pool.record.mostAtOnce("a")).toBe(MOST);
    expect(pool.rejected).toBe(0);
  });

  test("has no more after crashes of the pool's object, whose slots it still has", async () => {
    pool = await SingleFlightPool.start(SERVERS, 150, LIMIT);
    const answers = [...sendAll("a", 16), ...sendAll("b", 16)];
    for (const begun of [4, 12, 20]) {
      await expect.poll(() => pool.record.begun.length, PATIENCE).toBeGreaterThanOrEqual(begun);
      await pool.sluice.crash("web");
    }
    expect(statuses(await Promise.all(answers))).toEqual({ 200: 32 });
    for (const key of ["a", "b"]) expect(pool.record.mostAtOnce(key)).toBe(MOST);
    expect(pool.rejected).toBe(0);
  });

  test("has no more while its servers work on for it after it has left", async () => {
    pool = await SingleFlightPool.start(SERVERS, 400, {
      ...LIMIT,
      on_client_abort: "cancel",
      quarantine: { cancel: "1h", probe: "/idle" },
    });
    const leaving = { ...as("a"), "x-leave-after": "told" };
    const left = paths("a", MOST).map((path) => send(pool.sluice.leaverUrl, { path, headers: leaving }));
    await expect.poll(() => pool.record.atWork("a"), PATIENCE).toBe(MOST);
    const waiting = paths("a/more", 4).map((path) => pool.client.get(path, as("a")));
    await pool.sluice.until("web", ({ queued }) => queued === 4);
    await pool.sluice.tellLeavers();
    await pool.sluice.until("web", ({ quarantined }) => quarantined === MOST);
    expect(statuses(await Promise.all(sendAll("b", 4)))).toEqual({ 200: 4 });
    expect(statuses(await Promise.all(waiting))).toEqual({ 200: 4 });
    await Promise.all(left);
    expect(pool.record.mostAtOnce("a")).toBe(MOST);
    expect(pool.rejected).toBe(0);
  });
});

test("a client that may have two slots has no more with its retries, which wait for nobody of its own", async () => {
  const record = new WorkRecord();
  const tried = new Map<string, number>();
  /** Breaks the first attempt of each. */
  const handle: Handler = (request, response) => {
    const path = request.url as string;
    const attempt = (tried.get(path) ?? 0) + 1;
    tried.set(path, attempt);
    record.begin(`${path}/${attempt}`);
    setTimeout(() => {
      record.end(`${path}/${attempt}`);
      if (attempt === 1) request.socket.destroy();
      else response.end("done");
    }, 30);
  };
  const origins = await Promise.all(Array.from({ length: SERVERS }, () => Origin.start(handle)));
  const servers = origins.map(({ url }, n) => ({ name: `web-${n}`, url }));
  const sluice = await Sluice.start({
    pools: { web: { servers, ...LIMIT, quarantine: { broken: "200ms" } } },
    bundle: "production",
  });
  try {
    const answers = await Promise.all(
      ["a", "b"].flatMap((key) => paths(key, 10).map((path) => send(sluice.url, { path, headers: as(key) }))),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect([...tried.values()]).toEqual(answers.map(() => 2));
    for (const key of ["a", "b"]) expect(record.mostAtOnce(key)).toBe(MOST);
  } finally {
    await sluice.stop();
    await Promise.all(origins.map((origin) => origin.stop()));
  }
});
