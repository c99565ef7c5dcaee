import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { AdminClient, ServerPatch } from "../../src/cli/client/admin-client.ts";
import type { Signals } from "../../src/cli/process/signals.ts";
import { RollServer } from "../../src/cli/roll/roll-server.ts";

const SECOND = 1_000;
/** For how long an idle pool goes on with health checks. */
const ATTENTION_MS = 60 * SECOND;

const WEB_1 = { pool: "web", name: "web-1", owner: "roll-42" };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A pool whose server `web-1` comes up after `upAfterMs`. Health checks run for a minute after a change. */
function idlePool(upAfterMs: number, stateOwner: string | null = WEB_1.owner, closedMs = 0) {
  const patches: ServerPatch[] = [];
  const began = Date.now();
  let changedAt = Number.NEGATIVE_INFINITY;
  let lastCheck: { at: string; passed: boolean } | null = null;
  const snapshot = () => {
    const now = Date.now();
    const passed = now - began >= upAfterMs;
    const isClosed = now - began < closedMs;
    if (now - changedAt < ATTENTION_MS && !isClosed) lastCheck = { at: new Date(now).toISOString(), passed };
    const health = lastCheck?.passed ? "up" : "down";
    return {
      checks: true,
      servers: [
        {
          name: "web-1",
          state: "drain",
          stateOwner,
          health,
          lastCheck,
          inFlight: 0,
          slots: 1,
          quarantined: isClosed ? 1 : 0,
        },
      ],
    };
  };
  const client = {
    pool: async () => snapshot(),
    changeServer: async (_pool: string, _server: string, patch: ServerPatch) => {
      patches.push(patch);
      const before = snapshot();
      changedAt = Date.now();
      return before;
    },
  } as unknown as AdminClient;
  const never = new AbortController().signal;
  const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const signals = { stop: never, stopSoon: never, sleep } as unknown as Signals;
  const outages = { unreachable: () => {}, reached: () => {} };
  return { patches, server: new RollServer(client, WEB_1, signals, outages) };
}

test("a server that takes minutes to come up in an idle pool is looked after all the while, and left in its state", async () => {
  const { patches, server } = idlePool(150 * SECOND);
  let up: boolean | undefined;
  void server
    .whenUp(300 * SECOND, () => {})
    .then((answer) => {
      up = answer;
    });
  for (let seconds = 0; up === undefined && seconds < 310; seconds++) {
    await vi.advanceTimersByTimeAsync(SECOND);
  }
  expect(up).toBe(true);
  expect(patches.length).toBeGreaterThan(2);
  expect(patches).toEqual(patches.map(() => ({})));
});

test("a server that another roll holds is not taken for one's own, and never put back", async () => {
  const { patches, server } = idlePool(0, "roll-41");
  const never = new AbortController().signal;
  await expect(server.putBack({ now: never, soon: never }, Date.now() + SECOND)).rejects.toThrow(
    "somebody else",
  );
  expect(patches).toEqual([]);
  expect(server.mayBeOut).toBe(false);
});

test("a server whose slots are closed after a cut is waited for until it can be checked, and then for as long as ever", async () => {
  const timeoutMs = 60 * SECOND;
  const open = idlePool(0, WEB_1.owner, 200 * SECOND).server.whenUp(timeoutMs, () => {});
  const dead = idlePool(Number.POSITIVE_INFINITY, WEB_1.owner, 200 * SECOND).server.whenUp(
    timeoutMs,
    () => {},
  );
  const ends: Record<string, number> = {};
  const began = Date.now();
  void open.then((up) => Object.assign(ends, { [`open ${up}`]: Date.now() - began }));
  void dead.then((up) => Object.assign(ends, { [`dead ${up}`]: Date.now() - began }));
  await vi.advanceTimersByTimeAsync(300 * SECOND);
  expect(Object.keys(ends)).toEqual(["open true", "dead false"]);
  expect(ends["dead false"]).toBeGreaterThan(250 * SECOND);
});
