import { beforeEach, describe, expect, test } from "vitest";
import type { CheckResult } from "../../../src/scheduler/fleet/health.ts";
import type { Question } from "../../../src/scheduler/record/outbox.ts";
import { Scheduler } from "../../../src/scheduler/scheduler.ts";
import { snapshotOf } from "../../../src/scheduler/snapshot.ts";
import { cutOff, DONE, reported } from "../ends.ts";
import { settings } from "../settings.ts";

const CHECK = { path: "/health", interval: "2s", timeout: "1s", rise: 1, fall: 1 };
let scheduler: Scheduler;

function start(keys: Record<string, unknown> = {}, count = 1): void {
  const servers = Array.from({ length: count }, (_, n) => ({ name: `s${n}`, url: `http://s${n}.example` }));
  scheduler = new Scheduler(settings({ servers, check: CHECK, ...keys }), null, 0);
}

/** A request that comes and goes at once: the pool has work. */
function work(now: number): void {
  scheduler.enter({ id: `work-${now}` }, now);
  scheduler.end(`work-${now}`, DONE, now);
}

function asked(now: number): readonly Question[] {
  do scheduler.tick(now);
  while (scheduler.nextTick() <= now);
  return scheduler.takeChanges().questions;
}

function checkOf(questions: readonly Question[]): string {
  const [question] = questions;
  if (question?.kind !== "check") throw new Error(`no check in ${JSON.stringify(questions)}`);
  return question.id;
}

beforeEach(() => start());

