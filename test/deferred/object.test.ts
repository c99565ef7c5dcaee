import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DeferredObject, ID, SECRET, storedRequest } from "../support/deferred-object.ts";

const HOUR = 3_600_000;
const KEY = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

let object: DeferredObject;
/** What servers and webhooks' receivers answer; a status, or an error for a connection that breaks. */
let answer: (url: string) => number | Error;
let asked: { url: string; body: string }[];

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("scheduler", { wait: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)) });
  Object.assign(crypto.subtle, {
    timingSafeEqual: (a: Uint8Array, b: Uint8Array) => Buffer.from(a).equals(b),
  });
  // They are made on another thread, whose time is not the test's; webhooks.test.ts verifies them.
  vi.spyOn(crypto.subtle, "importKey").mockResolvedValue({} as CryptoKey);
  vi.spyOn(crypto.subtle, "sign").mockResolvedValue(new ArrayBuffer(32));
  vi.spyOn(console, "log").mockImplementation(() => {});
  vi.spyOn(console, "error").mockImplementation(() => {});
  asked = [];
  answer = () => 200;
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    asked.push({ url, body: String(init.body ?? "") });
    const status = answer(url);
    if (status instanceof Error) throw status;
    return new Response(null, { status });
  });
  object = new DeferredObject({ retries: 1 }, { WEBHOOK_SECRET: KEY });
});
afterEach(() => {
  Reflect.deleteProperty(crypto.subtle, "timingSafeEqual");
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const status = () => object.deferred.status(SECRET);
const settle = () => object.pass(50);

describe("a request that is stored", () => {
  test("is on the pool's list before anybody is told that it is accepted", async () => {
    const accepted = await object.deferred.store(storedRequest(), Buffer.from("body"));
    expect(accepted).toMatchObject({ code: "accepted", status: { id: ID, state: "queued", place: 3 } });
    expect(object.toldBy("defer")).toMatchObject([[{ id: ID, method: "POST", path: "/x", former: null }]]);
    expect(object.storage.alarm).not.toBeNull();
  });

  test("is taken back, and leaves nothing, where the pool does not take it", async () => {
    object.defers = { code: "deferred-full" };
    expect(await object.deferred.store(storedRequest(), null)).toEqual({ code: "deferred-full" });
    expect([object.storage.entries.size, object.storage.alarm]).toEqual([0, null]);
    expect(await status()).toBeNull();
  });

  test("is nobody's before it is accepted, and gone after ten minutes if it never is", async () => {
    object.deferred.open(storedRequest());
    object.deferred.append(SECRET, 0, Buffer.from("half"));
    expect(await status()).toBeNull();
    expect(await object.deferred.cancel(SECRET)).toBeNull();
    object.lose();
    await object.pass(601_000);
    expect([object.storage.entries.size, object.storage.alarm]).toEqual([0, null]);
    expect(object.toldBy("withdrawDeferred")).toEqual([[ID, null]]);
  });

  test("that the Worker gives up is gone at once, and off the pool's list", async () => {
    object.deferred.open(storedRequest({ key: "k" }));
    await object.deferred.discard(SECRET);
    expect(object.storage.entries.size).toBe(0);
    expect(object.toldBy("withdrawDeferred")).toEqual([[ID, "k"]]);
    expect(await object.turn("t1")).toBe("unknown");
  });

  test("takes each row once, however often it is sent, and only those that were sent", async () => {
    object.deferred.open(storedRequest());
    for (const row of [0, 0, 1, 0]) object.deferred.append(SECRET, row, Buffer.from(`row ${row}`));
    expect(await object.deferred.accept(SECRET, 3)).toEqual({ code: "unknown-request" });
    expect(await object.deferred.accept(SECRET, 2)).toMatchObject({ code: "accepted" });
    expect(object.storage.entries.get("body")).toEqual({ rows: 2, bytes: 10 });
  });

  test("finds its way back to the pool's list, should that have lost it", async () => {
    await object.deferred.store(storedRequest(), null);
    object.lose();
    await object.pass(HOUR + 70_000);
    expect(object.toldBy("defer")).toHaveLength(2);
    expect(object.toldBy("defer")[1]).toMatchObject([{ id: ID, former: 7 }]);
  });
});

test("a request that the pool does not know, and whose key is another's by then, is given up in the end", async () => {
  await object.deferred.store(storedRequest(), null);
  object.defers = { code: "repeated", id: "another" };
  await object.pass(HOUR + 70_000);
  expect(await status()).toMatchObject({ state: "failed", problem: { code: "queue-timeout" } });
});

describe("a turn", () => {
  test("begins once, however often it is told", async () => {
    await object.deferred.store(storedRequest(), null);
    expect([await object.turn("t1"), await object.turn("t1")]).toEqual(["begun", "begun"]);
    await settle();
    expect(asked.map(({ url }) => url)).toEqual(["http://web-1.example/x?y"]);
    expect(await object.turn("t1")).toBe("begun");
    await settle();
    expect(asked).toHaveLength(1);
    expect(await status()).toMatchObject({ state: "answered", answer: 200, attempts: 1 });
    expect(object.toldBy("end")).toEqual([[[{ id: "t1", end: { how: "done", status: 200 } }]]]);
    expect(object.toldBy("deferredEnded").at(-1)).toMatchObject([ID, { state: "answered", status: 200 }]);
  });

  test("that is asked after before it is told begins no more: the pool has given its slot away", async () => {
    await object.deferred.store(storedRequest(), null);
    expect(await object.deferred.turn("t1", null)).toBe("waiting");
    expect(await object.turn("t1")).toBe("waiting");
    await settle();
    expect(asked).toEqual([]);
    expect(await object.turn("t2")).toBe("begun");
    await settle();
    expect(asked).toHaveLength(1);
  });

  test("of a server that only a newer version reaches is not taken, and fails nothing", async () => {
    await object.deferred.store(storedRequest(), null);
    expect(await object.turn("t1", "NEW_NETWORK")).toBe("waiting");
    await settle();
    expect(await status()).toMatchObject({ state: "queued", attempts: 0 });
    expect(await object.turn("t2")).toBe("begun");
  });

  test("that comes again when its request has had another, or is to be tried again, begins nothing and frees nothing", async () => {
    answer = () => new Error("broken");
    await object.deferred.store(storedRequest({ method: "PUT" }), null);
    for (const ticket of ["t1", "t2"]) {
      await object.turn(ticket);
      await settle();
    }
    // "ended" or "waiting" would free the slot, whose server may be at work on what it got.
    const late = async () => [await object.turn("t1"), await object.deferred.turn("t1", null)];
    expect(await late()).toEqual(["begun", "begun"]);
    await object.deferred.retry(SECRET);
    object.lose();
    expect(await late()).toEqual(["begun", "begun"]);
    expect(await object.turn("t2")).toBe("begun");
    await settle();
    expect(asked).toHaveLength(2);
    expect(await status()).toMatchObject({ state: "queued" });
  });

  test("that comes while it runs, or after its end, is not taken", async () => {
    await object.deferred.store(storedRequest(), null);
    await object.turn("t1");
    expect(await object.turn("t2")).toBe("ended");
    await settle();
    expect(await object.turn("t3")).toBe("ended");
    await settle();
    expect(asked).toHaveLength(1);
  });

  test("comes before the pool's answer to the acceptance, which does not put it back", async () => {
    object.defers = new Error("not yet");
    const accepted = object.deferred.store(storedRequest(), null);
    await vi.advanceTimersByTimeAsync(1);
    expect(await object.turn("t1")).toBe("begun");
    await settle();
    object.defers = { code: "deferred", number: 7, place: { place: 1, startsInMs: 0 } };
    await object.pass(2_000);
    expect(await accepted).toMatchObject({ code: "accepted", status: { state: "answered" } });
  });
});

describe("a ticket that is refused", () => {
  test("fails its request, which tells the pool of its end", async () => {
    await object.deferred.store(storedRequest(), null);
    expect(await object.deferred.refused("t1", "queue-timeout")).toBe("ended");
    expect(await status()).toMatchObject({ state: "failed", problem: { code: "queue-timeout" } });
    expect(object.toldBy("deferredEnded")).toMatchObject([[ID, { state: "failed", code: "queue-timeout" }]]);
  });

  test("of a request that is gone is unknown: the pool would ask for ever", async () => {
    expect(await object.deferred.refused("t1", "queue-timeout")).toBe("unknown");
  });

  test("does nothing to a request that runs with another one, or has run with it, nor to a retry after it", async () => {
    vi.stubGlobal("fetch", () => new Promise(() => {}));
    await object.deferred.store(storedRequest(), null);
    await object.deferred.refused("t1", "no-server");
    expect(await object.deferred.retry(SECRET)).toMatchObject({ code: "deferred" });
    object.told.length = 0;
    // The pool had not heard the first answer.
    expect(await object.deferred.refused("t1", "no-server")).toBe("begun");
    expect(await status()).toMatchObject({ state: "queued" });
    expect(await object.turn("t2")).toBe("begun");
    expect(await object.deferred.refused("t2", "no-server")).toBe("begun");
    expect(await status()).toMatchObject({ state: "running" });
    expect(object.toldBy("deferredEnded")).toEqual([]);
  });
});

test("a request that is canceled while its server turns it away, or fails, counts as abandoned, not as retried", async () => {
  object = new DeferredObject({ retries: 1, retry_on: [503] });
  for (const [ticket, end] of [
    ["t1", { how: "unused" }],
    ["t2", { how: "broken", clientLeft: true }],
  ] as const) {
    const { promise: answered, resolve, reject } = Promise.withResolvers<Response>();
    vi.stubGlobal("fetch", () => answered);
    await object.deferred.store(storedRequest({ method: "PUT" }), null);
    await object.turn(ticket);
    await settle();
    expect(await object.deferred.cancel(SECRET)).toBe("stopping");
    if (ticket === "t1") resolve(new Response(null, { status: 503 }));
    else reject(new Error("broken"));
    await settle();
    expect(await status()).toMatchObject({ state: "canceled" });
    expect(object.toldBy("end").at(-1)).toEqual([[{ id: ticket, end }]]);
    await object.deferred.cancel(SECRET);
  }
});

test("a request whose answer cannot be written to storage fails, and its slot is free", async () => {
  await object.deferred.store(storedRequest(), null);
  const { put } = object.storage.kv;
  object.storage.kv.put = (key: string, value: unknown) => {
    if (key.startsWith("answer")) throw new Error("the database is full");
    put.call(object.storage.kv, key, value);
  };
  expect(await object.turn("t1")).toBe("begun");
  await settle();
  expect(await status()).toMatchObject({ state: "failed", problem: { code: "bad-gateway" } });
  expect(object.toldBy("end")).toMatchObject([[[{ id: "t1" }]]]);
});

test("a request that cannot be sent fails, and its slot is free", async () => {
  // As a request of a method that came in, and that the platform lets nobody send.
  await object.deferred.store(storedRequest({ method: "CONNECT" }), null);
  expect(await object.turn("t1")).toBe("begun");
  await settle();
  expect(await status()).toMatchObject({ state: "failed", problem: { code: "invalid-request" } });
  expect(object.toldBy("end")).toEqual([[[{ id: "t1", end: { how: "unused" } }]]]);
  expect(asked).toEqual([]);
});

describe("a server that fails", () => {
  test("fails a request that may not be repeated", async () => {
    answer = () => new Error("broken");
    await object.deferred.store(storedRequest(), null);
    await object.turn("t1");
    await settle();
    expect(await status()).toMatchObject({ state: "failed", problem: { code: "bad-gateway" } });
    expect(object.toldBy("deferredEnded").at(-1)).toMatchObject([
      ID,
      { state: "failed", status: 502, code: "bad-gateway" },
    ]);
  });

  test("has it tried again where it may be, and no more often than retries says", async () => {
    answer = () => new Error("broken");
    await object.deferred.store(storedRequest({ method: "PUT" }), null);
    await object.turn("t1");
    await settle();
    expect(await status()).toMatchObject({ state: "queued", attempts: 1 });
    expect(object.toldBy("deferAgain")).toMatchObject([
      [{ id: ID, ticket: "t1", end: { how: "broken", retried: true }, retry: { server: "web-1" } }],
    ]);
    await object.turn("t2");
    await settle();
    expect(await status()).toMatchObject({ state: "failed", attempts: 2 });
  });
});

describe("an instance that dies while a server works", () => {
  test.each([
    ["POST", {}, "failed"],
    ["POST", { retry_non_idempotent: true }, "queued"],
    ["PUT", {}, "queued"],
    ["PUT", { retries: 0 }, "failed"],
  ])("leaves a %s with %j %s", async (method, keys, state) => {
    object = new DeferredObject({ retries: 1, ...keys });
    answer = () => 200;
    vi.stubGlobal("fetch", () => new Promise(() => {}));
    await object.deferred.store(storedRequest({ method }), null);
    await object.turn("t1");
    await vi.advanceTimersByTimeAsync(10);
    object.lose();
    expect(await object.deferred.turn("t1", null)).toBe("begun");
    await settle();
    const { state: now, problem } = (await status()) ?? {};
    expect([now, problem?.code ?? null]).toEqual([state, state === "failed" ? "fate-unknown" : null]);
    const told = state === "failed" ? object.toldBy("end") : object.toldBy("deferAgain");
    expect(JSON.stringify(told)).toContain('"how":"lost"');
  });
});

describe("what is kept", () => {
  test("is kept for as long as the pool says, and not a moment longer", async () => {
    await object.deferred.store(storedRequest({ keepMs: HOUR }), null);
    await object.turn("t1");
    await settle();
    await object.pass(HOUR - 1_000);
    expect(await status()).toMatchObject({ state: "answered" });
    await object.pass(2_000);
    expect(await status()).toBeNull();
    expect([object.storage.entries.size, object.storage.alarm]).toEqual([0, null]);
    expect(object.toldBy("forgetDeferred")).toEqual([[{ id: ID, number: 7, key: null }]]);
  });

  test("stays until the pool has forgotten it too", async () => {
    await object.deferred.store(storedRequest({ keepMs: HOUR }), null);
    await object.turn("t1");
    await settle();
    object.isPoolReached = false;
    await object.pass(12 * HOUR);
    expect(await status()).toBeNull();
    expect(object.storage.entries.size).toBeGreaterThan(0);
    object.isPoolReached = true;
    await object.pass(3 * 60_000);
    expect([object.storage.entries.size, object.storage.alarm]).toEqual([0, null]);
  });
});

describe("an operator's retry", () => {
  test("puts a failed request on the list again, from the beginning", async () => {
    answer = () => new Error("broken");
    await object.deferred.store(storedRequest(), Buffer.from("body"));
    await object.turn("t1");
    await settle();
    object.defers = { code: "deferred", number: 9, place: { place: 1, startsInMs: null } };
    expect(await object.deferred.retry(SECRET)).toMatchObject({ code: "deferred" });
    expect(object.toldBy("defer").at(-1)).toMatchObject([{ former: 7 }]);
    answer = () => 200;
    await object.turn("t2");
    await settle();
    expect(await status()).toMatchObject({ state: "answered", attempts: 2, problem: null });
    expect(await object.deferred.retry(SECRET)).toBe("not-failed");
  });

  /** A request has failed, and the pool does not answer yet what it is asked. */
  async function failed(): Promise<void> {
    answer = () => new Error("broken");
    await object.deferred.store(storedRequest(), null);
    await object.turn("t1");
    await settle();
    answer = () => 200;
    object.defers = new Error("not yet");
  }

  const answerRetry = async () => {
    object.defers = { code: "deferred", number: 9, place: { place: 1, startsInMs: 0 } };
    await object.pass(2_000);
  };

  test("takes a turn that comes before the pool's answer, and is not put back by that", async () => {
    await failed();
    const retry = object.deferred.retry(SECRET);
    await settle();
    const turn = object.turn("t2");
    await answerRetry();
    expect([await retry, await turn]).toMatchObject([{ code: "deferred" }, "begun"]);
    expect(await status()).toMatchObject({ state: "answered", attempts: 2 });
    expect(object.toldBy("deferredEnded").at(-1)).toMatchObject([ID, { state: "answered" }]);
  });

  test("takes a refusal that comes before the pool's answer, and is not put back by that", async () => {
    await failed();
    const retry = object.deferred.retry(SECRET);
    await settle();
    const refused = object.deferred.refused("t2", "no-server");
    await answerRetry();
    await Promise.all([retry, refused]);
    expect(await status()).toMatchObject({ state: "failed", problem: { code: "no-server" } });
    expect(object.toldBy("deferredEnded").at(-1)).toMatchObject([ID, { state: "failed", code: "no-server" }]);
  });

  test("that two ask for at the same time is one", async () => {
    await failed();
    const both = [object.deferred.retry(SECRET), object.deferred.retry(SECRET)];
    await answerRetry();
    expect(await Promise.all(both)).toMatchObject([{ code: "deferred" }, { code: "deferred" }]);
    const acceptances = object
      .toldBy("defer")
      .filter(([given]) => (given as { former: number }).former === 7);
    expect(new Set(acceptances.map(([given]) => (given as { acceptedAt: number }).acceptedAt)).size).toBe(1);
    expect(await status()).toMatchObject({ state: "queued" });
  });

  test("comes to the pool after the failure that it is of", async () => {
    await object.deferred.store(storedRequest(), null);
    answer = () => new Error("broken");
    const turn = object.turn("t1");
    object.isPoolReached = false;
    expect(await turn).toBe("begun");
    await settle();
    expect(await status()).toMatchObject({ state: "failed" });
    const retry = object.deferred.retry(SECRET);
    object.isPoolReached = true;
    await object.pass(2_000);
    expect(await retry).toMatchObject({ code: "deferred" });
    const told = object.told.map(([call]) => call).filter((call) => /^defer(redEnded)?$/.test(call));
    expect(told).toEqual(["defer", "deferredEnded", "defer"]);
  });

  test("comes to a pool that has heard of the failure, also where that was long out of reach", async () => {
    await object.deferred.store(storedRequest(), null);
    answer = () => new Error("broken");
    object.isPoolReached = false;
    await object.turn("t1");
    // For half a minute the end of the lease is told in vain, and then that of the request.
    await object.pass(70_000);
    object.isPoolReached = true;
    // Else its answer to a question for the old ticket, whose server may be at work, would free that one's slot.
    expect(await object.deferred.retry(SECRET)).toMatchObject({ code: "deferred" });
    const told = object.told.map(([call]) => call).filter((call) => /^defer(redEnded)?$/.test(call));
    expect(told).toEqual(["defer", "deferredEnded", "defer"]);
  });

  test("that has a slot before its request is forgotten is canceled, and gives the slot back", async () => {
    answer = () => new Error("broken");
    await object.deferred.store(storedRequest({ method: "PUT" }), null);
    for (const ticket of ["t1", "t2"]) {
      await object.turn(ticket);
      await settle();
    }
    expect(await status()).toMatchObject({ state: "failed" });
    object.isPoolReached = false;
    const forgotten = object.deferred.cancel(SECRET);
    await object.pass(5_000);
    object.isPoolReached = true;
    let breakOff: (error: Error) => void = () => {};
    vi.stubGlobal("fetch", () => new Promise((_, reject) => (breakOff = reject)));
    expect(await object.deferred.retry(SECRET)).toMatchObject({ code: "deferred" });
    expect(await object.turn("t3")).toBe("begun");
    await object.pass(2_000);
    expect(await forgotten).toBe("stopping");
    breakOff(new Error("broken"));
    await settle();
    expect(object.toldBy("end").at(-1)).toMatchObject([[{ id: "t3" }]]);
    expect(await status()).toMatchObject({ state: "canceled" });
  });

  test("leaves nothing of a request that is forgotten meanwhile", async () => {
    await failed();
    const retry = object.deferred.retry(SECRET);
    expect(await object.deferred.cancel(SECRET)).toBe("forgotten");
    await answerRetry();
    await retry;
    expect([object.storage.entries.size, object.storage.alarm]).toEqual([0, null]);
    expect(await object.turn("t2")).toBe("unknown");
  });

  test("leaves it failed where the pool is not reached, or does not take it", async () => {
    await failed();
    object.isPoolReached = false;
    const lost = expect(object.deferred.retry(SECRET)).rejects.toThrow("not reached");
    await object.pass(15_000);
    await lost;
    object.isPoolReached = true;
    object.defers = { code: "deferred-full" };
    expect(await object.deferred.retry(SECRET)).toEqual({ code: "deferred-full" });
    expect(await status()).toMatchObject({ state: "failed", problem: { code: "bad-gateway" } });
    expect(await object.turn("t2")).toBe("ended");
  });

  test("of another pool's operator finds nothing, nor does a cancellation", async () => {
    await failed();
    expect(await object.deferred.retry(SECRET, "api")).toBeNull();
    expect(await object.deferred.cancel(SECRET, "api")).toBeNull();
    expect(await object.deferred.cancel(SECRET, "web", false)).toBe("failed");
    expect(await object.deferred.cancel(SECRET, "web")).toBe("forgotten");
  });
});

describe("a webhook", () => {
  const hook = "https://hooks.example/x";
  const notices = () => asked.filter(({ url }) => url === hook);
  const hooked = (rest = {}) => object.deferred.store(storedRequest({ webhook: hook, ...rest }), null);

  test("that never works is tried with growing pauses for about a day, and then no more", async () => {
    answer = (url) => (url === hook ? 500 : 200);
    await hooked({ keepMs: 30 * 24 * HOUR });
    await object.turn("t1");
    await object.pass(48 * HOUR);
    expect(notices().length).toBe(9);
    expect(await status()).toMatchObject({ state: "answered" });
    expect(new Set(notices().map(({ body }) => body)).size).toBe(1);
  });

  test("is tried through crashes, and by nobody's call", async () => {
    answer = (url) => (url === hook ? new Error("down") : 200);
    await hooked();
    await object.turn("t1");
    await settle();
    object.lose();
    answer = () => 204;
    await object.pass(2 * 60_000);
    expect(notices().length).toBe(2);
    object.lose();
    await object.pass(2 * HOUR);
    expect(notices().length).toBe(2);
  });

  test("is tried no more once the result that it speaks of is forgotten", async () => {
    answer = (url) => (url === hook ? 503 : 200);
    await hooked({ keepMs: 30_000 });
    await object.turn("t1");
    await settle();
    await object.pass(31_000);
    expect(notices().length).toBe(2);
    expect([object.storage.entries.size, object.storage.alarm]).toEqual([0, null]);
    expect(object.toldBy("forgetDeferred")).toHaveLength(1);
    await object.pass(2 * HOUR);
    expect(notices().length).toBe(2);
  });
});
