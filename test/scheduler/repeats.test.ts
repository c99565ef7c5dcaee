import { describe, expect, test } from "vitest";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { snapshotOf } from "../../src/scheduler/snapshot.ts";
import type { LeaseEnd } from "../../src/scheduler/terms/lease-end.ts";
import { CUT_OFFS, cutOff, DONE, reported } from "./ends.ts";
import { LedgerModel } from "./ledger-model.ts";
import { settings } from "./settings.ts";

/** All that a holder says. That it is lost, the pool only presumes: it may still come forward. */
const ENDS: LeaseEnd[] = [
  DONE,
  { how: "unused" },
  { how: "busy", restMs: 500 },
  { how: "broken", retried: true },
  ...CUT_OFFS.filter((how) => how !== "lost").map((how) => cutOff(how)),
];

const KEYS = settings({
  servers: [{ name: "a", url: "http://a.example" }],
  check: { path: "/health", interval: "1h", fall: 2 },
  cooldown: "5s",
});

/** Everything that there is to see of the pool, its counters and its events. */
function sight(scheduler: Scheduler, now: number) {
  scheduler.journal.take(now);
  return {
    snapshot: snapshotOf("web", scheduler, 0),
    counts: scheduler.counters.counts,
    events: scheduler.journal.since(-1),
    next: scheduler.nextTick(),
  };
}

function leased(id: string): Scheduler {
  const scheduler = new Scheduler(KEYS, null, 0);
  for (const { kind, ...question } of scheduler.takeChanges().questions) {
    if (kind === "check") scheduler.checked((question as { id: string }).id, reported("passed"), 0);
  }
  scheduler.enter({ id }, 0);
  return scheduler;
}

describe("a Worker that repeats its call, because the answer was lost, changes nothing", () => {
  test.each(ENDS)("end: %o", (end) => {
    const scheduler = leased("t1");
    scheduler.end("t1", end, 10);
    const once = sight(scheduler, 5_000);
    for (const now of [10, 20, 4_000]) scheduler.end("t1", end, now);
    expect(sight(scheduler, 5_000)).toEqual(once);
  });

  test.each(ENDS)("end, to an instance that has restarted in between: %o", (end) => {
    const scheduler = leased("t1");
    scheduler.end("t1", end, 10);
    const ledger = new LedgerModel();
    ledger.write(scheduler.takeChanges(), scheduler, 10);
    ledger.writeCounts(scheduler.counters.counts);
    const restored = () => new Scheduler(KEYS, ledger.load(), 20);
    const again = restored();
    again.end("t1", end, 20);
    expect(sight(again, 20)).toEqual(sight(restored(), 20));
  });

  test.each(ENDS)("renew, which arrives after the end: %o", (end) => {
    const scheduler = leased("t1");
    scheduler.end("t1", end, 10);
    const ended = sight(scheduler, 5_000);
    expect(scheduler.renew("t1", 20)).toBe(false);
    expect(sight(scheduler, 5_000)).toEqual(ended);
  });
});

test("a holder that was presumed lost tells, also after a restart, how its lease really ended", () => {
  const scheduler = leased("t1");
  scheduler.end("t1", { how: "lost" }, 10);
  expect(scheduler.totals.abandoned).toBe(1);
  const ledger = new LedgerModel();
  ledger.write(scheduler.takeChanges(), scheduler, 10);
  ledger.writeCounts(scheduler.counters.counts);
  const restarted = new Scheduler(KEYS, ledger.load(), 20);
  restarted.end("t1", { how: "broken", retried: true }, 30);
  expect(restarted.totals).toMatchObject({ abandoned: 0, retried: 1 });
});