describe("health checks", () => {
  test("begin with the pool's first work, and not before", () => {
    expect(asked(0)).toEqual([]);
    expect(scheduler.nextTick()).toBe(Number.POSITIVE_INFINITY);
    work(10);
    expect(asked(10)).toMatchObject([{ kind: "check", server: "s0", url: "http://s0.example/health" }]);
  });

  test("come at their interval, and end a minute after the last work", () => {
    work(0);
    let last = 0;
    for (let now = 0; now < 300_000; now += 500) {
      const questions = asked(now);
      if (questions.length === 0) continue;
      scheduler.checked(checkOf(questions), reported("passed"), now);
      scheduler.takeChanges();
      last = now;
    }
    expect(last).toBe(58_000);
    expect(scheduler.nextTick()).toBe(Number.POSITIVE_INFINITY);
  });

  test("begin when an operator changes a server, and tell when it was asked and how it took it", () => {
    scheduler.changeServer("s0", { state: "drain" }, "me", 100);
    const [server] = scheduler.servers;
    expect(server?.lastCheck).toBeNull();
    scheduler.checked(checkOf(scheduler.takeChanges().questions), reported("passed"), 130);
    expect(server?.lastCheck).toEqual({ at: 100, passed: true, got: "passed" });
    scheduler.checked(checkOf(asked(2_200)), reported("failed"), 2_300);
    expect(server?.lastCheck).toEqual({ at: 2_200, passed: false, got: "failed" });
  });

  test("hold the slot, so that a request waits for their end", () => {
    work(0);
    const id = checkOf(asked(0));
    scheduler.enter({ id: "t1" }, 5);
    expect(scheduler.takeChanges().decisions).toMatchObject([{ kind: "queued" }]);
    expect(scheduler.inFlight).toBe(0);
    scheduler.checked(id, reported("passed"), 10);
    expect(scheduler.takeChanges().decisions).toMatchObject([{ kind: "grant", ticket: "t1" }]);
  });

  test("wait while the server has no free slot, and are made when it has one", () => {
    scheduler.enter({ id: "t1" }, 0);
    expect([...asked(0), ...asked(2_000), ...asked(4_000)]).toEqual([]);
    scheduler.end("t1", DONE, 5_000);
    expect(scheduler.takeChanges().questions).toHaveLength(1);
  });

  test("are at most four at a time", () => {
    start({}, 10);
    work(0);
    const first = asked(0);
    expect(first).toHaveLength(4);
    scheduler.checked(checkOf(first), reported("passed"), 1);
    expect(scheduler.takeChanges().questions).toHaveLength(1);
  });

  test("that time out close the slot: their server may still be at it", () => {
    start({ server_timeout: "1m", quarantine: { max: "20s" } });
    work(0);
    scheduler.checked(checkOf(asked(0)), reported("timeout"), 1_000);
    scheduler.enter({ id: "t1" }, 1_000);
    expect(asked(20_999)).toEqual([]);
    expect(asked(23_000)).toHaveLength(1);
    expect(scheduler.queued).toBe(1);
  });

  test("that time out and end after all open their slot then, and not after the longest quarantine", () => {
    start({ server_timeout: "1m", quarantine: { max: "1m" } });
    work(0);
    const id = checkOf(asked(0));
    scheduler.checked(id, reported("timeout"), 1_000);
    expect(asked(3_000)).toEqual([]);
    scheduler.checkedLate(id, reported("passed"), 3_500);
    // Late is too late for its health all the same.
    expect(scheduler.servers[0]?.health.status).toBe("down");
    expect(asked(5_000)).toHaveLength(1);
  });

  test("are followed by the cooldown, as any request", () => {
    start({ cooldown: "50ms" });
    work(0);
    scheduler.tick(50);
    scheduler.checked(checkOf(asked(2_000)), reported("passed"), 2_003);
    scheduler.enter({ id: "t1" }, 2_010);
    expect(scheduler.inFlight).toBe(0);
    scheduler.tick(2_052);
    expect(scheduler.queued).toBe(1);
    scheduler.tick(2_053);
    expect(scheduler.queued).toBe(0);
  });

  test.each([
    [20, 700],
    [100, 100],
  ])("come to each of %d servers in turn, even where they take too long for all", (count, tookMs) => {
    start({}, count);
    const checked = new Set<string>();
    let open: { id: string; server: string; endsAt: number }[] = [];
    scheduler.enter({ id: "busy" }, 0);
    for (let now = 0; now < 60_000; now += 100) {
      for (const { id, server } of open.filter(({ endsAt }) => endsAt <= now)) {
        scheduler.checked(id, reported("passed"), now);
        checked.add(server);
      }
      open = open.filter(({ endsAt }) => endsAt > now);
      scheduler.renew("busy", now);
      scheduler.tick(now);
      for (const question of scheduler.takeChanges().questions) {
        if (question.kind === "check") open.push({ ...question, endsAt: now + tookMs });
      }
    }
    // All but the one that is busy.
    expect(checked.size).toBe(count - 1);
  });

  test.each(["broken", "timeout"] as const)("that end %s leave a drained pool drained", (result) => {
    start({ quarantine: { broken: "1s", max: "20s" } }, 2);
    work(0);
    scheduler.drain({ owner: "deploy", by: "me", reason: null, expiresAt: 60_000 }, 0);
    for (const question of asked(0)) scheduler.checked(checkOf([question]), reported(result), 10);
    const { state, inFlight, quarantined, servers } = snapshotOf("web", scheduler, 10);
    expect({ state, inFlight, quarantined }).toEqual({ state: "drained", inFlight: 0, quarantined: 0 });
    expect(servers.map(({ health, leases }) => [health, leases])).toEqual([
      ["down", []],
      ["down", []],
    ]);
    expect(scheduler.journal.since(-1).map(({ kind }) => kind)).not.toContain("quarantine");
  });
});

