import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { StoredRequest } from "../../src/link/deferred-calls.ts";
import { DeferredObject, ID, SECRET, storedRequest } from "../support/deferred-object.ts";

const MINUTE = 60_000;

let object: DeferredObject;
/** Answers the server's request, which waits for it. */
let serve: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("scheduler", { wait: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)) });
  Object.assign(crypto.subtle, {
    timingSafeEqual: (a: Uint8Array, b: Uint8Array) => Buffer.from(a).equals(b),
  });
  vi.spyOn(console, "log").mockImplementation(() => {});
  vi.spyOn(console, "error").mockImplementation(() => {});
  const { promise, resolve } = Promise.withResolvers<Response>();
  serve = () => resolve(new Response(null, { status: 204 }));
  vi.stubGlobal("fetch", (_: string, { signal }: RequestInit) => {
    const cut = new Promise((_resolve, reject) =>
      signal?.addEventListener("abort", () => reject(signal.reason)),
    );
    return Promise.race([promise, cut]);
  });
  object = new DeferredObject();
});
afterEach(() => {
  Reflect.deleteProperty(crypto.subtle, "timingSafeEqual");
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const VISITOR_MS = 30_000;
const store = (rest: Partial<StoredRequest> = {}) =>
  object.deferred.store(
    storedRequest({ method: "GET", visitorMs: VISITOR_MS, keepMs: 2 * MINUTE, ...rest }),
    null,
  );
const status = () => object.deferred.status(SECRET);
const isGone = () => object.storage.entries.size === 0 && object.storage.alarm === null;
/** The page reloads every so often, for so long. */
async function look(everyMs: number, forMs: number) {
  for (let ms = 0; ms < forMs; ms += everyMs) {
    await object.pass(everyMs);
    await status();
  }
}

describe("a request that a page waits for", () => {
  test("stays as long as the page is seen, and is off the list and forgotten once it is missed", async () => {
    await store();
    await look(10_000, 10 * MINUTE);
    expect(await status()).toMatchObject({ state: "queued" });
    await object.pass(VISITOR_MS - 1);
    expect(isGone()).toBe(false);
    await object.pass(1);
    expect(isGone()).toBe(true);
    expect(object.toldBy("forgetDeferred")).toEqual([[{ id: ID, number: 7, key: null }]]);
    expect(await status()).toBeNull();
  });

  test("tells the pool the token by which it keeps its turn, once", async () => {
    await store({ token: 4711 });
    expect(object.toldBy("defer")).toMatchObject([[{ token: 4711, former: null }]]);
    // It has lost it, and is asked for it again.
    await look(10_000, 62 * MINUTE);
    expect(object.toldBy("defer").length).toBeGreaterThan(1);
    expect(object.toldBy("defer").at(-1)).toMatchObject([{ token: null, former: 7 }]);
  });

  test("is missed too by an object that was evicted meanwhile", async () => {
    await store();
    await look(10_000, MINUTE);
    object.lose();
    await object.pass(VISITOR_MS);
    expect(isGone()).toBe(true);
  });

  test("is not missed for a restart of its object", async () => {
    await store();
    for (let n = 0; n < 20; n++) {
      await look(10_000, 10_000);
      object.lose();
    }
    expect(await status()).toMatchObject({ state: "queued" });
  });

  test("is not missed for an outage in which nobody could be seen", async () => {
    await store();
    object.outage(10 * MINUTE);
    await object.pass(10_000);
    expect(await status()).toMatchObject({ state: "queued" });
    await object.pass(VISITOR_MS);
    expect(isGone()).toBe(true);
  });

  test("is not written to for each look", async () => {
    await store();
    const setAlarm = vi.spyOn(object.storage, "setAlarm");
    await look(1_000, MINUTE);
    expect(setAlarm.mock.calls.length).toBeLessThan(6);
  });

  test("goes soon after its page was closed, unless that comes back", async () => {
    await store();
    object.deferred.left(SECRET);
    await object.pass(7_000);
    await status();
    await object.pass(20_000);
    expect(await status()).toMatchObject({ state: "queued" });
    object.deferred.left(SECRET);
    await object.pass(8_000);
    expect(isGone()).toBe(true);
  });

  test("does not go by a guess at its id", async () => {
    await store();
    object.deferred.left("0".repeat(32));
    await object.pass(20_000);
    expect(await status()).toMatchObject({ state: "queued" });
  });
});

describe("while its server works, a page that was closed", () => {
  async function run(keys: Record<string, unknown>) {
    object = new DeferredObject(keys);
    await store();
    await object.turn("t1");
    await object.pass(1_000);
    object.deferred.left(SECRET);
    await object.pass(VISITOR_MS);
  }

  test("changes nothing by default: the answer is kept for a moment, for a visitor who comes back", async () => {
    await run({});
    expect(await status()).toMatchObject({ state: "running" });
    serve();
    await object.pass(100);
    expect(await status()).toMatchObject({ state: "answered", answer: 204 });
    await object.pass(2 * MINUTE);
    expect(isGone()).toBe(true);
  });

  test("has the server cut off where on_client_abort says so, and nothing is kept", async () => {
    await run({ on_client_abort: "cancel" });
    await object.pass(100);
    expect(object.toldBy("deferredEnded")).toMatchObject([[ID, { state: "canceled" }]]);
    expect(isGone()).toBe(true);
  });
});

test("a request that no page waits for stays, whoever looks", async () => {
  await object.deferred.store(storedRequest(), null);
  object.deferred.left(SECRET);
  await object.pass(10 * MINUTE);
  expect(await status()).toMatchObject({ state: "queued", pageAt: null });
});

describe("a request that many look at, and often", () => {
  const asked = () => object.toldBy("placeOf").length;

  test("asks its pool once for all, and the more rarely the farther back it is", async () => {
    await store();
    object.place = { place: 510, startsInMs: null };
    const all = await Promise.all(Array.from({ length: 100 }, status));
    expect(all.map((one) => one?.place)).toEqual(all.map(() => 510));
    expect(asked()).toBe(1);
    object.place = { place: 210, startsInMs: null };
    await look(1_000, 9_000);
    expect([(await status())?.place, asked()]).toEqual([510, 1]);
    await object.pass(1_000);
    expect([(await status())?.place, asked()]).toEqual([210, 2]);
    await object.pass(4_000);
    expect([(await status())?.place, asked()]).toEqual([210, 3]);
  });

  test("is told its place as it is where it will soon have its turn, and half a minute late at most elsewhere", async () => {
    await store();
    object.place = { place: 2, startsInMs: null };
    await status();
    object.place = { place: 1, startsInMs: 0 };
    expect(await status()).toMatchObject({ place: 1, startsInMs: 0 });
    object.place = { place: 1_000_000, startsInMs: null };
    await status();
    object.place = { place: 9, startsInMs: null };
    await object.pass(29_999);
    expect(await status()).toMatchObject({ place: 1_000_000 });
    await object.pass(1);
    expect(await status()).toMatchObject({ place: 9 });
  });

  test("asks anew where nobody knew, or it has got another place", async () => {
    await store();
    object.isPoolReached = false;
    const unknown = status();
    await object.pass(10_000);
    expect((await unknown)?.place).toBeNull();
    object.isPoolReached = true;
    object.place = { place: 900, startsInMs: null };
    expect((await status())?.place).toBe(900);
    object.lose();
    object.place = { place: 1, startsInMs: null };
    expect((await status())?.place).toBe(1);
  });
});
