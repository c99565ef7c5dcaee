import { describe, expect, test } from "vitest";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { snapshotOf } from "../../src/scheduler/snapshot.ts";
import type { SlotRow, SlotState } from "../../src/scheduler/terms/rows.ts";
import { DONE, reported } from "./ends.ts";
import { restoredWith, UNCUT } from "./ledger-model.ts";
import { serverAt, settings } from "./settings.ts";

const NOW = 1_000_000;
const KEYS = {
  servers: [{ name: "a", url: "http://a.example" }],
  server_timeout: "1m",
  quarantine: { max: "20s" },
};

function slot(state: SlotState, until = NOW + 5_000): SlotRow {
  const server = serverAt("a");
  const lost = state === "quarantined";
  return { server, index: 0, state, lease: "old", flow: null, hop: 0, since: NOW - 1_000, until, lost };
}

/** When the one slot is given to a request that comes right after the restart. */
function freeAt(scheduler: Scheduler): number {
  scheduler.enter({ id: "new" }, NOW);
  for (let now = NOW; now < NOW + 200_000; now = scheduler.nextTick()) {
    scheduler.tick(now);
    if (scheduler.takeChanges().decisions.some((decision) => decision.kind === "grant")) return now - NOW;
  }
  return Number.POSITIVE_INFINITY;
}

describe("after a restart, a slot that was", () => {
  test.each([
    // The holder gets the time of a whole lease to come forward, then the quarantine begins.
    ["leased", slot("leased"), 50_000],
    // It had that already.
    ["orphaned", slot("orphaned"), 25_000],
    ["quarantined", slot("quarantined"), 5_000],
    ["quarantined until before the restart", slot("quarantined", NOW - 1), 500],
    ["cut", slot("cut"), 5_000],
    // Its holder may hear of it as late as that, and then the quarantine begins.
    ["cut, with a longer quarantine than now", slot("cut", NOW + 90_000), 50_000],
    // Lost with the instance that made it, and its server may go on as with any that was cut off.
    ["with a health check", slot("checking"), 20_000],
    ["closed after a health check", slot("recovering"), 5_000],
  ])("%s is not given out before its time", (_, row, ms) => {
    expect(freeAt(new Scheduler(settings(KEYS), restoredWith({ slots: [row] }), NOW))).toBe(ms);
  });

  test.each([
    ["cooling", "10s", 5_000],
    ["cooling", "1s", 1_000],
    ["resting", "1s", 5_000],
    ["quarantined", "3s", 3_000],
    ["recovering", "3s", 3_000],
  ] as const)("%s is closed no longer than the configuration of now says, %s", (state, longest, ms) => {
    const keys = { ...KEYS, cooldown: longest, quarantine: { max: longest } };
    expect(freeAt(new Scheduler(settings(keys), restoredWith({ slots: [slot(state)] }), NOW))).toBe(ms);
  });

  test.each([
    ["its server has another name", [{ name: "b", url: "http://a.example" }]],
    ["its server's host is spelt with its last dot", [{ name: "b", url: "http://a.example." }]],
    [
      "its server's name is another's",
      [
        { name: "b", url: "http://a.example" },
        { name: "a", url: "http://b.example", backup: true },
      ],
    ],
  ])("leased stays its server's though %s", (_, servers) => {
    const scheduler = new Scheduler(
      settings({ ...KEYS, servers }),
      restoredWith({ slots: [slot("leased")] }),
      NOW,
    );
    const [renamed, ...others] = scheduler.servers;
    expect([renamed?.name, renamed?.occupied]).toEqual(["b", 1]);
    expect(others.map(({ occupied }) => occupied)).toEqual(others.map(() => 0));
    // And the ledger knows it by that.
    expect([...scheduler.takeChanges().slots].map(({ server, lease }) => [server.name, lease])).toEqual([
      ["b", "old"],
    ]);
  });

  test("leased stays with the server that it is at, though its name has moved to another", () => {
    const servers = [{ name: "a", url: "http://new.example" }];
    const scheduler = new Scheduler(
      settings({ ...KEYS, servers }),
      restoredWith({ slots: [slot("leased")] }),
      NOW,
    );
    expect(scheduler.servers.map(({ name, occupied }) => [name, occupied])).toEqual([
      ["a", 0],
      ["http://a.example", 1],
    ]);
  });

  test("resting rests no longer than any may", () => {
    const row = slot("resting", NOW + 3_600_000);
    expect(freeAt(new Scheduler(settings(KEYS), restoredWith({ slots: [row] }), NOW))).toBe(10_000);
  });

  test("leased under the id of another one is in flight as well, and neither is found instead of the other", () => {
    const other = { ...slot("quarantined"), server: serverAt("b") };
    for (const slots of [
      [slot("leased"), other],
      [other, slot("leased")],
    ]) {
      const scheduler = new Scheduler(settings(KEYS), restoredWith({ slots }), NOW);
      expect(scheduler.inFlight).toBe(2);
      scheduler.end("old", DONE, NOW + 10);
      const occupied = scheduler.servers.flatMap(({ name, occupied }) => (occupied > 0 ? [name] : []));
      expect(occupied).toEqual(["b"]);
      scheduler.tick(NOW + 5_000);
      expect(scheduler.inFlight).toBe(0);
    }
  });

  test("leased goes to the next request as soon as its holder releases it", () => {
    const scheduler = new Scheduler(settings(KEYS), restoredWith({ slots: [slot("leased")] }), NOW);
    scheduler.tick(NOW + 500);
    scheduler.enter({ id: "new" }, NOW + 510);
    scheduler.end("old", DONE, NOW + 520);
    expect(scheduler.takeChanges().decisions.map((decision) => decision.kind)).toEqual(["queued", "grant"]);
  });

  test("leased stays with its holder when it attaches again", () => {
    const scheduler = new Scheduler(settings(KEYS), restoredWith({ slots: [slot("leased")] }), NOW);
    expect(scheduler.renew("old", NOW + 25_000)).toBe(true);
    scheduler.tick(NOW + 54_999);
    expect([...(scheduler.servers[0]?.occupiedSlots() ?? [])].map((one) => one.state)).toEqual(["leased"]);
  });

  test("granted to a ticket that never heard of it is given to that ticket, and to no other", () => {
    const scheduler = new Scheduler(settings(KEYS), restoredWith({ slots: [slot("leased")] }), NOW);
    scheduler.enter({ id: "other" }, NOW);
    scheduler.enter({ id: "old", token: NOW - 2_000 }, NOW);
    const grants = scheduler.takeChanges().decisions.filter((decision) => decision.kind === "grant");
    expect(grants.map((decision) => decision.ticket)).toEqual(["old"]);
  });
});

