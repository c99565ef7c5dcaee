import assert from "node:assert/strict";
import * as fc from "fast-check";
import type { CheckResult } from "../../src/scheduler/fleet/health.ts";
import { CUT_OFFS } from "./ends.ts";
import { settings } from "./settings.ts";
import type { World } from "./world.ts";

/** What the pool may crash in. `store`: it has written no more than that the request is stored. */
const CRASHES = ["arrive", "release", "defer", "store", "retry", "stop"] as const;

/** What some requests bring along. There are few flows, so that they meet. */
const asks = fc.record(
  {
    flow: fc.constantFrom("x", "y", "z"),
    aheadMs: fc.oneof(fc.integer({ min: -20_000, max: 20_000 }), fc.constantFrom(-3_600_000, 3_600_000)),
    patienceMs: fc.oneof(fc.nat(500), fc.nat(90_000)),
    deferAfterMs: fc.oneof(fc.nat(500), fc.nat(60_000)),
  },
  { requiredKeys: [] },
);

/** One thing that happens; numbers pick the Worker it happens to. */
const happening = fc.oneof(
  { weight: 4, arbitrary: fc.record({ what: fc.constant("arrive" as const) }) },
  { weight: 4, arbitrary: fc.record({ what: fc.constant("arrive" as const), asks }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("arrive" as const), lateMs: fc.nat(3_000), asks }) },
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant("defer" as const),
      forMs: fc.oneof(fc.integer({ min: 1_000, max: 60_000 }), fc.constant(3_600_000)),
      asks,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant("storeAfterWait" as const),
      who: fc.nat(),
      forMs: fc.oneof(fc.integer({ min: 1_000, max: 60_000 }), fc.constant(3_600_000)),
    }),
  },
  { weight: 6, arbitrary: fc.record({ what: fc.constant("release" as const), who: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant("leave" as const), who: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("giveBack" as const), who: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("decline" as const), who: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant("cutOff" as const),
      who: fc.nat(),
      cause: fc.constantFrom(...CUT_OFFS),
      clientLeft: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant("renew" as const), who: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant("retry" as const),
      who: fc.nat(),
      elsewhere: fc.boolean(),
      restMs: fc.nat(1_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant("busy" as const),
      who: fc.nat(),
      elsewhere: fc.boolean(),
      restMs: fc.nat(20_000),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constant("answer" as const),
      which: fc.nat(),
      result: fc.constantFrom<CheckResult>("passed", "passed", "failed", "refused", "broken", "timeout"),
      cutOff: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant("answerLate" as const),
      which: fc.nat(),
      result: fc.constantFrom<CheckResult>("passed", "failed", "refused", "broken", "timeout"),
      cutOff: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ what: fc.constant("comeBack" as const), who: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("repeat" as const), who: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("repeatEnd" as const), who: fc.nat() }) },
  {
    weight: 4,
    arbitrary: fc.record({ what: fc.constant("advance" as const), ms: fc.integer({ min: 1, max: 60_000 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ what: fc.constant("advance" as const), ms: fc.integer({ min: 1, max: 200 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant("drain" as const),
      owner: fc.constantFrom("x", "y"),
      wanted: fc.record(
        {
          forMs: fc.integer({ min: 1, max: 100_000 }),
          cutMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 120_000 })),
          stops: fc.boolean(),
          extend: fc.boolean(),
        },
        { requiredKeys: ["forMs"] },
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant("resume" as const),
      owner: fc.constantFrom("x", "y"),
      force: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant("changeServer" as const),
      name: fc.constantFrom("a", "b", "x", "nobody"),
      patch: fc.record(
        {
          state: fc.constantFrom("ready" as const, "ready" as const, "drain" as const, "maint" as const),
          slots: fc.integer({ min: 1, max: 4 }),
          weight: fc.integer({ min: 0, max: 5 }),
          cut: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 60_000 })),
        },
        { requiredKeys: [] },
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant("register" as const),
      name: fc.constantFrom("a", "c", "x", "y", "z"),
      at: fc.constantFrom("a", "c", "x", "y"),
      slots: fc.option(fc.integer({ min: 1, max: 3 })),
      forMs: fc.option(fc.integer({ min: 1, max: 60_000 })),
      renews: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant("deregister" as const),
      name: fc.constantFrom("b", "c", "x", "y", "z"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("freeLease" as const), who: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("scrape" as const) }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant("wake" as const) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("restart" as const), config: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant("crash" as const),
      during: fc.constantFrom(...CRASHES),
      who: fc.nat(),
      config: fc.nat(),
    }),
  },
);
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

