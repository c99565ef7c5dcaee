import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { History } from "../../src/dashboard/page/history.ts";
import { type Outlook, outlookOf } from "../../src/dashboard/page/outlook.ts";
import type { PoolEvent } from "../../src/scheduler/record/events.ts";
import type { FlowSnapshot, ServerSnapshot, Snapshot } from "../../src/scheduler/snapshot.ts";
import { culpritOf } from "../../src/words/condition.ts";
import { flowName } from "../../src/words/flow.ts";
import { takesRequests } from "../../src/words/phrases.ts";
import { flowWith } from "../support/snapshots.ts";
import { ago, aLease, aPool, aQuarantinedLease, aServer, drainedBy, NOW, refused } from "./snapshots.ts";

/** Whatever is advised for one of a pair makes no sense beside the other: the one explains what the other is for. */
const EXCLUSIVE = [
  ["drain", "load"],
  ["drain", "drain-over"],
  ["drain", "quarantine"],
  ["no-server", "load"],
  ["no-server", "servers-missing"],
  ["no-server", "servers-back"],
  ["no-server", "drain-over"],
  ["no-server", "quarantine"],
  ["no-server", "slow"],
  ["no-server", "broken"],
  ["servers-missing", "load"],
  ["servers-missing", "servers-back"],
  ["servers-missing", "slow"],
  ["servers-missing", "broken"],
  ["servers-back", "load"],
  ["drain-over", "load"],
  ["slow", "quarantine"],
  ["few-shards", "load"],
  ["few-shards", "drain"],
  ["few-shards", "no-server"],
  ["drain", "flows"],
  ["no-server", "flows"],
];

/** What an operator is told to do, by how it is said. */
const CURES = {
  "add slots": /add servers or slots|more slot|, or raise/i,
  "set shards": /set shards/i,
  "mend servers": /start or mend|look whether/i,
  "set servers to ready": /set \S+ to ready(?! again)/i,
  "look what servers are busy with": /look at what they are busy with/i,
  resume: /resume as soon as/i,
  extend: /extend it/i,
  deploy: /time for the deploy/i,
  wait: /wait before you deploy/i,
  "wait for quarantines to end": /every slot is in quarantine/i,
  "let one client have more in flight": /max_in_flight_per_flow may hold them back/i,
  "rely on the other servers": /serves? on;/i,
};
const CONTRADICTIONS: [keyof typeof CURES, keyof typeof CURES][] = [
  ["add slots", "mend servers"],
  ["add slots", "set shards"],
  ["set shards", "resume"],
  ["set shards", "deploy"],
  ["set shards", "wait"],
  ["add slots", "set servers to ready"],
  ["add slots", "resume"],
  ["add slots", "extend"],
  ["add slots", "deploy"],
  ["add slots", "wait"],
  ["resume", "extend"],
  ["resume", "deploy"],
  ["resume", "wait"],
  ["extend", "deploy"],
  ["extend", "wait"],
  ["deploy", "wait"],
  ["add slots", "let one client have more in flight"],
  ["wait for quarantines to end", "rely on the other servers"],
];

const seconds = (most: number) => fc.integer({ min: 0, max: most });
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });

const server: fc.Arbitrary<ServerSnapshot> = fc
  .record({
    state: fc.constantFrom("ready", "ready", "ready", "drain", "maint" as const),
    health: fc.constantFrom("up", "up", "down", "unchecked" as const),
    healthSince: maybe(seconds(300)),
    stateSince: maybe(seconds(300)),
    checked: maybe(seconds(300)),
    slots: fc.integer({ min: 0, max: 3 }),
    busy: fc.constantFrom(0, 0, 0, 1, 2),
    quarantined: fc.constantFrom(0, 0, 0, 1, 2),
    stateOwner: fc.constantFrom(undefined, "roll-42"),
  })
  .map(({ healthSince, stateSince, checked, busy, quarantined, stateOwner, ...rest }) => {
    const leases = [
      ...Array.from({ length: busy }, (_, n) => aLease(`busy ${n}`, n)),
      ...Array.from({ length: quarantined }, (_, n) => aQuarantinedLease(`shut ${n}`, n)),
    ];
    return aServer({
      ...rest,
      ...(stateOwner === undefined ? {} : { stateOwner }),
      healthSince: healthSince === null ? null : ago(healthSince),
      stateSince: stateSince === null ? null : ago(stateSince),
      lastCheck: checked === null ? null : { at: ago(checked), passed: false, got: "status 503" },
      leases,
      quarantined,
      inFlight: leases.length,
    });
  });

