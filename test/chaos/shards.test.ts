/** What is judged otherwise of a pool of several objects: each of these judgements can fail, too. */
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { ClientKind } from "./clients/plan.ts";
import { HeldSlots } from "./held-slots.ts";
import { Journal, type Sent } from "./journal.ts";
import { planKills } from "./kills.ts";
import { jobPlan, requestPlan } from "./plans.ts";
import {
  drawSettings,
  hasHomes,
  longestLeaseMs,
  longestLostMs,
  MAX_QUEUE,
  POOLS,
  type Settings,
} from "./pool.ts";
import { Random } from "./random.ts";
import { schedule } from "./schedule.ts";
import { refusalFault } from "./verdict.ts";

const SHARDS = 4;
const random = new Random(1);
const drawn = drawSettings(random, "finish", []);
const unlimited = {
  flow: "header:x-client",
  max_queue_per_flow: undefined,
  max_in_flight_per_flow: undefined,
};
const sharded: Settings = { ...drawn, ...unlimited, shards: SHARDS, when_down: "hold" };
const homed: Settings = { ...sharded, max_queue_per_flow: 60 };
/** One whose leases are not passed on. */
const apart: Settings = { ...sharded, cooldownMs: 20 };

let journal: Journal;
function play(settings: Settings): void {
  journal = new Journal(settings, { latelyMs: 0 });
}
beforeEach(() => {
  vi.useFakeTimers();
  return () => vi.useRealTimers();
});

const kinds = () => journal.broken.map(({ promise }) => promise);

let number = 0;
function send(kind: ClientKind = "stays"): Sent {
  const plan = requestPlan(random, `test-${++number}`, journal.settings, kind);
  return journal.send({ ...plan, flow: "a", aheadMs: 0 });
}

function arrive(sent: Sent): void {
  journal.begin(sent, "web-1", jobPlan(random, sent.plan, 0, journal.settings));
}

const store = (sent: Sent) => journal.accepted(sent, `id of ${sent.plan.id}`, async () => true);

/** One waits, and another one that came much later has a server. */
async function overtake(kind: ClientKind, then: (first: Sent) => void = () => {}): Promise<void> {
  const first = send(kind);
  if (kind === "defers") store(first);
  then(first);
  await vi.advanceTimersByTimeAsync(3_000);
  const later = send(kind);
  if (kind === "defers") store(later);
  arrive(later);
  await vi.advanceTimersByTimeAsync(2_000);
}

function loseOne(): void {
  const loss = journal.beginLoss(1);
  loss.to = journal.now();
}

function gainServers(): void {
  journal.ownersAre([0, undefined]);
  journal.ownersAre([0, 1]);
}

describe("order", () => {
  test("is judged where a client's requests are all at one shard", async () => {
    play(homed);
    await overtake("stays");
    expect(kinds()).toEqual(["order"]);
  });

  test("is not where nobody knows at which shard one waits, but of stored ones, which are all at the first", async () => {
    play(sharded);
    await overtake("stays");
    expect(kinds()).toEqual([]);
    await overtake("defers");
    expect(kinds()).toEqual(["order"]);
  });

  test.for([
    ["has become another number of shards", () => journal.hasShards(2)],
    ["had one that was not reached", loseOne],
    ["has a shard more with servers", gainServers],
  ] as const)("is not shortly after the pool %s", async ([, happen]) => {
    play(homed);
    await overtake("stays", happen);
    expect(kinds()).toEqual([]);
    await vi.advanceTimersByTimeAsync(10_000);
    await overtake("stays");
    expect(kinds()).toEqual(["order"]);
  });
});

describe("a slot", () => {
  const since = () => new Date().toISOString();
  function held(shard: number): (forMs: number) => void {
    const slots = new HeldSlots(journal);
    const taken = since();
    return (forMs) => {
      vi.advanceTimersByTime(forMs);
      slots.look([
        { name: "web-1", shard, leases: [{ id: "1", since: taken, quarantined: false } as never] },
      ]);
    };
  }

  test("is held for longer by as much as its own shard was out of reach, and not another one", () => {
    for (const [lost, broken] of [
      [1, []],
      [2, ["slot"]],
    ] as const) {
      play(apart);
      const hold = held(1);
      hold(0);
      const loss = journal.beginLoss(lost);
      vi.advanceTimersByTime(2_000);
      loss.to = journal.now();
      hold(longestLeaseMs(apart));
      expect(kinds()).toEqual(broken);
      hold(1);
      expect(kinds()).toEqual(["slot"]);
    }
  });

  test("is lost for longer by a crash of its own shard, and not of another one", () => {
    for (const [crashed, broken] of [
      [1, []],
      [2, ["slot"]],
    ] as const) {
      play(apart);
      const hold = held(1);
      hold(0);
      journal.kills.push({ from: journal.now(), to: journal.now(), isolates: [1] });
      vi.advanceTimersByTime(20_000);
      journal.crashed(journal.now(), crashed);
      hold(longestLostMs(apart));
      expect(kinds()).toEqual(broken);
    }
  });
});

test("a request is refused only if as many lists are full as it asks", () => {
  for (const [settings, least] of [
    [sharded, 0.8 * MAX_QUEUE],
    [{ ...sharded, when_down: "refuse" as const }, MAX_QUEUE / SHARDS],
    [homed, MAX_QUEUE / SHARDS],
  ] as const) {
    play(settings);
    const sent = send();
    const fault = () => refusalFault("queue-full", 503, sent, journal);
    for (let n = 0; n < least / 2; n++) send();
    expect(fault()).toBe("queue-full without a cause");
    for (let n = 0; n < least / 2; n++) send();
    expect(fault()).toBeNull();
  }
});

describe("what is drawn for shards", () => {
  const seeds = Array.from({ length: 60 }, (_, seed) => seed);
  const settingsOf = (shards?: number) =>
    seeds.flatMap((seed) => POOLS.map((pool) => drawSettings(new Random(seed).fork(pool), pool, [], shards)));

  test("has no pool that stores requests and limits the slots of each client, which is refused", () => {
    const all = settingsOf(3);
    const limited = all.filter(({ max_in_flight_per_flow: most }) => most !== undefined);
    expect(limited.length).toBeGreaterThan(5);
    expect(limited.some(({ storesRequests }) => storesRequests)).toBe(false);
    expect(all.filter(hasHomes).some(({ storesRequests }) => storesRequests)).toBe(true);
  });

  test("leaves all else as it is with one object", () => {
    const plain = schedule(new Random(5), 60_000);
    expect(plain.some(({ what }) => what === "lose")).toBe(false);
    const apart = schedule(new Random(5), 60_000, { shards: 8 });
    const rest = apart.filter(({ what }) => what !== "lose");
    expect(rest.map((one) => ({ ...one, shard: null }))).toEqual(
      plain.map((one) => ({ ...one, shard: null })),
    );
    expect(new Set(apart.flatMap((one) => ("shard" in one ? [one.shard] : []))).size).toBe(8);
    const times = (shards: number) => planKills(new Random(7), 600_000, 2, shards).map(({ atMs }) => atMs);
    expect(times(8)).toEqual(times(1));
    expect(planKills(new Random(7), 600_000, 1).some(({ shards }) => shards !== undefined)).toBe(false);
  });
});