test("tickets come back in the order of their first arrival, told their token or not, and before the new", () => {
  const scheduler = new Scheduler(settings(KEYS), restoredWith({ slots: [slot("leased")] }), NOW);
  scheduler.enter({ id: "new" }, NOW + 10);
  for (const ms of [30, 90, 60]) scheduler.enter({ id: `${ms} before`, waitedMs: ms + 20 }, NOW + 20);
  for (const ms of [40, 70])
    scheduler.enter({ id: `${ms} before, told`, token: NOW - ms, waitedMs: ms + 30 }, NOW + 30);
  scheduler.enter({ id: "newer" }, NOW + 40);
  const served: string[] = [];
  for (let lease = "old", now = NOW + 600; served.length < 7; now += 10) {
    scheduler.end(lease, DONE, now);
    scheduler.tick(now);
    for (const decision of scheduler.takeChanges().decisions) {
      if (decision.kind === "grant") served.push(decision.ticket);
    }
    lease = served.at(-1) ?? "old";
  }
  expect(served).toEqual([
    "90 before",
    "70 before, told",
    "60 before",
    "40 before, told",
    "30 before",
    "new",
    "newer",
  ]);
});

test.each([[["told", "untold"]], [["untold", "told"]]])(
  "who was told no token goes before who came later and was told one, through two restarts and a drain: back come %j",
  (order) => {
    const waitedMs = (now: number) => now - (NOW - 300);
    const first = new Scheduler(settings(KEYS), restoredWith({ slots: [slot("leased")] }), NOW);
    first.enter({ id: "untold", waitedMs: waitedMs(NOW + 10) }, NOW + 10);
    first.drain({ owner: "deploy", by: "me", reason: null, expiresAt: NOW + 60_000 }, NOW + 20);
    first.takeChanges();
    first.enter({ id: "told" }, NOW + 30);
    const [told] = first.takeChanges().decisions;
    if (told?.kind !== "queued") throw new Error("it does not wait");
    const again = {
      told: { id: "told", token: told.token, waitedMs: 70 },
      untold: { id: "untold", waitedMs: waitedMs(NOW + 100) },
    };

    const drain = first.currentDrain && { ...first.currentDrain };
    const second = new Scheduler(
      settings(KEYS),
      restoredWith({ slots: [slot("orphaned")], drain }),
      NOW + 90,
    );
    for (const id of order) second.enter(again[id as keyof typeof again], NOW + 100);
    second.end("old", DONE, NOW + 110);
    second.tick(NOW + 690);
    second.resume({ owner: "deploy", by: "me", force: "no" }, NOW + 700);
    second.end("untold", DONE, NOW + 800);
    const grants = second.takeChanges().decisions.filter(({ kind }) => kind === "grant");
    expect(grants.map(({ ticket }) => ticket)).toEqual(["untold", "told"]);
  },
);