const CODES = ["queue-full", "queue-timeout", "no-server", "deferred-full", "bad-gateway", "server-timeout"];
const OTHERS = ["client-timeout", "flow-queue-full", "fate-unknown", "stopped", "cut-off"];
const refusal = fc
  .tuple(fc.constantFrom(...CODES, ...OTHERS), fc.integer({ min: 1, max: 9 }), seconds(90), fc.boolean())
  .map((values) => refused(...values));

const drain = fc
  .record({
    owner: fc.constantFrom("admin", "deploy-42"),
    expiresIn: seconds(300),
    since: seconds(60),
    cutsIn: fc.option(seconds(60)),
    stop: fc.option(fc.constant({ message: null })),
  })
  .map(({ owner, expiresIn, since, cutsIn, stop }) => {
    const cut = cutsIn === null ? null : { at: ago(-cutsIn), done: false };
    const { drain = null } = drainedBy(owner, expiresIn);
    return {
      state: stop ? ("stopped" as const) : ("drained" as const),
      drain: drain && { ...drain, since: ago(since), cut, stop },
    };
  });

const pool: fc.Arbitrary<Snapshot> = fc
  .record({
    drain: fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: drain }),
    servers: fc.array(server, { minLength: 1, maxLength: 4 }),
    refusals: fc.uniqueArray(refusal, {
      maxLength: 4,
      selector: ({ code, deferred }) => `${code} ${deferred}`,
    }),
    queued: fc.integer({ min: 0, max: 80 }),
    oldest: seconds(120),
    // Some have so many slots, and so short requests, that one object is not enough.
    grants: fc.constantFrom(0, 0, 10, 340),
    times: fc.constantFrom(1, 1, 8),
    crowd: maybe(fc.double({ min: 0, max: 1, noNaN: true })),
  })
  .map(({ drain, servers, refusals, queued, oldest, grants, times, crowd }) => {
    const named = servers.map((one, n) => ({ ...one, name: `web-${n + 1}`, slots: times * one.slots }));
    const inFlight = named.reduce((sum, one) => sum + one.inFlight, 0);
    return aPool({
      ...drain,
      ...("drain" in drain && inFlight > 0 ? stateOf(drain.drain) : {}),
      servers: named,
      inFlight,
      quarantined: named.reduce((sum, one) => sum + one.quarantined, 0),
      queued,
      oldestWaitMs: queued === 0 ? 0 : oldest * 1_000,
      recentRefusals: refusals,
      grantsPerSecond: grants,
      serviceMs: grants === 0 ? null : { p50: 1, p95: 1, p99: 1 },
      ...(crowd === null ? {} : { flows: flowsOf(queued, crowd) }),
    });
  });

/** Two clients, one of which has this share of what waits. */
function flowsOf(queued: number, share: number): FlowSnapshot[] {
  const most = Math.round(queued * share);
  return [flowWith({ queued: most }), flowWith({ key: null, queued: queued - most })];
}

/** While requests are in flight. */
function stateOf(drain: Snapshot["drain"]): Partial<Snapshot> {
  return { state: drain?.stop ? "stopping" : "draining" };
}

/** A list that rises, falls, or stays, with a drain somewhere in some of them. */
const history = fc
  .record({
    span: fc.constantFrom(0, 30, 70, 200, 650),
    slope: fc.constantFrom(-1, 0, 0, 0.05, 1),
    oldest: fc.constantFrom(0, 15, 45, 90),
    drainedAt: maybe(seconds(200)),
  })
  .map(({ span, slope, oldest, drainedAt }) => (last: Snapshot) => {
    const known = new History();
    for (let age = span; age >= 0; age -= 5) {
      const drained = drainedAt !== null && age > drainedAt ? drainedBy("admin") : {};
      const queued = Math.max(0, Math.round(last.queued - age * slope));
      known.addSnapshot(aPool({ queued, oldestWaitMs: oldest * 1_000, ...drained }), NOW - age * 1_000);
    }
    return known;
  });

const resume = seconds(200).map((age): PoolEvent[] => [
  { id: 1, at: ago(age), kind: "resume", by: "admin", owner: "admin", cause: "resumed" },
]);