describe("with slot = false, health checks", () => {
  const BESIDE = { ...CHECK, slot: false };
  beforeEach(() => start({ check: BESIDE, cooldown: "50ms" }));

  test("are sent at each interval to a server that has no slot free, and no ticket waits for one", () => {
    scheduler.enter({ id: "t1" }, 0);
    expect(scheduler.takeChanges().decisions).toMatchObject([{ kind: "grant", ticket: "t1" }]);
    const ids = [0, 2_000, 4_000].map((now) => {
      const id = checkOf(asked(now));
      scheduler.checked(id, reported("passed"), now + 10);
      return id;
    });
    expect(new Set(ids).size).toBe(3);
    scheduler.enter({ id: "t2" }, 4_010);
    const id = checkOf(asked(6_000));
    scheduler.end("t1", { how: "unused" }, 6_001);
    expect(scheduler.takeChanges().decisions.at(-1)).toMatchObject({ kind: "grant", ticket: "t2" });
    scheduler.checked(id, reported("passed"), 6_010);
    expect(scheduler.inFlight).toBe(1);
  });

  test("are one at a time, count for health, and say when it was asked", () => {
    start({ check: { ...BESIDE, fall: 2 } });
    scheduler.enter({ id: "t1" }, 0);
    const first = checkOf(asked(0));
    expect(asked(9_000)).toEqual([]);
    scheduler.checked(first, reported("timeout"), 9_010);
    expect(scheduler.servers[0]?.health.status).toBe("unchecked");
    scheduler.checked(checkOf(scheduler.takeChanges().questions), reported("failed"), 9_020);
    expect(scheduler.servers[0]?.health.status).toBe("down");
    expect(scheduler.servers[0]?.lastCheck).toEqual({ at: 9_010, passed: false, got: "failed" });
    scheduler.checked(first, reported("passed"), 9_030);
    expect(scheduler.servers[0]?.health.status).toBe("down");
  });

  test("are not in flight: no drain waits for one, and the ledger has nothing of it", () => {
    work(0);
    scheduler.checked(checkOf(asked(50)), reported("passed"), 60);
    scheduler.takeChanges();
    scheduler.tick(2_050);
    const { questions, slots } = scheduler.takeChanges();
    expect([questions.length, slots.size]).toEqual([1, 0]);
    scheduler.drain({ owner: "deploy", by: "me", reason: null, expiresAt: 60_000 }, 2_060);
    expect(snapshotOf("web", scheduler, 2_060).state).toBe("drained");
    scheduler.checked(checkOf(questions), reported("timeout", true), 3_000);
    expect(scheduler.takeChanges().slots.size).toBe(0);
  });

  test("of a server that refused, and is up again, free what is in quarantine, as ever", () => {
    start({ check: BESIDE, server_timeout: "1h" });
    scheduler.enter({ id: "hung" }, 0);
    const first = checkOf(asked(0));
    scheduler.checked(first, reported("passed"), 10);
    scheduler.end("hung", { how: "timeout" }, 100);
    scheduler.checked(checkOf(asked(2_000)), reported("refused"), 2_010);
    expect(scheduler.inFlight).toBe(1);
    scheduler.checked(checkOf(asked(4_000)), reported("passed"), 4_010);
    expect(scheduler.inFlight).toBe(0);
  });
});

test("a check that was not read to its end closes the slot as a cancelled request does", () => {
  start({ quarantine: { cancel: "3s" } });
  work(0);
  scheduler.checked(checkOf(asked(0)), reported("passed", true), 10);
  expect(scheduler.servers[0]?.health.status).toBe("up");
  scheduler.enter({ id: "t1" }, 20);
  asked(3_009);
  expect([scheduler.queued, scheduler.inFlight]).toEqual([1, 0]);
  asked(3_010);
  expect(scheduler.queued + scheduler.inFlight).toBe(1);
});

describe("what a check got", () => {
  test("is shown in the snapshot", () => {
    work(0);
    scheduler.checked(checkOf(asked(0)), { result: "failed", got: "status 301", cutOff: false }, 10);
    expect(snapshotOf("web", scheduler, 20).servers[0]?.lastCheck).toEqual({
      at: "1970-01-01T00:00:00.000Z",
      passed: false,
      got: "status 301",
    });
  });

  test("is no answer, where nobody reports one", () => {
    start({ check: { ...CHECK, timeout: "1500ms" } });
    work(0);
    asked(0);
    asked(2_500);
    expect(scheduler.servers[0]?.lastCheck).toEqual({ at: 0, passed: false, got: "no answer within 1500ms" });
  });
});