const base = {
  server_timeout: "40s",
  queue_timeout: "5m",
  quarantine: { max: "20s", broken: "1s" },
  deferred: {},
};
const a = { name: "a", url: "http://a.example" };
const b = { name: "b", url: "http://b.example" };
const d = { name: "d", url: "http://d.example" };
const CHECK = { path: "/health", interval: "1s", rise: 2, fall: 2 };
const PROBED = { ...base.quarantine, probe: "/idle" };
const REGISTER = { urls: ["*"] };
const WAKE = { url: "https://scale.example" };
/** Clients share its servers' time. */
const SHARED = settings({
  ...base,
  flow: "address",
  check: CHECK,
  quarantine: PROBED,
  register: REGISTER,
  wake: WAKE,
});
const CONFIGS = [
  settings({ ...base, check: CHECK, quarantine: PROBED, register: REGISTER, wake: WAKE }),
  settings({ ...base, slots: 2, balance: "leastconn", cooldown: "50ms", check: CHECK, register: REGISTER }),
  settings({ ...base, balance: "first", max_queue: 3, servers: [a, { ...b, slots: 3, backup: true }] }),
  settings({
    ...base,
    balance: "random",
    when_down: "refuse",
    on_client_abort: "cancel",
    servers: [{ ...a, weight: 3 }, b],
    register: { urls: ["*"], max: 2 },
  }),
  settings({ ...base, when_down: "refuse", check: CHECK, max_queue: 2, deferred: { when: "asked", max: 3 } }),
  settings({
    ...base,
    when_down: "refuse",
    check: CHECK,
    max_queue: 4,
    deferred: { when: "drained", max: 5 },
  }),
  // All its servers come by themselves.
  settings({ ...base, servers: [], register: REGISTER, check: CHECK, quarantine: PROBED, wake: WAKE }),
  settings({ ...base, servers: [], register: REGISTER, slots: 2, when_down: "refuse", wake: WAKE }),
  // Server b has left the configuration, c has come.
  settings({ ...base, servers: [a, { name: "c", url: "http://c.example" }], deferred: undefined }),
  // The same servers under other names.
  settings({
    ...base,
    servers: [
      { ...a, name: "b" },
      { ...b, name: "a" },
    ],
  }),
  settings({
    ...base,
    servers: [{ ...a, name: "c" }, b],
    check: CHECK,
    quarantine: { max: "3s", broken: "1s" },
  }),
  settings({
    ...base,
    balance: "hash:cookie:sid",
    slow_start: "10s",
    quarantine: { ...PROBED, max: "50s" },
    check: CHECK,
    servers: [{ ...a, slots: 2 }, b, { name: "c", url: "http://c.example", weight: 3 }],
  }),
  settings({
    ...base,
    balance: "hash:path",
    slow_start: "1m",
    when_down: "refuse",
    servers: [{ ...a, weight: 0 }, b, { name: "c", url: "http://c.example" }, { ...d, backup: true }],
  }),
  settings({ ...base, check: { ...CHECK, slot: false }, quarantine: PROBED }),
  settings({ ...base, check: { ...CHECK, slot: false }, when_down: "refuse", cooldown: "50ms", slots: 2 }),
  SHARED,
  settings({ ...base, flow: "header:x-api-key", slots: 3, max_in_flight_per_flow: 1, cooldown: "50ms" }),
  settings({
    ...base,
    flow: "cookie:sid",
    slots: 2,
    max_in_flight_per_flow: 2,
    max_queue_per_flow: 2,
    max_queue: 5,
    check: CHECK,
    when_down: "refuse",
    deferred: { when: "asked", max: 6 },
    register: REGISTER,
  }),
  settings({
    ...base,
    flow: "query:key",
    balance: "hash:path",
    max_queue_per_flow: 3,
    quarantine: PROBED,
    servers: [{ ...a, slots: 2 }, b, { ...d, backup: true }],
  }),
];

export const configOf = ({ config }: { config: number }) =>
  CONFIGS[config % CONFIGS.length] as (typeof CONFIGS)[number];

