import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { acquireLease, ClientLeft, type Turn } from "../../src/link/acquire.ts";
import { tellInBatch } from "../../src/link/endings.ts";
import type { Env } from "../../src/link/env.ts";
import { grantedLease, HeldLease } from "../../src/link/held-lease.ts";
import { lineOf, type Pass, Place } from "../../src/link/line.ts";
import type { Ended, EnterRequest, Granted, NotGranted, Queued, Served } from "../../src/link/protocol.ts";
import { poolOf } from "../config/support.ts";

type Answer = Granted | Served | Queued | NotGranted;

const CRASHED = new Error("the object crashed");
const OVERLOADED = Object.assign(new Error("busy"), { overloaded: true });

/** What the pool was told, in order: `enter`, `end ticket unused`. */
let told: string[];
let asked: EnterRequest[];
/** How the pool takes each message; the last one counts for all that follow. */
let answers: (Answer | Promise<Answer> | Error)[];
let endings: (Error | null)[];
let client: AbortController;
let web: string;
/** What goes on when the client has its answer. */
let later: Promise<unknown>[];

const next = <T>(list: T[]): T => (list.length > 1 ? (list.shift() as T) : (list[0] as T));
const stub = {
  enter: async (request: EnterRequest) => {
    told.push("enter");
    // As the wire does, which takes a copy.
    asked.push(structuredClone(request));
    const answer = next(answers);
    if (answer instanceof Error) throw answer;
    return answer;
  },
  leave: async (id: string) => {
    told.push(`leave ${id === asked.at(-1)?.id ? "ticket" : id}`);
  },
  end: async (ended: Ended[]) => {
    const error = next(endings);
    if (error) throw error;
    for (const { id, end } of ended) {
      const retried = "retried" in end && end.retried ? ", retried" : "";
      told.push(`end ${id === asked.at(-1)?.id ? "ticket" : id} ${end.how}${retried}`);
    }
  },
};
/** How many stubs were made. */
let stubs: number;
const getByName = () => {
  stubs++;
  return stub;
};
const env = { POOL: { getByName } } as unknown as Env;
const granted = (server = "a"): Granted => ({
  granted: true,
  server: { name: server, url: `http://${server}.example`, binding: null },
  token: 7,
  tellEnd: "at once",
});

function poolWith(keys: Record<string, unknown> = {}) {
  return poolOf({ [web]: { servers: [{ name: "a", url: "http://a.example" }], ...keys } }, web);
}

