import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { eventStream } from "../../../src/admin/events/event-stream.ts";
import type { Env } from "../../../src/link/env.ts";
import type { News, Seen } from "../../../src/link/protocol.ts";
import type { PoolEvent } from "../../../src/scheduler/record/events.ts";

/** Fake timers, and the parts of the platform that streams need. */
beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("IdentityTransformStream", class extends TransformStream {});
  const wait = (ms: number, { signal }: { signal?: AbortSignal } = {}) =>
    new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, ms);
      signal?.addEventListener("abort", () => {
        clearTimeout(timer);
        reject(signal.reason);
      });
    });
  vi.stubGlobal("scheduler", { wait });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

let pools = 0;

/** A pool's object with news at each look. */
class BusyPool {
  readonly name = `pool-${++pools}`;
  readonly locationHint = null;
  readonly asked: number[] = [];
  /** Sessions that are open, and all sessions. */
  sessions = 0;
  begun = 0;
  failing = false;
  /** It accepts every call and never answers. */
  hanging = false;
  readonly #events: PoolEvent[] = [];

  get env(): Env {
    const look = async (seen: Seen | null, history = false) => {
      if (this.hanging) await new Promise(() => {});
      return { ...this.#look(seen), ...(history ? { history: `{"asked":${this.asked.length}}` } : {}) };
    };
    const end = () => {
      this.sessions--;
    };
    const watch = async () => {
      this.sessions++;
      this.begun++;
      return { look, [Symbol.dispose]: end };
    };
    return { POOL: { getByName: () => ({ watch }) } } as unknown as Env;
  }

  happen(): void {
    const id = this.#events.length + 1;
    this.#events.push({ id, at: new Date().toISOString(), kind: "drained" });
  }

  #look(seen: Seen | null): News {
    this.asked.push(Date.now());
    if (this.failing) throw new Error("gone");
    return {
      seen: { instance: "one", events: this.#events.length, snapshot: this.asked.length },
      events: this.#events.slice(seen?.events ?? 0),
      snapshot: JSON.stringify({ n: this.asked.length }),
    };
  }
}

async function open(pool: BusyPool) {
  const client = new AbortController();
  const request = new Request("http://sluice.test/", { signal: client.signal });
  const { body } = await eventStream(pool.env, pool, request);
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  const read = async () => {
    const { done, value } = await reader.read();
    if (done) throw new Error("the stream has ended");
    return decoder.decode(value);
  };
  return { leave: () => client.abort(), read };
}

/** Reads without a pause. */
async function follow(pool: BusyPool) {
  const watcher = await open(pool);
  const got: string[] = [];
  const one = { ...watcher, got, ended: false };
  void (async () => {
    for (;;) got.push(await watcher.read());
  })().catch(() => {
    one.ended = true;
  });
  return one;
}

const seconds = (count: number) => vi.advanceTimersByTimeAsync(1_000 * count);

describe("watchers served by one isolate", () => {
  test("have their pool asked once a second, however many they are", async () => {
    const pool = new BusyPool();
    const crowd = [];
    for (let n = 0; n < 100; n++) {
      crowd.push(await follow(pool));
      await vi.advanceTimersByTimeAsync(7);
    }
    pool.asked.length = 0;
    await seconds(20);
    expect(pool.asked.length).toBeLessThanOrEqual(21);
    expect(pool.asked.length).toBeGreaterThanOrEqual(19);
    for (const { got } of crowd) expect(got.length).toBeGreaterThanOrEqual(19);
  });

  test("go on when the one who asked for all leaves", async () => {
    const pool = new BusyPool();
    const [first, second] = [await follow(pool), await follow(pool)];
    await seconds(3);
    first.leave();
    const before = second.got.length;
    await seconds(10);
    expect(second.got.length).toBeGreaterThanOrEqual(before + 9);
  });

  test("who have all left ask no more", async () => {
    const pool = new BusyPool();
    const crowd = [await follow(pool), await follow(pool)];
    await seconds(3);
    for (const { leave } of crowd) leave();
    await seconds(1);
    const { length } = pool.asked;
    await seconds(60);
    expect(pool.asked).toHaveLength(length);
  });
});

test("a new watcher is told what the waiting list was, and a crowd that comes at once has it asked for once", async () => {
  const pool = new BusyPool();
  const first = await open(pool);
  await first.read();
  expect(await first.read()).toMatch(/^event: history\ndata: {"asked":1}\n\nevent: snapshot\n/);
  await seconds(20);
  pool.begun = 0;
  for (let n = 0; n < 50; n++) await follow(pool);
  expect(pool.begun).toBe(1);
});

test("a watcher holds one session with its pool, and begins a new one every minute, not every second", async () => {
  const pool = new BusyPool();
  await follow(pool);
  await seconds(600);
  expect(pool.asked.length).toBeGreaterThan(500);
  expect(pool.sessions).toBe(1);
  expect(pool.begun).toBeGreaterThanOrEqual(10);
  expect(pool.begun).toBeLessThanOrEqual(11);
});

test("a client that does not read is sent nothing more, and then the latest snapshot and every event", async () => {
  const pool = new BusyPool();
  const [fast, slow] = [await follow(pool), await open(pool)];
  const opening = [await slow.read(), await slow.read()];
  expect(opening.join("")).toContain("event: snapshot");
  for (let n = 0; n < 60; n++) {
    pool.happen();
    await seconds(1);
  }
  expect(fast.got.length).toBeGreaterThan(58);
  // One write was on its way, and perhaps a second one; all later news come in one write.
  const pieces = [];
  for (let piece = ""; !piece.includes("id: 60\n"); pieces.push(piece)) {
    await seconds(1);
    piece = await slow.read();
  }
  expect(pieces.length).toBeLessThanOrEqual(4);
  const ids = [...pieces.join("").matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
  expect(ids).toEqual(Array.from({ length: 60 }, (_, n) => n + 1));
});

describe("an object that cannot be reached", () => {
  test("is asked once a second, too, and told of once a second", async () => {
    const pool = new BusyPool();
    const crowd = await Promise.all([follow(pool), follow(pool), follow(pool)]);
    pool.failing = true;
    pool.asked.length = 0;
    await seconds(10);
    // Each look fails in its session, and then in a new one.
    expect(pool.asked.length).toBeLessThanOrEqual(2 * 11);
    for (const { got } of crowd) {
      const told = got.filter((text) => text.includes("event: unreachable"));
      expect(told.length).toBeGreaterThanOrEqual(9);
      expect(new Set(told).size).toBe(1);
    }
  });

  test("for long ends the stream of who asked, before the platform refuses it more sessions", async () => {
    const pool = new BusyPool();
    const [first, second] = [await follow(pool), await follow(pool)];
    pool.failing = true;
    await seconds(45);
    expect([first.ended, second.ended]).toEqual([true, false]);
    expect(pool.begun).toBeLessThan(50);
    pool.failing = false;
    await seconds(2);
    expect(second.got.at(-1)).toContain("event: snapshot");
  });

  test("and hangs is told of within seconds, and its watchers hear meanwhile that somebody is here", async () => {
    const pool = new BusyPool();
    const crowd = await Promise.all([follow(pool), follow(pool)]);
    await seconds(3);
    pool.hanging = true;
    for (const { got } of crowd) got.length = 0;
    await seconds(7);
    for (const { got } of crowd) expect(got.join("")).toContain("event: unreachable");
    for (const { got } of crowd) got.length = 0;
    await seconds(7);
    for (const { got } of crowd) expect(got.length).toBeGreaterThan(0);
    pool.hanging = false;
    await seconds(7);
    for (const { got } of crowd) expect(got.at(-1)).toContain("event: snapshot");
  });

  test("is back with a snapshot", async () => {
    const pool = new BusyPool();
    const { got } = await follow(pool);
    pool.failing = true;
    await seconds(5);
    pool.failing = false;
    await seconds(2);
    expect(got.at(-1)).toContain("event: snapshot");
    expect(got.at(-1)).not.toContain("unreachable");
  });
});
