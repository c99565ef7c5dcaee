import "../../support/without-platform.ts";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { Line } from "../../../src/link/line.ts";
import { settings } from "../settings.ts";
import { PassingWorld, watchLines } from "./passing-world.ts";

const who = fc.nat(1_000);
const server = fc.constantFrom("a", "b");
const some = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary });

/** One thing that happens, beside what requests do by themselves. */
const happening = fc.oneof(
  some(
    20,
    fc.record({
      what: fc.constant("arrive" as const),
      where: fc.nat(3),
      count: fc.integer({ min: 1, max: 6 }),
      wants: fc.constant({}),
    }),
  ),
  some(
    4,
    fc.record({
      what: fc.constant("arrive" as const),
      where: fc.nat(3),
      count: fc.constant(1),
      wants: fc.record({ aheadMs: fc.integer({ min: -500, max: 500 }) }),
    }),
  ),
  some(
    2,
    fc.record({
      what: fc.constant("arrive" as const),
      where: fc.nat(3),
      count: fc.constant(2),
      wants: fc.record({ patienceMs: fc.nat(2_000) }),
    }),
  ),
  some(20, fc.record({ what: fc.constant("pass" as const), ms: fc.nat(60) })),
  some(8, fc.record({ what: fc.constant("pass" as const), ms: fc.nat(1_500) })),
  some(1, fc.record({ what: fc.constant("pass" as const), ms: fc.nat(40_000) })),
  some(5, fc.record({ what: fc.constant("leave" as const), who })),
  some(2, fc.record({ what: fc.constant("defer" as const) })),
  some(
    2,
    fc.record({
      what: fc.constant("drain" as const),
      wanted: fc.record(
        { forMs: fc.integer({ min: 1, max: 20_000 }), cutMs: fc.nat(5_000), stops: fc.boolean() },
        { requiredKeys: ["forMs", "stops"] },
      ),
    }),
  ),
  some(3, fc.record({ what: fc.constant("resume" as const) })),
  some(
    3,
    fc.record({
      what: fc.constant("changeServer" as const),
      server,
      state: fc.constantFrom("ready" as const, "ready" as const, "drain" as const, "maint" as const),
      cut: fc.option(fc.nat(3_000), { nil: undefined }),
    }),
  ),
  some(2, fc.record({ what: fc.constant("setUp" as const), server, isUp: fc.boolean() })),
);

/** And what takes away what nobody can count. */
const disaster = fc.oneof(
  some(2, fc.record({ what: fc.constant("crash" as const), downMs: fc.nat(400) })),
  some(2, fc.record({ what: fc.constant("vanish" as const), who })),
  some(1, fc.record({ what: fc.constant("killIsolate" as const), who })),
  some(2, fc.record({ what: fc.constant("look" as const) })),
  some(2, fc.record({ what: fc.constant("freeLease" as const), who })),
);
type Happening = typeof happening | typeof disaster extends fc.Arbitrary<infer T> ? T : never;

const base = { server_timeout: "20s", queue_timeout: "1m", quarantine: { max: "20s", broken: "100ms" } };
const CHECK = { path: "/health", interval: "1s", rise: 1, fall: 2 };
const CONFIGS = [
  settings({ ...base }),
  settings({ ...base, slots: 3 }),
  settings({ ...base, check: CHECK }),
  settings({
    ...base,
    slots: 2,
    check: CHECK,
    balance: "leastconn",
    quarantine: { ...base.quarantine, probe: "/idle" },
  }),
  settings({ ...base, cooldown: "50ms" }),
  settings({ ...base, check: { ...CHECK, slot: false }, max_queue: 4, when_down: "refuse" }),
];

const histories = (events: fc.Arbitrary<Happening>) =>
  fc.record({
    config: fc.nat(CONFIGS.length - 1),
    seed: fc.nat(),
    isolates: fc.integer({ min: 1, max: 4 }),
    events: fc.array(events, { maxLength: 80, size: "max" }),
  });

async function play(world: PassingWorld, event: Happening): Promise<void> {
  switch (event.what) {
    case "arrive":
      for (let n = 0; n < event.count; n++) world.arrive(event.where, event.wants);
      break;
    case "pass":
      await world.pass(event.ms);
      break;
    case "drain":
      world.drain(event.wanted);
      break;
    case "changeServer":
      world.changeServer(event.server, event.state, event.state === "ready" ? undefined : event.cut);
      break;
    case "setUp":
      world.setUp(event.server, event.isUp);
      break;
    case "crash":
      world.crash(event.downMs);
      break;
    case "leave":
    case "vanish":
    case "killIsolate":
    case "freeLease":
      world[event.what](event.who);
      break;
    default:
      world[event.what]();
  }
}

let undo = () => {};
let passes = 0;

async function playAll({
  config,
  seed,
  isolates,
  events,
}: {
  config: number;
  seed: number;
  isolates: number;
  events: readonly Happening[];
}) {
  const world = new PassingWorld(CONFIGS[config] as (typeof CONFIGS)[number], seed, isolates, (globals) => {
    for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
  });
  try {
    for (const event of events) await play(world, event);
    await world.comeToRest();
    passes += world.passes;
  } finally {
    vi.unstubAllGlobals();
  }
}

beforeAll(() => {
  undo = watchLines(Line);
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterAll(() => {
  undo();
  vi.restoreAllMocks();
});

describe("with leases that are passed on in several isolates, and messages that are late and overtake each other,", () => {
  test("no server has more requests than slots, nobody is overtaken, all are answered and counted", async () => {
    await fc.assert(fc.asyncProperty(histories(happening), playAll), { numRuns: 150 });
    expect(passes).toBeGreaterThan(100);
  });

  test("that holds through crashes of the object and of isolates, and of requests that vanish, and no slot stays closed for nobody", async () => {
    const events = fc.oneof(some(8, happening), some(1, disaster));
    await fc.assert(fc.asyncProperty(histories(events), playAll), { numRuns: 150 });
  });
});