function acquire(turn: Turn = { waitedMs: 0 }, keys: Record<string, unknown> = {}) {
  const seeker = {
    pool: poolWith(keys),
    client: client.signal,
    inBackground: (work: Promise<unknown>) => void later.push(work),
  };
  const lease = acquireLease(env, seeker, turn);
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
  stubs = 0;
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
    expect(await refused).toEqual(["pool-unavailable", expect.closeTo(10_400, -3)]);
    endings = [null];
    await pass(1_000);
    expect(told.at(-1)).toBe("end ticket unused");
    await Promise.all(later);
  });

  test("is given back when its wait is over", async () => {
    answers = [CRASHED];
    const lease = acquire({ waitedMs: 0, token: 3 }, { queue_timeout: "2s" });
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

test("a request that asks again says when: its call may wait for the object to start", async () => {
  const arrivedAt = Date.now();
  answers = [CRASHED, granted()];
  const lease = acquire();
  await pass(1_000);
  await lease;
  const [first, again] = asked;
  expect(first?.sentAt).toBeUndefined();
  expect(again?.waitedMs).toBeGreaterThan(0);
  expect(again?.sentAt).toBe(arrivedAt + (again?.waitedMs ?? 0));
});

test("a pool that says that it is overloaded is left alone: it has given nothing", async () => {
  answers = [OVERLOADED];
  await expect(acquire()).rejects.toMatchObject({ code: "pool-unavailable" });
  await pass(1_000);
  expect(told).toEqual(["enter"]);
});

test("what others have ended, taken along by a request that does not come through, is told all the same", async () => {
  const other: Ended = { id: "other", end: { how: "done", status: 200 } };
  const alone = tellInBatch(env, { name: web, locationHint: null }, other, "soon");
  answers = [CRASHED];
  const lease = acquire();
  await pass(0);
  client.abort();
  await pass(50);
  await expect(lease).rejects.toThrow(ClientLeft);
  await alone;
  expect(asked[0]?.ended).toEqual([other]);
  expect(told).toContain("end other done");
});

describe("a client that leaves", () => {
  const never = new Promise<never>(() => {});
  /** What a ticket is told that has waited for a while. */
  const queued = (turn: Promise<Granted | NotGranted>) => {
    const ticket = {
      turn: () => turn,
      leave: async () => void told.push("leave by its handle"),
      [Symbol.dispose]: () => void told.push("handle dropped"),
    };
    return { granted: false, code: "queued", ticket, token: 7 } as unknown as Queued;
  };

  test("before the pool has said anything is off the list at once", async () => {
    answers = [never];
    void acquire();
    await pass(20);
    client.abort();
    expect(told).toEqual(["enter", "leave ticket"]);
  });

  test("while its request waits is off the list at once, and its ticket is dropped", async () => {
    const { promise: turn, resolve } = Promise.withResolvers<NotGranted>();
    answers = [queued(turn)];
    const lease = acquire();
    await pass(5_000);
    expect(told).toEqual(["enter"]);
    client.abort();
    expect(told).toEqual(["enter", "leave by its handle"]);
    resolve({ granted: false, code: "left" });
    await expect(lease).rejects.toThrow(ClientLeft);
    expect(told).toEqual(["enter", "leave by its handle", "handle dropped"]);
  });

  test("while the pool says that its request waits is off the list as soon as it has said so", async () => {
    const { promise: answer, resolve } = Promise.withResolvers<Queued>();
    answers = [answer];
    void acquire();
    await pass(20);
    client.abort();
    resolve(queued(never));
    await pass(0);
    expect(told).toEqual(["enter", "leave ticket", "leave by its handle"]);
  });

  test("just when its slot is granted has it given back unused", async () => {
    const { promise: answer, resolve } = Promise.withResolvers<Granted>();
    answers = [answer];
    const lease = acquire();
    await pass(20);
    client.abort();
    resolve(granted());
    await expect(lease).rejects.toThrow(ClientLeft);
    await Promise.all(later);
    expect(told).toEqual(["enter", "leave ticket", "end ticket unused"]);
  });
});

describe("a further attempt", () => {
  const failedAt = (now: number): Turn => {
    const lease = new HeldLease(env, poolWith(), grantedLease("first", granted()));
    const end = { how: "broken", retried: true } as const;
    return { waitedMs: 300, token: 7, failed: { lease, end, restsUntil: now + 40 } };
  };

  test("is on the list before the failed slot comes free, in the turn that it had", async () => {
    await acquire(failedAt(Date.now()));
    expect(told).toEqual(["enter", "end first broken, retried"]);
    // Only what is said with the same stub arrives in that order.
    expect(stubs).toBe(1);
    expect(asked[0]).toMatchObject({ token: 7, waitedMs: 300 });
    expect(asked[0]?.retry).toEqual({ server: "a", restMs: 40, avoid: true });
  });

  test("names the server to be left alone where it needs no other, and for how long it still is", async () => {
    answers = [CRASHED, granted()];
    const lease = acquire(failedAt(Date.now()), { redispatch: false });
    await pass(1_000);
    await lease;
    expect(asked[0]?.retry).toEqual({ server: "a", restMs: 40, avoid: false });
    expect(asked[1]?.retry).toMatchObject({ server: "a", avoid: false });
    const { restMs } = asked[1]?.retry ?? {};
    expect(restMs).toBeGreaterThan(0);
    expect(restMs).toBeLessThanOrEqual(30);
  });
});

describe("a client's patience", () => {
  test("is told with every try", async () => {
    answers = [CRASHED, granted()];
    const lease = acquire({ waitedMs: 0, patienceMs: 20_000 });
    await pass(1_000);
    await lease;
    expect(asked.map(({ patienceMs }) => patienceMs)).toEqual([20_000, 20_000]);
  });

  test.each([
    [{ waitedMs: 0, token: 3, patienceMs: 2_000 }, "queue-timeout", { "Preference-Applied": "wait=2" }],
    [{ waitedMs: 1_500, token: 3, patienceMs: 2_000 }, "queue-timeout", { "Preference-Applied": "wait=2" }],
    [{ waitedMs: 0, token: 3, patienceMs: 90_000 }, "queue-timeout", {}],
    [{ waitedMs: 0, patienceMs: 2_000 }, "pool-unavailable", {}],
  ])("ends with %j the tries to reach a pool that is gone: %s", async (turn, code, headers) => {
    answers = [CRASHED];
    const start = Date.now();
    const left = Math.min(turn.patienceMs, 8_000) - turn.waitedMs;
    let tookMs = 0;
    const lease = acquire(turn, { queue_timeout: "8s" });
    lease.catch(() => {
      tookMs = Date.now() - start;
    });
    await pass(20_000);
    await expect(lease).rejects.toMatchObject({ code, headers });
    expect(tookMs).toBeGreaterThanOrEqual(left);
    expect(tookMs).toBeLessThan(left + 500);
  });

  test("is named as the cause where the pool refuses for it, and not where queue_timeout is shorter", async () => {
    const outlook = { queued: 3, estimatedWaitMs: 900, retryAfterMs: 4_000 };
    answers = [{ granted: false, code: "queue-timeout", outlook }];
    const mine = { outlook, headers: { "Preference-Applied": "wait=0" } };
    await expect(acquire({ waitedMs: 0, patienceMs: 0 })).rejects.toMatchObject(mine);
    const pools = acquire({ waitedMs: 0, patienceMs: 9_000 }, { queue_timeout: "9s" });
    await expect(pools).rejects.toMatchObject({ outlook, headers: {} });
  });
});

describe("a lease that another request passes on", () => {
  const DONE = { how: "done", status: 200 } as const;
  let versions = 0;
  const callOf = (one: EnterRequest | undefined) => one?.caller?.call ?? 0;
  /** The pool says that these are next. */
  const hear = (calls: number[]) => {
    versions += 10;
    lineOf(web).hear({ version: versions, calls, notBefore: 0 });
  };
  /** Passes a lease on to the next. */
  const passToNext = () => {
    const { server, tellEnd } = granted("b");
    const times = { version: versions, passUntil: Date.now() + 10_000, renewedAt: Date.now() };
    return lineOf(web).pass({ id: "passed", server, tellEnd, hop: 2, ...times }, DONE);
  };
  /** Passes a lease on to the one who has asked last. */
  const passOn = () => {
    hear([callOf(asked.at(-1))]);
    return passToNext();
  };
  const never = new Promise<never>(() => {});

  test("is the request's at once, under its id", async () => {
    answers = [never];
    const lease = acquire();
    await pass(20);
    expect(passOn()?.to.ticket).toBe(asked[0]?.id);
    const { id, server } = await lease;
    expect([id, server.name, told]).toEqual(["passed", "b", ["enter"]]);
  });

  test("goes to nobody else of the isolate: a slot that is granted besides is given back unused", async () => {
    const { promise: answer, resolve } = Promise.withResolvers<Granted>();
    answers = [answer];
    const lease = acquire();
    await pass(20);
    passOn();
    expect((await lease).id).toBe("passed");
    resolve(granted());
    await pass(20);
    expect(told).toEqual(["enter", "end ticket unused"]);
    expect(passOn()).toBeNull();
    await Promise.all(later);
  });

  test("has the request ask no more when the pool's object crashes", async () => {
    const { promise: answer, reject } = Promise.withResolvers<Granted>();
    answers = [answer, never];
    const lease = acquire();
    await pass(20);
    passOn();
    await lease;
    reject(CRASHED);
    await pass(1_000);
    expect(told).toEqual(["enter", "end ticket unused"]);
  });

  test("and was given to somebody else, as the request went on too late, leaves it waiting", async () => {
    const { promise: answer, resolve } = Promise.withResolvers<Granted>();
    answers = [answer];
    const lease = acquire();
    await pass(20);
    const { to } = passOn() as Pass;
    to.state = "missed";
    await pass(20);
    expect(passOn()?.to).toBe(to);
    to.state = "missed";
    await pass(20);
    resolve(granted());
    expect((await lease).id).toBe(asked[0]?.id);
  });

  test("just as its client leaves goes back unused, and its ticket is not said to leave", async () => {
    answers = [never];
    const lease = acquire();
    await pass(20);
    passOn();
    client.abort();
    await expect(lease).rejects.toThrow(ClientLeft);
    await pass(20);
    expect(told).toEqual(["enter", "end passed unused"]);
  });

  test("and that fails before the pool has heard of it, has the retry wait for its token", async () => {
    const { promise: answer, resolve } = Promise.withResolvers<Served>();
    answers = [answer, granted("c")];
    const turn: Turn = { waitedMs: 0 };
    const first = acquire(turn);
    await pass(20);
    passOn();
    const lease = await first;
    turn.failed = { lease, end: { how: "broken", retried: true }, restsUntil: Date.now() };
    const second = acquire(turn);
    await pass(5);
    expect(told).toEqual(["enter"]);
    resolve({ granted: false, code: "served", token: 42 });
    await pass(5);
    expect((await second).server.name).toBe("c");
    expect(asked[1]).toMatchObject({ token: 42, retry: { server: "b" } });
  });

  test("is not for one whose pool shares by flow", async () => {
    answers = [never];
    void acquire({ waitedMs: 0 }, { flow: "header:x-client" });
    await pass(20);
    expect([asked[0]?.caller, passOn()]).toEqual([undefined, null]);
  });

  test("and was given to somebody else, while the pool's object crashed, has the request ask again", async () => {
    const { promise: answer, reject } = Promise.withResolvers<Granted>();
    answers = [answer, granted("c")];
    const lease = acquire();
    await pass(20);
    const { to } = passOn() as Pass;
    to.take = () => false;
    reject(CRASHED);
    await pass(500);
    expect((await lease).server.name).toBe("c");
  });

  test("and was given to somebody else, while the pool's object crashed, has not the slot ended that it then gets", async () => {
    const { promise: answer, reject } = Promise.withResolvers<Granted>();
    answers = [answer, granted("c")];
    const lease = acquire();
    await pass(20);
    // The runtime hands what another invocation resolves over to this one later.
    let goOn = () => {};
    const give = vi.spyOn(Place.prototype, "give").mockImplementation(function (this: Place, passed) {
      this.state = "given";
      goOn = () => {
        give.mockRestore();
        this.give(passed);
        this.state = "missed";
      };
    });
    passOn();
    reject(CRASHED);
    await pass(200);
    goOn();
    await pass(500);
    expect((await lease).id).toBe(asked[0]?.id);
    expect(asked[1]?.ended).toEqual([]);
    await Promise.all(later);
    expect(told).toEqual(["enter", "enter"]);
  });

  test("and was given to somebody else, as its client left, has its ticket leave", async () => {
    const { promise: answer, resolve } = Promise.withResolvers<NotGranted>();
    answers = [answer];
    const lease = acquire();
    await pass(20);
    const { to } = passOn() as Pass;
    client.abort();
    to.state = "missed";
    await pass(20);
    expect(told).toEqual(["enter", "leave ticket"]);
    expect(passOn()).toBeNull();
    resolve({ granted: false, code: "left" });
    await expect(lease).rejects.toThrow(ClientLeft);
  });

  test("goes to nobody before one whose call has failed and that asks again", async () => {
    const { promise: answer, reject } = Promise.withResolvers<Granted>();
    answers = [answer, never];
    void acquire();
    await pass(5);
    void acquire();
    await pass(5);
    hear(asked.map(callOf));
    reject(CRASHED);
    await pass(5);
    expect(passToNext()).toBeNull();
  });

  test.each([
    ["by its priority", { waitedMs: 0, aheadMs: 1_000 }, null],
    ["as it had waited before", { waitedMs: 500 }, null],
    ["not at all", { waitedMs: 0 }, 0],
    ["not far enough", { waitedMs: 0, aheadMs: 3 }, 0],
  ])("goes to nobody before one of its isolate that goes ahead %s", async (_, turn, to) => {
    answers = [never];
    void acquire();
    await pass(5);
    hear(asked.map(callOf));
    void acquire(turn);
    await pass(5);
    expect(passToNext()?.to.ticket).toBe(to === null ? undefined : asked[to]?.id);
  });
});
