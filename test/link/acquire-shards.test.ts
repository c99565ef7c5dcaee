import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { acquireLease } from "../../src/link/acquire.ts";
import type { Env } from "../../src/link/env.ts";
import type { EnterRequest, Granted, NotGranted } from "../../src/link/protocol.ts";
import { shardNamed } from "../../src/link/shards.ts";
import { poolOf } from "../config/support.ts";

// The platform's own, which Node has elsewhere.
beforeEach(() => void vi.stubGlobal("scheduler", { wait: async () => {} }));
afterEach(() => void vi.unstubAllGlobals());

type Answer = Granted | NotGranted;

const REFUSED: NotGranted = { granted: false, code: "no-server" };
const ENDLESS: NotGranted = { granted: false, code: "stopped" };
const granted = (shard: number): Granted => ({
  granted: true,
  server: { name: `s${shard}`, url: `http://s${shard}.example`, binding: null },
  token: 7,
  tellEnd: "at once",
});
const elsewhere = (to: number | null, more: Partial<NotGranted> = {}): NotGranted => {
  return { granted: false, code: "elsewhere", to, ...more };
};

/** Asks a pool whose configuration here has so many shards. `answer`: what each of them says. */
async function ask(
  shards: number,
  answer: (shard: number, request: EnterRequest) => Answer,
  keys: Record<string, unknown> = {},
): Promise<{ asked: number[]; requests: EnterRequest[]; outcome: string }> {
  const asked: number[] = [];
  const requests: EnterRequest[] = [];
  const getByName = (name: string) => ({
    enter: async (request: EnterRequest) => {
      const { shard } = shardNamed(name);
      asked.push(shard);
      requests.push(structuredClone(request));
      return asked.length > 500 ? ENDLESS : answer(shard, request);
    },
    leave: async () => {},
    end: async () => {},
  });
  const name = `p-${crypto.randomUUID()}`;
  const pool = poolOf(
    { [name]: { servers: [{ name: "a", url: "http://a.example" }], shards, ...keys } },
    name,
  );
  const request = { pool, client: new AbortController().signal, inBackground: () => {} };
  const env = { POOL: { getByName } } as unknown as Env;
  const lease = acquireLease(env, request, { waitedMs: 0, flow: "f" });
  const outcome = await lease.then(
    ({ server, clock }) => {
      clock.stop();
      return server.name;
    },
    ({ code, message }) => code ?? message,
  );
  return { asked, requests, outcome };
}

describe("a request of a pool of several shards", () => {
  test("goes to the shard that it is told to, without the token that another one gave it", async () => {
    const { asked, requests, outcome } = await ask(4, (shard) =>
      shard === 2 ? granted(2) : elsewhere(2, { sentOn: true, token: 5 }),
    );
    expect(outcome).toBe("s2");
    expect(asked.at(-1)).toBe(2);
    expect(requests.at(-1)?.token).toBeUndefined();
    expect(requests.at(-1)?.sentOn).toBe(asked.length > 1 ? true : undefined);
  });

  test("does so where the configuration here has one shard only, as in a deploy that turns it into several", async () => {
    const { asked, outcome } = await ask(1, (shard) =>
      shard === 3 ? granted(3) : elsewhere(3, { sentOn: true }),
    );
    expect([asked, outcome]).toEqual([[0, 3], "s3"]);
  });

  test("asks all shards for a server before it is refused, each once, and the last one without another after it", async () => {
    const { asked, requests, outcome } = await ask(6, (_, { mayAskAnother }) =>
      mayAskAnother ? elsewhere(null) : REFUSED,
    );
    expect(outcome).toBe("no-server");
    expect([...asked].sort()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(requests.map(({ mayAskAnother }) => mayAskAnother ?? false)).toEqual([
      ...[true, true, true, true, true, false],
    ]);
  });

  test("asks four at most whether their lists have a place", async () => {
    const full: NotGranted = { granted: false, code: "queue-full" };
    const { asked, outcome } = await ask(20, (_, { mayAskAnother }) =>
      mayAskAnother ? elsewhere(null, { isFull: true }) : full,
    );
    expect([asked.length, outcome]).toEqual([4, "queue-full"]);
  });

  test("ends, whatever shards there are meanwhile, and whoever of them sends it on", async () => {
    const world = fc.record({
      known: fc.integer({ min: 1, max: 9 }),
      members: fc.integer({ min: 1, max: 9 }),
      picks: fc.infiniteStream(fc.nat(1_000)),
      isCounted: fc.boolean(),
      hasPlace: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(world, async ({ known, members, picks, isCounted, hasPlace }) => {
        const pick = () => picks.next().value as number;
        const limits = isCounted ? { flow: "address", max_queue_per_flow: 9 } : {};
        const { asked, outcome } = await ask(
          known,
          (shard, { mayAskAnother, sentOn = false }) => {
            // It has a place on one list at most: with the token that it has from there.
            const more = { sentOn: hasPlace && !sentOn };
            if (shard >= members) return elsewhere(isCounted ? null : pick() % members, more);
            return mayAskAnother ? elsewhere(null) : REFUSED;
          },
          limits,
        );
        expect(outcome).toBe("no-server");
        expect(asked.length).toBeLessThanOrEqual(4 * Math.max(known, members));
      }),
      { numRuns: 300 },
    );
  });
});