/** Whatever a pool may be like, and what is known of its past. */
function forAnyPool(
  holds: (outlook: Outlook, pool: Snapshot) => void,
  parameters: { numRuns: number; seed?: number } = { numRuns: 1_000 },
): void {
  const events = fc.oneof(fc.constant([]), resume);
  fc.assert(
    fc.property(pool, history, events, (one, past, known) =>
      holds(outlookOf(one, "admin", NOW, past(one), known), one),
    ),
    parameters,
  );
}

describe("the advice on any pool", () => {
  test("is one piece for each cause, and none that another one explains", () => {
    forAnyPool(({ advice }) => {
      const causes = advice.map(({ cause }) => cause);
      expect(new Set(causes).size).toBe(causes.length);
      for (const pair of EXCLUSIVE) expect(causes).not.toEqual(expect.arrayContaining(pair));
    });
  });

  test("does not ask for more slots while those that there are wait for servers that are stuck", () => {
    forAnyPool(({ advice }, { servers }) => {
      const inUse = servers.filter(takesRequests);
      const causes = advice.map(({ cause }) => cause);
      const isShut = inUse.every(({ quarantined, slots }) => quarantined >= slots);
      if (causes.includes("slow") && isShut) expect(causes).not.toContain("load");
    });
  });

  test("names a client only that has most of what waits, and how much that is", () => {
    forAnyPool(({ advice }, { queued, flows = [] }) => {
      const said = /(\d+) of the (\d+) that wait are of one flow \((.+?)\)/;
      for (const { text } of advice) {
        const [, most, all, name] = said.exec(text) ?? [];
        if (name === undefined) continue;
        expect(Number(all)).toBe(queued);
        expect(Number(most)).toBeGreaterThan(queued / 2);
        expect(flows.find((flow) => flowName(flow) === name)?.queued).toBe(Number(most));
      }
    });
  });

  test("never says two things that exclude each other", () => {
    forAnyPool(({ advice }) => {
      const text = advice.map((one) => one.text).join(" ");
      for (const pair of CONTRADICTIONS)
        expect(
          pair.filter((cure) => CURES[cure].test(text)),
          text,
        ).not.toEqual(pair);
    });
  });

  test("tells of everything that was refused in the last minute, each in one place", () => {
    forAnyPool(({ advice }, { recentRefusals }) => {
      const codes = recentRefusals
        .filter(({ until }) => NOW - Date.parse(until) <= 60_000)
        .map(({ code }) => code);
      for (const code of codes)
        expect(
          advice.filter(({ text }) => text.includes(`(${code})`)),
          code,
        ).toHaveLength(1);
    });
  });

  test("is as grave as the pool's condition, and there where that is not good", () => {
    forAnyPool(({ condition, advice }) => {
      const weights = advice.map(({ weight }) => weight);
      expect(weights.includes("bad")).toBe(condition.gravity === "bad");
      if (condition.gravity === "good") expect(weights.filter((weight) => weight !== "plain")).toEqual([]);
      else expect(weights).not.toEqual([]);
    });
  });

  test("is whole sentences", () => {
    forAnyPool(({ advice }) => {
      for (const { text } of advice) {
        expect(text).toMatch(/^[\p{L}\d].*[^.]\.$/u);
        expect(text).not.toMatch(/undefined|null|NaN|Infinity|\.\.|\. [a-z]|: \.|\s{2}/);
      }
    });
  });
});

test("what this test makes up has every kind of trouble, and none", () => {
  const seen = new Set<string>();
  const culprits = new Set<string>();
  forAnyPool(
    ({ condition, advice }, { recentRefusals }) => {
      seen.add(condition.words.replace(/\d of \d/, "n of n"));
      for (const { cause } of advice) seen.add(cause);
      for (const refusal of recentRefusals) culprits.add(culpritOf(refusal));
    },
    { numRuns: 3_000, seed: 1 },
  );
  const running =
    "Running, No server, Refusing, Failing, n of n servers, Quarantined, Queue grows, Long waits";
  const drained = "Drained; Draining; Drained, n of n servers; Draining, no server; Drained, refusing";
  const words = [...running.split(", "), ...drained.split("; ")];
  expect([...seen]).toEqual(expect.arrayContaining([...words, ...EXCLUSIVE.flat()]));
  expect(culprits.size).toBe(4);
});