describe("under a queue that never ends, health checks", () => {
  let now = 0;
  let arrived = 0;
  /** What the only slot went to, and when: `r` a request, `c` a check. */
  let story: string[] = [];

  /** Plays until `end`: a request takes `requestMs`, and a check `checkMs`, answered like this. */
  function play(end: number, { requestMs = 100, checkMs = 10, result = "passed" as CheckResult } = {}) {
    const ends: { at: number; end: () => void }[] = [];
    const look = () => {
      const { decisions, questions } = scheduler.takeChanges();
      for (const question of questions) {
        if (question.kind !== "check") continue;
        story.push(`c${now}`);
        ends.push({ at: now + checkMs, end: () => scheduler.checked(question.id, reported(result), now) });
      }
      for (const decision of decisions) {
        if (decision.kind !== "grant") continue;
        story.push(`r${now}`);
        ends.push({
          at: now + requestMs,
          end: () => scheduler.end(decision.ticket, { how: "done", status: 500 }, now),
        });
      }
    };
    while (now < end) {
      while (scheduler.queued < 3) scheduler.enter({ id: `t${arrived++}` }, now);
      look();
      ends.sort((a, b) => a.at - b.at);
      const next = Math.min(ends[0]?.at ?? end, scheduler.nextTick(), end);
      now = Math.max(now, next);
      if (ends[0]?.at === now) ends.shift()?.end();
      else scheduler.tick(now);
      look();
    }
  }

  beforeEach(() => {
    [now, arrived, story] = [0, 0, []];
  });

  test("go before the next request once they are overdue, and no more often than their interval", () => {
    play(4_500);
    const checks = story.filter((one) => one.startsWith("c"));
    expect(checks).toEqual(["c100", "c2110", "c4120"]);
    expect(story.slice(0, 4)).toEqual(["r0", "c100", "r110", "r210"]);
  });

  test("bring a server down that answers its requests, and only checks", () => {
    start({ check: { ...CHECK, fall: 2 } });
    play(3_000, { result: "failed" });
    expect(scheduler.servers[0]?.health.status).toBe("down");
    expect(story.filter((one) => one.startsWith("c"))).toHaveLength(2);
    expect(story.at(-1)).toMatch(/^c/);
  });

  test.each([
    ["0s", 250],
    ["150ms", 150],
  ])(
    "that take longer than their interval let a request go before the next, with a cooldown of %s",
    (cooldown, checkMs) => {
      start({ cooldown, check: { ...CHECK, interval: "200ms", timeout: "1s" } });
      play(3_000, { checkMs });
      expect(story.join(" ").replaceAll(/\d+/g, "")).toMatch(/^r( c r)+( c)?$/);
    },
  );

  test("that are not answered at all do not cost a victim in between", () => {
    start({ server_timeout: "1m", check: { ...CHECK, fall: 3 }, quarantine: { max: "20s" } });
    play(90_000, { checkMs: 1_000, result: "timeout" });
    expect(story.join(" ").replaceAll(/\d+/g, "")).toMatch(/^r( c){3,}$/);
    expect(scheduler.servers[0]?.health.status).toBe("down");
  });

  test("take one slot of a server that has several, and the others serve on", () => {
    start({ slots: 4 });
    for (let n = 0; n < 10; n++) scheduler.enter({ id: `t${n}` }, 0);
    scheduler.tick(1_000);
    scheduler.takeChanges();
    for (let n = 0; n < 4; n++) scheduler.end(`t${n}`, DONE, 3_000);
    const { decisions, questions } = scheduler.takeChanges();
    expect(questions).toHaveLength(1);
    expect(decisions).toHaveLength(3);
  });

  test("leave a slot to those who wait while four others are under way", () => {
    start({}, 5);
    for (let n = 0; n < 10; n++) scheduler.enter({ id: `t${n}` }, 0);
    scheduler.takeChanges();
    for (let n = 0; n < 5; n++) scheduler.end(`t${n}`, DONE, 3_000);
    const { decisions, questions } = scheduler.takeChanges();
    expect(questions).toHaveLength(4);
    expect(decisions).toMatchObject([{ kind: "grant", ticket: "t5" }]);
    // And when the fifth has a slot again, its turn has come.
    scheduler.checked(checkOf(questions), reported("passed"), 3_010);
    scheduler.takeChanges();
    scheduler.end("t5", DONE, 3_020);
    expect(scheduler.takeChanges().questions).toHaveLength(1);
  });

  test("follow a request that took longer than the pool is looked after without one", () => {
    scheduler.enter({ id: "t0" }, 0);
    scheduler.enter({ id: "t1" }, 0);
    scheduler.takeChanges();
    scheduler.renew("t0", 590_000);
    scheduler.end("t0", DONE, 600_000);
    expect(scheduler.takeChanges().questions).toHaveLength(1);
  });
});