function playInCrash(
  world: World,
  during: (typeof CRASHES)[number],
  who: World["workers"][number] | undefined,
) {
  if (during === "arrive") world.arrive();
  else if (during === "stop") world.drain("x", { forMs: 60_000, cutMs: 0, stops: true });
  else if (during === "defer" || during === "store") world.defer(90_000, during === "store");
  else if (who && during === "retry") world.retry(who, true, 500);
  else if (who) world.release(who);
}

/** `calm`: the pool restarts only when all is on record, and all who wait were told a token. */
export function play(world: World, event: Happening, calm = false): void {
  const who = "who" in event ? world.workers[event.who % world.workers.length] : undefined;
  switch (event.what) {
    case "arrive":
      world.arrive("lateMs" in event ? event.lateMs : 0, "asks" in event ? event.asks : {});
      break;
    case "defer":
      world.defer(event.forMs, false, event.asks);
      break;
    case "advance":
      world.advance(event.ms);
      break;
    case "drain":
      world.drain(event.owner, event.wanted);
      break;
    case "resume":
      world.resume(event.owner, event.force);
      break;
    case "changeServer":
      world.changeServer(event.name, event.patch);
      break;
    case "register":
      world.register(event);
      break;
    case "deregister":
      world.deregister(event.name);
      break;
    case "wake":
      world.wake();
      break;
    case "scrape":
      world.scrape();
      break;
    case "restart":
      if (calm) world.calmDown();
      world.restart(configOf(event));
      break;
    case "crash":
      if (calm) break;
      world.crash(() => playInCrash(world, event.during, who), configOf(event));
      break;
    case "answer": {
      const question = world.questions[event.which % world.questions.length];
      if (question) world.answer(question, event.result, event.cutOff);
      break;
    }
    case "answerLate": {
      const question = world.lateChecks[event.which % world.lateChecks.length];
      if (question) world.answerLate(question, event.result, event.cutOff);
      break;
    }
    case "retry":
    case "busy":
      if (who) world[event.what](who, event.elsewhere, event.restMs);
      break;
    case "storeAfterWait":
      if (who) world.storeAfterWait(who, event.forMs);
      break;
    case "cutOff":
      if (who) world.cutOff(who, event.cause, event.clientLeft);
      break;
    default:
      if (who) world[event.what](who);
  }
  world.checkLedger();
  world.checkDrain();
  world.checkClosed();
  world.checkHealth();
  world.checkRegistered();
  world.checkWoken();
  world.checkWaiting();
  world.checkFlows();
  world.checkLookedAfter();
  world.checkTotals();
}

/** Everybody does what is due: the pool must come to rest, whatever happened before, and whether or not clients share. */
export function comeToRest(world: World, shares: boolean): void {
  world.restart(shares ? SHARED : CONFIGS[0]);
  for (const worker of world.workers) world.comeBack(worker);
  world.resume("anybody", true);
  for (const name of ["a", "b"]) world.changeServer(name, { state: "ready", slots: 1, weight: 1 });
  world.deregisterAll();
  const areAllGone = () => world.workers.every(({ state }) => state === "gone");
  for (let round = 0; round < 3 * world.workers.length + 20 && !areAllGone(); round++) {
    // A check is answered before it counts as timed out.
    world.advance(1_900);
    for (const worker of world.workers) world.release(worker);
    for (const question of [...world.questions]) world.answer(question, "passed");
  }
  world.advance(60_000);
  const left = world.workers
    .filter(({ state }) => state !== "gone")
    .map(({ id, state }) => `${id}: ${state}`);
  assert.deepEqual(left, []);
  const { queued, inFlight } = world.scheduler;
  assert.deepEqual({ queued, inFlight }, { queued: 0, inFlight: 0 });
  world.checkLedger();
  world.checkTotals();
}

/** How many requests were taken in, and how many of them have ended in one way or another. */
export function takenInAndEnded(world: World): [number, number] {
  const { accepted, completed, abandoned, refused } = world.scheduler.totals;
  const failed =
    (refused["bad-gateway"] ?? 0) +
    (refused["server-timeout"] ?? 0) +
    (refused["client-timeout"] ?? 0) +
    (refused["cut-off"] ?? 0);
  const unheard = world.workers.filter((worker) => worker.leftUnheard).length;
  return [accepted, completed + abandoned + failed + world.refusedLate + unheard];
}

export const histories = fc.record({
  config: fc.nat(CONFIGS.length - 1),
  events: fc.array(happening, { maxLength: 150, size: "max" }),
});