test("a ticket whose pool was only out of its reach comes by its arrival, too, with a token or without", () => {
  const scheduler = new Scheduler(settings(KEYS), null, 0);
  scheduler.enter({ id: "t0" }, 0);
  for (const at of [1_000, 2_000, 3_000]) scheduler.enter({ id: `at ${at}` }, at);
  scheduler.enter({ id: "at 1500", waitedMs: 2_500 }, 4_000);
  scheduler.enter({ id: "at 1700", waitedMs: 2_310 }, 4_010);
  scheduler.enter({ id: "at 3500", waitedMs: 520 }, 4_020);
  scheduler.leave("at 1000", 4_025);
  scheduler.enter({ id: "at 1000 again", token: 1_000, waitedMs: 3_030 }, 4_030);
  scheduler.takeChanges();
  const served = ["t0"];
  for (let now = 5_000; scheduler.queued > 0; now++) {
    scheduler.end(served.at(-1) as string, DONE, now);
    for (const decision of scheduler.takeChanges().decisions) served.push(decision.ticket);
  }
  expect(served).toEqual(["t0", "at 1000 again", "at 1500", "at 1700", "at 2000", "at 3000", "at 3500"]);
});

test("a full list turns none away that was accepted before the restart, told its token or not", () => {
  const keys = { ...KEYS, max_queue: 1 };
  const scheduler = new Scheduler(settings(keys), restoredWith({ slots: [slot("leased")] }), NOW);
  for (const id of ["new", "one too many"]) scheduler.enter({ id }, NOW + 10);
  scheduler.enter({ id: "untold", waitedMs: 50 }, NOW + 20);
  scheduler.enter({ id: "told", token: NOW - 870, waitedMs: 900 }, NOW + 30);
  const { decisions } = scheduler.takeChanges();
  const refused = decisions.filter(({ kind }) => kind === "refuse").map(({ ticket }) => ticket);
  expect(refused).toEqual(["one too many"]);
  expect(scheduler.queued).toBe(3);
});

test("a drain goes on after a restart, with its owner and its end", () => {
  const drain = {
    ...{ owner: "deploy-42", by: "me", reason: "v2", since: NOW - 5_000, expiresAt: NOW + 5_000 },
    ...{ cutAt: NOW + 4_000, isCut: false, stop: null },
  };
  const scheduler = new Scheduler(settings(KEYS), restoredWith({ drain }), NOW);
  expect(scheduler.currentDrain).toEqual(drain);
  expect(freeAt(scheduler)).toBe(5_000);
});