describe("a server whose slots are all in quarantine", () => {
  test("is not asked how it is, but its requests' silence counts: the third in a row brings it down", () => {
    start({ slots: 3, server_timeout: "1m", check: { ...CHECK, fall: 3 } });
    for (const id of ["t0", "t1", "t2"]) scheduler.enter({ id }, 0);
    for (const id of ["t0", "t1", "t2"]) scheduler.end(id, { how: "timeout" }, 60_000);
    expect(scheduler.servers[0]?.health.status).toBe("down");
    expect(asked(61_000)).toEqual([]);
    expect(scheduler.nextTick()).toBe(120_000);
  });

  test.each(["broken", "unreachable", "timeout"] as const)(
    "is down for what it did, though the clients had left by then: %s",
    (how) => {
      start({ slots: 3, check: { ...CHECK, fall: 3 } });
      for (const id of ["t0", "t1", "t2"]) scheduler.enter({ id }, 0);
      for (const id of ["t0", "t1", "t2"]) scheduler.end(id, { how, clientLeft: true }, 60_000);
      expect(scheduler.servers[0]?.health.status).toBe("down");
    },
  );

  test.each(["longest", "client", "stalled", "early", "lost"] as const)(
    "is not held to be down for what was no fault of its own: %s",
    (cause) => {
      start({ slots: 3 });
      for (const id of ["t0", "t1", "t2"]) scheduler.enter({ id }, 0);
      for (const id of ["t0", "t1", "t2"]) scheduler.end(id, cutOff(cause), 60_000);
      expect(scheduler.servers[0]?.health.status).toBe("unchecked");
    },
  );
});

test("a server that an operator takes back into service is checked before it gets a request", () => {
  start();
  work(0);
  scheduler.checked(checkOf(asked(0)), reported("passed"), 1);
  scheduler.changeServer("s0", { state: "maint" }, "me", 2);
  expect(asked(10_000)).toEqual([]);
  scheduler.enter({ id: "t1" }, 20_000);
  scheduler.takeChanges();
  scheduler.changeServer("s0", { state: "ready" }, "me", 20_100);
  const { decisions, questions } = scheduler.takeChanges();
  expect([decisions, questions.length]).toEqual([[], 1]);
  scheduler.checked(checkOf(questions), reported("passed"), 20_110);
  expect(scheduler.takeChanges().decisions).toMatchObject([{ kind: "grant", ticket: "t1" }]);
});

test("a check's id is another one in each instance of the pool", () => {
  const ids = [1, 2].map(() => {
    start();
    work(0);
    return checkOf(asked(0));
  });
  expect(new Set(ids).size).toBe(2);
});

describe("a server that comes up again", () => {
  const keys = { slots: 2, server_timeout: "1h", check: { ...CHECK, fall: 2 } };
  const hang = (id: string, now: number) => {
    scheduler.enter({ id }, now);
    scheduler.end(id, { how: "timeout" }, now + 100);
  };

  test("and had refused a connection has restarted: its quarantined slots are free", () => {
    start(keys);
    hang("hung", 0);
    scheduler.checked(checkOf(asked(2_000)), reported("refused"), 2_100);
    expect(scheduler.servers[0]?.health.status).toBe("down");
    expect(scheduler.inFlight).toBe(1);
    scheduler.checked(checkOf(asked(4_000)), reported("passed"), 4_100);
    expect(scheduler.inFlight).toBe(0);
  });

  test.each(["failed", "broken", "timeout"] as const)(
    "and was only not ready, not there or silent (%s) keeps them closed: it may be the same",
    (result) => {
      start(keys);
      hang("hung", 0);
      const id = checkOf(asked(2_000));
      scheduler.checked(id, reported(result), 2_100);
      scheduler.checkedLate(id, reported("passed"), 2_200);
      expect(scheduler.servers[0]?.health.status).toBe("down");
      scheduler.checked(checkOf(asked(4_000)), reported("passed"), 4_100);
      expect(scheduler.servers[0]?.health.status).toBe("up");
      expect(scheduler.inFlight).toBe(1);
    },
  );

  test("keeps closed what it was given after it had refused: the one that restarted works on that", () => {
    start({ ...keys, check: { ...CHECK, fall: 3 }, slots: 3, quarantine: { broken: "1s" } });
    hang("before", 0);
    scheduler.checked(checkOf(asked(2_000)), reported("refused"), 2_100);
    expect(scheduler.servers[0]?.health.status).toBe("unchecked");
    hang("after", 2_200);
    expect(scheduler.servers[0]?.health.status).toBe("down");
    scheduler.checked(checkOf(asked(4_000)), reported("passed"), 4_100);
    expect([...(scheduler.servers[0]?.occupiedSlots() ?? [])].map(({ lease }) => lease)).toEqual(["after"]);
  });

  test("keeps them closed if it only took too long to answer: it may have been busy all the time", () => {
    start({ ...keys, check: { ...CHECK, fall: 2 } });
    hang("hung", 0);
    const late = checkOf(asked(2_000));
    scheduler.checked(late, reported("timeout"), 3_000);
    scheduler.checkedLate(late, reported("passed"), 3_500);
    expect(scheduler.servers[0]?.health.status).toBe("down");
    scheduler.checked(checkOf(asked(4_000)), reported("passed"), 4_100);
    expect(scheduler.servers[0]?.health.status).toBe("up");
    expect(scheduler.inFlight).toBe(1);
  });

  test("and was never down keeps them closed", () => {
    start({ slots: 2, server_timeout: "1h" });
    scheduler.enter({ id: "hung" }, 0);
    scheduler.end("hung", { how: "timeout" }, 100);
    scheduler.checked(checkOf(asked(2_000)), reported("passed"), 2_100);
    expect(scheduler.inFlight).toBe(1);
  });
});

