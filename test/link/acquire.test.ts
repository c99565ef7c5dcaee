import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { acquireLease, type Claim } from "../../src/link/acquire.ts";
import { ClientLeft } from "../../src/link/client-left.ts";
import { tellDone } from "../../src/link/endings.ts";
import type { Env } from "../../src/link/env.ts";
import { HeldLease } from "../../src/link/held-lease.ts";
import type { AcquireRequest, Granted, NotGranted } from "../../src/link/protocol.ts";
import { poolOf } from "../config/support.ts";

const CRASHED = new Error("the object crashed");
const OVERLOADED = Object.assign(new Error("busy"), { overloaded: true });

/** What the pool was told, in order: `enter`, `end unused`. */
let told: string[];
let asked: AcquireRequest[];
/** How the pool takes each message; the last one counts for all that follow. */
let answers: (Granted | NotGranted | Error)[];
let endings: (Error | null)[];
let client: AbortController;
let web: string;
/** What goes on when the client has its answer. */
let later: Promise<unknown>[];

const next = <T>(list: T[]): T => (list.length > 1 ? (list.shift() as T) : (list[0] as T));
const stub = {
  enter: async (request: AcquireRequest) => {
    told.push("enter");
    asked.push(request);
    const answer = next(answers);
    if (answer instanceof Error) throw answer;
    return answer;
  },
  leave: async () => {},
  end: async (id: string, ending: string, retried: boolean) => {
    const error = next(endings);
    if (error) throw error;
    told.push(`end ${id === asked.at(-1)?.id ? "ticket" : id} ${ending}${retried ? ", retried" : ""}`);
  },
  done: async (requests: { id: string }[]) => {
    told.push(`done ${requests.map(({ id }) => id)}`);
  },
};
const env = { POOL: { getByName: () => stub } } as unknown as Env;
const granted = (server = "a"): Granted => ({
  granted: true,
  server: { name: server, url: `http://${server}.example` },
  seq: 7,
});

function poolWith(keys: Record<string, unknown> = {}) {
  return poolOf({ [web]: { servers: [{ name: "a", url: "http://a.example" }], ...keys } }, web);
}

function acquire(claim: Claim = { waitedMs: 0 }, keys: Record<string, unknown> = {}) {
  const asker = {
    pool: poolWith(keys),
    request: client,
    later: (work: Promise<unknown>) => void later.push(work),
  };
  const lease = acquireLease(env, asker, claim);
  lease.catch(() => {});
  return lease;
}

async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

beforeEach(({ task }) => {
  vi.useFakeTimers();
  // The platform's own, which Node has elsewhere.
  vi.stubGlobal("scheduler", { wait: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)) });
  vi.spyOn(console, "error").mockImplementation(() => {});
  [told, asked, later] = [[], [], []];
  [answers, endings] = [[granted()], [null]];
  client = new AbortController();
  web = `p${task.id}`;
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("a slot that was granted, and the answer got lost with the pool's object,", () => {
  test("is given back when the client has left meanwhile, as often as it takes", async () => {
    [answers, endings] = [[CRASHED], [CRASHED, CRASHED, null]];
    const lease = acquire();
    await pass(0);
    client.abort();
    await pass(50);
    await expect(lease).rejects.toThrow(ClientLeft);
    await pass(1_000);
    expect(told.at(-1)).toBe("end ticket unused");
  });

  test("is given back when the pool cannot be reached any more, and the client does not wait for that", async () => {
    [answers, endings] = [[CRASHED], [CRASHED]];
    const start = Date.now();
    const refused = acquire().catch((error) => [error.code, Date.now() - start]);
    await pass(20_000);
    expect(await refused).toEqual(["pool-unavailable", expect.closeTo(10_500, -3)]);
    endings = [null];
    await pass(1_000);
    expect(told.at(-1)).toBe("end ticket unused");
    await Promise.all(later);
  });

  test("is given back when its wait is over", async () => {
    answers = [CRASHED];
    const lease = acquire({ waitedMs: 0, seq: 3 }, { queue_timeout: "2s" });
    await pass(5_000);
    await expect(lease).rejects.toMatchObject({ code: "queue-timeout" });
    expect(told.at(-1)).toBe("end ticket unused");
  });

  test("is the request's when it asks again", async () => {
    answers = [CRASHED, granted()];
    const lease = acquire();
    await pass(100);
    expect((await lease).id).toBe(asked[0]?.id);
    await Promise.all(later);
    expect(told).toEqual(["enter", "enter"]);
  });
});

test("a pool that says that it is overloaded is left alone: it has given nothing", async () => {
  answers = [OVERLOADED];
  await expect(acquire()).rejects.toMatchObject({ code: "pool-unavailable" });
  await pass(1_000);
  expect(told).toEqual(["enter"]);
});

test("what others have ended, taken along by a request that does not come through, is told all the same", async () => {
  const alone = tellDone(env, { name: web, locationHint: null }, { id: "other", status: 200 }, "soon");
  answers = [CRASHED];
  const lease = acquire();
  await pass(0);
  client.abort();
  await pass(50);
  await expect(lease).rejects.toThrow(ClientLeft);
  await alone;
  expect(asked[0]?.done).toEqual([{ id: "other", status: 200 }]);
  expect(told).toContain("done other");
});

describe("a further attempt", () => {
  const failedAt = (now: number): Claim => {
    const lease = new HeldLease(env, poolWith(), "first", granted());
    return { waitedMs: 300, seq: 7, failed: { lease, failure: { ending: "broken" }, restsUntil: now + 40 } };
  };

  test("is on the list before the failed slot comes free, in the place that it had", async () => {
    await acquire(failedAt(Date.now()));
    expect(told).toEqual(["enter", "end first broken, retried"]);
    expect(asked[0]).toMatchObject({ seq: 7, waitedMs: 300 });
    expect(asked[0]?.retry).toEqual({ avoid: "a", rest: { server: "a", ms: 40 } });
  });

  test("names the server to be left alone where it needs no other, and for how long it still is", async () => {
    answers = [CRASHED, granted()];
    const lease = acquire(failedAt(Date.now()), { redispatch: false });
    await pass(1_000);
    await lease;
    expect(asked[0]?.retry).toEqual({ avoid: null, rest: { server: "a", ms: 40 } });
    const { ms } = asked[1]?.retry?.rest ?? {};
    expect(ms).toBeGreaterThan(0);
    expect(ms).toBeLessThanOrEqual(30);
  });
});