test("a stop goes on after a restart, with its message", () => {
  const drain = { owner: "x", by: "me", reason: null, since: NOW - 5_000, expiresAt: NOW + 5_000, ...UNCUT };
  const stopped = { ...drain, stop: { message: "Back at nine." } };
  const scheduler = new Scheduler(settings(KEYS), restoredWith({ drain: stopped }), NOW);
  expect(snapshotOf("web", scheduler, NOW)).toMatchObject({
    state: "stopped",
    drain: { stop: stopped.stop },
  });
  // One that waited before, and one that is new.
  scheduler.enter({ id: "t1", token: NOW - 9_000 }, NOW);
  scheduler.enter({ id: "t2" }, NOW);
  const refused = { kind: "refuse", code: "stopped", message: "Back at nine." };
  expect(scheduler.takeChanges().decisions).toMatchObject([
    { ticket: "t1", ...refused },
    { ticket: "t2", ...refused },
  ]);
});

test("a drain that ended while the object was gone is over", () => {
  const drain = { owner: "x", by: "me", reason: null, since: NOW - 5_000, expiresAt: NOW - 1, ...UNCUT };
  const scheduler = new Scheduler(settings(KEYS), restoredWith({ drain }), NOW);
  expect(scheduler.currentDrain).toBeNull();
});

test("an operator's changes to a server survive", () => {
  const override = { state: "maint" as const, slots: 3, weight: 7 };
  const servers = [
    { name: "a", override, health: "unchecked" as const, stateSince: NOW - 9, healthSince: null },
  ];
  const [server] = new Scheduler(settings(KEYS), restoredWith({ servers }), NOW).servers;
  expect([server?.state, server?.slots, server?.weight]).toEqual(["maint", 3, 7]);
});

describe("with when_down = refuse, a server that was down", () => {
  const keys = { ...KEYS, when_down: "refuse", check: { path: "/health", rise: 1, fall: 1 } };
  const row = (healthSince: number | null) => ({
    name: "a",
    override: {},
    health: "down" as const,
    stateSince: null,
    healthSince,
  });
  const start = (healthSince: number | null) => {
    const scheduler = new Scheduler(settings(keys), restoredWith({ servers: [row(healthSince)] }), NOW - 500);
    // Those who waited before are all back.
    scheduler.tick(NOW);
    return scheduler;
  };
  const decisions = (scheduler: Scheduler) => scheduler.takeChanges().decisions.map(({ kind }) => kind);
  const check = (scheduler: Scheduler) => {
    scheduler.tick(NOW);
    const outbox = scheduler.takeChanges();
    const [question] = outbox.questions;
    if (question?.kind !== "check") throw new Error("no check");
    return question.id;
  };

  test("a moment ago is known to be down", () => {
    const scheduler = start(NOW - 59_999);
    scheduler.enter({ id: "t1" }, NOW);
    expect(decisions(scheduler)).toEqual(["refuse"]);
  });

  test.each([NOW - 60_000, null])(
    "at %j, and nobody looked since, is asked first: requests are held",
    (since) => {
      const scheduler = start(since);
      scheduler.enter({ id: "t1" }, NOW);
      expect(decisions(scheduler)).toEqual(["queued"]);
      scheduler.checked(check(scheduler), reported("passed"), NOW + 10);
      expect(decisions(scheduler)).toEqual(["grant"]);
    },
  );

  test("and is still, refuses those that were held, and others for the next minute", () => {
    const scheduler = start(null);
    scheduler.enter({ id: "t1" }, NOW);
    decisions(scheduler);
    scheduler.checked(check(scheduler), reported("failed"), NOW + 10);
    expect(decisions(scheduler)).toEqual(["refuse"]);
    scheduler.enter({ id: "t2" }, NOW + 60_009);
    expect(decisions(scheduler)).toEqual(["refuse"]);
    scheduler.enter({ id: "t3" }, NOW + 60_010);
    expect(decisions(scheduler)).toEqual(["queued"]);
  });
});