describe("a probe", () => {
  const keys = { check: undefined, server_timeout: "1h", quarantine: { probe: "/idle" }, slots: 2 };

  test("asks a second after a slot was closed, again while the server is busy, and opens the slot", () => {
    start(keys);
    scheduler.enter({ id: "hung" }, 0);
    scheduler.end("hung", { how: "client" }, 0);
    expect(asked(999)).toEqual([]);
    expect(asked(1_000)).toMatchObject([{ kind: "probe", url: "http://s0.example/idle", askedAt: 1_000 }]);
    scheduler.probed("http://s0.example", false, 1_000, 1_050);
    expect(scheduler.inFlight).toBe(1);
    expect(asked(2_050)).toHaveLength(1);
    scheduler.probed("http://s0.example", true, 2_050, 2_060);
    expect(scheduler.inFlight).toBe(0);
    expect(asked(10_000)).toEqual([]);
  });

  test("asks sooner about a request that was cancelled, though not at once, and then ever less often", () => {
    start({ ...keys, on_client_abort: "cancel", quarantine: { probe: "/idle", cancel: "1s" } });
    scheduler.enter({ id: "cancelled" }, 0);
    scheduler.end("cancelled", { how: "client" }, 0);
    expect(asked(249)).toEqual([]);
    expect(asked(250)).toHaveLength(1);
    scheduler.probed("http://s0.example", false, 250, 250);
    expect(asked(749)).toEqual([]);
    expect(asked(750)).toHaveLength(1);
    expect(scheduler.inFlight).toBe(1);
    scheduler.probed("http://s0.example", true, 750, 760);
    expect(scheduler.inFlight).toBe(0);
  });

  test.each([
    ["1s", "0s", 1_000],
    ["1s", "3s", 3_000],
    ["5s", "3s", 5_000],
  ])(
    "that stays away leaves a cancelled request's slot closed: cancel %s, cooldown %s",
    (cancel, cooldown, ms) => {
      start({ check: undefined, on_client_abort: "cancel", cooldown, quarantine: { cancel } });
      scheduler.enter({ id: "cancelled" }, 0);
      scheduler.end("cancelled", { how: "client" }, 0);
      expect(scheduler.nextTick()).toBe(ms);
    },
  );

  test("opens no slot that was closed after it was asked", () => {
    start(keys);
    scheduler.enter({ id: "one" }, 0);
    scheduler.enter({ id: "two" }, 0);
    scheduler.end("one", { how: "client" }, 0);
    asked(1_000);
    scheduler.end("two", { how: "client" }, 1_020);
    scheduler.probed("http://s0.example", true, 1_000, 1_050);
    expect(scheduler.inFlight).toBe(1);
  });
});