test("tickets that come back with their tokens get their turns again, before those who came later", () => {
  const scheduler = new Scheduler(settings(KEYS), restoredWith({ slots: [slot("leased")] }), NOW);
  scheduler.enter({ id: "late arrival" }, NOW + 10);
  for (const ms of [3, 7, 5]) scheduler.enter({ id: `${ms} before`, token: NOW - ms }, NOW + 20);
  scheduler.end("old", DONE, NOW + 30);
  const order: string[] = [];
  for (let now = NOW + 40; order.length < 4; now += 100) {
    scheduler.tick(now);
    for (const decision of scheduler.takeChanges().decisions) {
      if (decision.kind !== "grant") continue;
      order.push(decision.ticket);
      scheduler.end(decision.ticket, DONE, now);
    }
  }
  expect(order).toEqual(["7 before", "5 before", "3 before", "late arrival"]);
});

describe("a deferred request that waited", () => {
  const keys = { ...KEYS, deferred: {} };
  const waiting = (id: string, ms: number, expiresAt = NOW + 3_600_000) => {
    return { id, token: NOW - ms, waitedMs: ms, expiresAt };
  };
  const served = (scheduler: Scheduler, count: number) => {
    const granted: string[] = [];
    for (let now = NOW + 600; granted.length < count && now < NOW + 2_000; now += 10) {
      scheduler.end(granted.at(-1) ?? "old", DONE, now);
      scheduler.tick(now);
      for (const { kind, ticket } of scheduler.takeChanges().decisions)
        if (kind === "grant") granted.push(ticket);
    }
    return granted;
  };

  test("waits again without anybody coming back, at its old place among those who do", () => {
    const deferred = [waiting("d70", 70), waiting("d30", 30)];
    const scheduler = new Scheduler(settings(keys), restoredWith({ slots: [slot("leased")], deferred }), NOW);
    expect([scheduler.queued, scheduler.queuedDeferred]).toEqual([2, 2]);
    expect(["d70", "d30"].map((id) => scheduler.placeOf(id))).toEqual([1, 2]);
    scheduler.enter({ id: "new" }, NOW);
    scheduler.enter({ id: "90 before, untold", waitedMs: 100 }, NOW + 10);
    scheduler.enter({ id: "50 before, told", token: NOW - 50, waitedMs: 60 }, NOW + 10);
    expect(served(scheduler, 5)).toEqual(["90 before, untold", "d70", "50 before, told", "d30", "new"]);
  });

  test("gets no slot before those have had time to come back that may stand before it", () => {
    const slots = [slot("leased")];
    const deferred = [waiting("d", 30)];
    const scheduler = new Scheduler(settings(keys), restoredWith({ slots, deferred }), NOW);
    scheduler.end("old", DONE, NOW + 10);
    scheduler.tick(NOW + 10);
    expect(scheduler.takeChanges().decisions).toEqual([]);
    scheduler.tick(NOW + 500);
    expect(scheduler.takeChanges().decisions).toMatchObject([
      { kind: "grant", ticket: "d", token: NOW - 30 },
    ]);
  });

  test("is given up at its time, and at once if that came while the object was gone", () => {
    const deferred = [waiting("over", 90, NOW - 1), waiting("soon", 70, NOW + 5_000)];
    const restored = restoredWith({ slots: [slot("leased")], deferred });
    const scheduler = new Scheduler(settings({ ...keys, queue_timeout: "50ms" }), restored, NOW);
    const refused = () =>
      scheduler
        .takeChanges()
        .decisions.map((decision) => [decision.ticket, decision.kind === "refuse" && decision.code]);
    expect(refused()).toEqual([["over", "queue-timeout"]]);
    scheduler.tick(NOW + 4_999);
    expect(refused()).toEqual([]);
    expect(scheduler.nextExpiry).toBe(NOW + 5_000);
    scheduler.tick(NOW + 5_000);
    expect(refused()).toEqual([["soon", "queue-timeout"]]);
  });

  test("is not counted as accepted once more, nor does it fill the list for direct ones", () => {
    const deferred = [waiting("d1", 70), waiting("d2", 30)];
    const restored = restoredWith({ slots: [slot("leased")], deferred });
    const scheduler = new Scheduler(settings({ ...keys, max_queue: 1 }), restored, NOW);
    scheduler.enter({ id: "direct" }, NOW + 10);
    expect(scheduler.takeChanges().decisions).toMatchObject([{ kind: "queued", ticket: "direct" }]);
    expect(scheduler.totals).toMatchObject({ accepted: 1, refused: {} });
  });

  test("goes before whoever comes in the very moment of the restart, though its clock was ahead", () => {
    const deferred = [waiting("d", -5_000)];
    const scheduler = new Scheduler(settings(keys), restoredWith({ slots: [slot("leased")], deferred }), NOW);
    scheduler.enter({ id: "new" }, NOW);
    expect([scheduler.placeOf("d"), scheduler.placeOf("new")]).toEqual([1, 2]);
  });

  test.each([
    ["asked", ["d"]],
    ["drained", []],
  ])(
    "for a server that is still out with when_down = refuse, and deferred.when = %s: refused are %j",
    (when, ids) => {
      const row = { name: "a", override: { state: "maint" as const }, health: "unchecked" as const };
      const servers = [{ ...row, stateSince: NOW - 9, healthSince: null }];
      const restored = restoredWith({ servers, deferred: [waiting("d", 30)] });
      const scheduler = new Scheduler(
        settings({ ...keys, when_down: "refuse", deferred: { when } }),
        restored,
        NOW,
      );
      const refused = scheduler.takeChanges().decisions.map(({ ticket }) => ticket);
      expect(refused).toEqual(ids);
      expect(scheduler.queued).toBe(1 - ids.length);
    },
  );

  test("was granted a slot of which its object has not heard: with another ticket it has its turn again", () => {
    const scheduler = new Scheduler(settings(keys), restoredWith({ slots: [slot("leased")] }), NOW);
    scheduler.enter({ id: "new" }, NOW + 10);
    scheduler.enter({ ...waiting("old again", 30), waitedMs: 430 }, NOW + 400);
    scheduler.end("old", { how: "unused", retried: true }, NOW + 400);
    scheduler.takeChanges();
    // Others may be on their way back as well.
    scheduler.tick(NOW + 899);
    expect(scheduler.takeChanges().decisions).toEqual([]);
    scheduler.tick(NOW + 900);
    scheduler.end("old again", DONE, NOW + 1_000);
    expect(scheduler.takeChanges().decisions.map(({ ticket }) => ticket)).toEqual(["old again", "new"]);
    expect(scheduler.totals).toMatchObject({ accepted: 1, retried: 1, abandoned: 0 });
  });
});

test("nobody is dispatched while tickets are still coming back, and that ends 2 s after the restart at the latest", () => {
  const scheduler = new Scheduler(
    settings(KEYS),
    restoredWith({ slots: [slot("quarantined", NOW - 1)] }),
    NOW,
  );
  for (let ms = 0; ms < 1_990; ms += 30) {
    scheduler.tick(NOW + ms);
    scheduler.enter({ id: `${ms} before`, token: NOW - ms }, NOW + ms);
  }
  expect(scheduler.takeChanges().decisions.filter((decision) => decision.kind === "grant")).toEqual([]);
  scheduler.tick(NOW + 2_000);
  expect(scheduler.takeChanges().decisions.filter((decision) => decision.kind === "grant")).toHaveLength(1);
});

test("an idle pool starts without any delay", () => {
  expect(freeAt(new Scheduler(settings(KEYS), restoredWith(), NOW))).toBe(0);
});

describe("a server that left the configuration", () => {
  const gone = { ...slot("leased"), server: serverAt("gone") };

  test("finishes its leases, takes nothing new, and goes", () => {
    const scheduler = new Scheduler(settings(KEYS), restoredWith({ slots: [gone] }), NOW);
    expect(scheduler.servers.map((server) => server.name)).toEqual(["a", "gone"]);
    expect(scheduler.changeServer("gone", { state: "ready" }, "me", NOW)).toBe(false);
    scheduler.end("old", DONE, NOW + 500);
    expect(scheduler.servers.map((server) => server.name)).toEqual(["a"]);
  });
});
