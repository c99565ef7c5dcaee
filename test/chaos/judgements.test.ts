/** Every judgement can fail: what a broken Sluice would do is put before each. */
import { EventEmitter } from "node:events";
import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { RequestStatus } from "../../src/requests/request-status.ts";
import type { Reply } from "./clients/exchange.ts";
import type { Told } from "./clients/monitor.ts";
import type { ClientKind } from "./clients/plan.ts";
import { acceptanceFault, fateOf, summaryOf } from "./fate.ts";
import { starved } from "./flows.ts";
import { HeldSlots } from "./held-slots.ts";
import { type Job, Journal, type Promised, type Sent } from "./journal.ts";
import { type JobPlan, jobPlan, type RequestPlan, requestPlan } from "./plans.ts";
import {
  CHECK_INTERVAL_MS,
  drawSettings,
  FALL,
  longestLeaseMs,
  longestLostMs,
  longestStallMs,
  MAX_DEFERRED,
  RETRIES,
  SERVER_TIMEOUT_MS,
  STOP_MESSAGE,
} from "./pool.ts";
import { Random } from "./random.ts";
import { answerTo, sickAnswerTo } from "./servers/answers.ts";
import { judgeBody } from "./servers/bodies.ts";
import { Sickness } from "./servers/sickness.ts";
import { Work } from "./servers/work.ts";
import { Workload } from "./servers/workload.ts";
import { verdict } from "./verdict.ts";

const random = new Random(1);
const settings = drawSettings(random, "finish", []);

let journal: Journal;
beforeEach(() => {
  vi.useFakeTimers();
  journal = new Journal({ ...settings, retry_non_idempotent: false }, { latelyMs: 0 });
  return () => vi.useRealTimers();
});

const kinds = () => journal.broken.map(({ promise }): Promised => promise);

let number = 0;
function send(kind: ClientKind = "stays", changes: Partial<RequestPlan> = {}): Sent {
  const plan = requestPlan(random, `test-${++number}`, settings, kind);
  return journal.send({ ...plan, flow: "a", aheadMs: 0, ...changes });
}

function arrive(sent: Sent, changes: Partial<JobPlan> = {}): Job {
  return journal.begin(sent, "web-1", { ...jobPlan(random, sent.plan, 0, settings), ...changes });
}

/** Its 202 is here. */
function store(sent: Sent, { id = "", isQueued = async () => true } = {}): Sent {
  journal.accepted(sent, id || `id of ${sent.plan.id}`, isQueued);
  return sent;
}

/** Its object crashes, in this very moment. */
function crash(sent: Sent): void {
  sent.stored?.crashes.push({ from: journal.now(), to: journal.now() });
}

/** Of the isolates that there are, these are killed, and back at that moment. */
function kill(to = journal.now(), isolates = [0]): void {
  journal.kills.push({ from: journal.now(), to, isolates });
}

/** An operator cuts off what is in flight, in this very moment. */
function cut(): void {
  journal.beginCut(0).to = journal.now();
}

function workOf(job: Job | null): Work {
  const answering = { events: new EventEmitter(), isWhole: () => false };
  return new Work(job, new IncomingMessage(new Socket()), answering, journal, () => true);
}

describe("overlap", () => {
  test("a server has no more requests than slots", () => {
    const workload = new Workload("web-1", 1, journal);
    const first = workOf(arrive(send()));
    workload.begin(first);
    workload.end(first);
    workload.begin(workOf(arrive(send())));
    expect(kinds()).toEqual([]);
    workload.begin(workOf(arrive(send())));
    expect(kinds()).toEqual(["overlap"]);
  });

  test("after an early answer a server is at work until it has the whole upload, but for what is on its way", () => {
    const workload = new Workload("web-1", 1, journal);
    for (const [lateMs, broken] of [
      [20, []],
      [200, ["overlap"]],
    ] as const) {
      const early = workOf(arrive(send("slow upload")));
      (early.job as Job).headAt = journal.now();
      const next = workOf(arrive(send()));
      workload.begin(early);
      workload.begin(next);
      vi.advanceTimersByTime(lateMs);
      (early.job as Job).wholeAt = journal.now();
      workload.end(early);
      workload.end(next);
      vi.advanceTimersByTime(1_000);
      expect(kinds()).toEqual(broken);
    }
  });

  test("a slot whose server turned somebody away rests for as long as it said", () => {
    const workload = new Workload("web-1", 1, journal);
    workload.rest(800);
    vi.advanceTimersByTime(801);
    const work = workOf(arrive(send()));
    workload.begin(work);
    workload.end(work);
    expect(kinds()).toEqual([]);
    workload.rest(800);
    workload.begin(workOf(arrive(send())));
    expect(kinds()).toEqual(["overlap"]);
  });
});

test.for([
  [true, ["overlap"]],
  [false, []],
] as const)("a check takes a slot, or none, as the pool has it: %s", ([checksTakeSlots, broken]) => {
  journal = new Journal({ ...settings, checksTakeSlots }, { latelyMs: 0 });
  const workload = new Workload("web-1", 1, journal);
  workload.begin(workOf(arrive(send())));
  workload.begin(workOf(null));
  expect(kinds()).toEqual(broken);
});

describe("half", () => {
  test("an upload that breaks off is never whole", () => {
    const sent = send("broken upload");
    judgeBody(arrive(sent), "", sent.plan.id, journal);
    expect(kinds()).toEqual(["half"]);
  });

  test("an honest upload comes as it was sent", () => {
    const sent = send("stays", { bodyBytes: 3 });
    judgeBody(arrive(sent), sent.plan.id.slice(0, 3), sent.plan.id, journal);
    expect(kinds()).toEqual([]);
    judgeBody(arrive(send("stays", { bodyBytes: 3 })), "???", "somebody else's", journal);
    expect(kinds()).toEqual(["lost"]);
  });
});

describe("order", () => {
  test("who came much later does not go first, unless both go at the same moment", () => {
    const [early, other] = [send(), send()];
    vi.advanceTimersByTime(1_500);
    arrive(send());
    arrive(early);
    vi.advanceTimersByTime(1_000);
    expect(kinds()).toEqual([]);
    arrive(send());
    vi.advanceTimersByTime(1_000);
    expect(kinds()).toEqual(["order"]);
    expect(journal.broken[0]?.about[0]).toBe(other);
  });

  test("who was sent while the objects were gone may be overtaken by as much, and by no more", () => {
    const early = send();
    kill(journal.now() + 300);
    vi.advanceTimersByTime(1_500);
    arrive(send());
    vi.advanceTimersByTime(1_000);
    expect(kinds()).toEqual([]);
    arrive(send());
    vi.advanceTimersByTime(1_000);
    expect(kinds()).toEqual(["order"]);
    expect(journal.broken[0]?.about[0]).toBe(early);
  });

  test("a stored request is on the list once its 202 is here, and as long as Sluice says so", async () => {
    const early = [send("defers"), send("defers"), send("defers")];
    vi.advanceTimersByTime(3_000);
    arrive(send());
    await vi.advanceTimersByTimeAsync(1_000);
    for (const [index, sent] of early.entries()) store(sent, { isQueued: async () => index === 1 });
    vi.advanceTimersByTime(900);
    arrive(send());
    await vi.advanceTimersByTimeAsync(1_000);
    expect(kinds()).toEqual([]);
    // The first has ended meanwhile, and its client does not know.
    for (const _ of early) arrive(send());
    await vi.advanceTimersByTimeAsync(1_000);
    expect(kinds()).toEqual(["order"]);
    expect(journal.broken[0]?.about[0]).toBe(early[1]);
  });

  test("a retry is on the list once the operator has its answer", async () => {
    const early = store(send("defers"));
    arrive(early);
    journal.ended(early, "deferred failed bad-gateway");
    journal.beginAnew(early);
    vi.advanceTimersByTime(3_000);
    arrive(send());
    await vi.advanceTimersByTimeAsync(1_000);
    expect(kinds()).toEqual([]);
    journal.begunAnew(early);
    vi.advanceTimersByTime(1_500);
    arrive(send());
    await vi.advanceTimersByTimeAsync(1_000);
    expect(kinds()).toEqual(["order"]);
  });

  test("a stored request may have been accepted when it was sent, and overtakes nobody by that", async () => {
    const early = send("defers");
    vi.advanceTimersByTime(1_500);
    const other = send();
    vi.advanceTimersByTime(500);
    store(early, {});
    arrive(early);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(other.jobs).toEqual([]);
    expect(kinds()).toEqual([]);
  });

  test("a retry, and who came little later, overtakes nobody", () => {
    const early = send();
    vi.advanceTimersByTime(500);
    const later = send();
    arrive(later).turnedAwayAt = 0;
    vi.advanceTimersByTime(5_000);
    arrive(later);
    vi.advanceTimersByTime(1_000);
    expect(early.jobs).toEqual([]);
    expect(kinds()).toEqual([]);
  });
});

describe("order, of several clients", () => {
  const FLOWS = { ...settings, flow: "header:x-client" };

  test.for([
    ["a pool that tells clients apart", FLOWS, []],
    ["one that does not", { ...FLOWS, flow: undefined }, ["order"]],
  ] as const)("who came much later goes first only if it is another client's: %s", ([_, keys, broken]) => {
    journal = new Journal(keys, { latelyMs: 0 });
    send();
    vi.advanceTimersByTime(2_000);
    arrive(send("stays", { flow: "b" }));
    arrive(send("stays", { flow: null }));
    vi.advanceTimersByTime(1_000);
    expect(kinds()).toEqual(broken);
    arrive(send());
    vi.advanceTimersByTime(1_000);
    expect(kinds()).toEqual(["order"]);
  });

  test("a request goes as if it had come as much earlier as it goes ahead, or later", () => {
    const [early, slow] = [send(), send("stays", { aheadMs: -2_000 })];
    vi.advanceTimersByTime(2_500);
    arrive(send("stays", { aheadMs: 1_600 }));
    vi.advanceTimersByTime(1_000);
    expect(kinds()).toEqual([]);
    arrive(early);
    arrive(send());
    vi.advanceTimersByTime(1_000);
    expect(kinds()).toEqual(["order"]);
    expect(journal.broken[0]?.about[0]).toBe(slow);
    send();
    vi.advanceTimersByTime(3_500);
    arrive(send("stays", { aheadMs: 1_600 }));
    vi.advanceTimersByTime(1_000);
    expect(kinds()).toEqual(["order", "order"]);
  });
});

test("who goes ahead is not overtaken by one that may have had its slot before", () => {
  const plain = send();
  const ahead = send("stays", { aheadMs: 1_600 });
  const later = send();
  vi.advanceTimersByTime(1_500);
  const gold = send("stays", { aheadMs: 5_000 });
  vi.advanceTimersByTime(1_000);
  arrive(ahead);
  arrive(plain);
  vi.advanceTimersByTime(1_000);
  expect(kinds()).toEqual([]);
  vi.advanceTimersByTime(500);
  arrive(later);
  vi.advanceTimersByTime(1_000);
  expect(kinds()).toEqual(["order"]);
  expect(journal.broken[0]?.about[0]).toBe(gold);
});

describe("limit", () => {
  beforeEach(() => {
    journal = new Journal(
      { ...settings, flow: "header:x-client", max_in_flight_per_flow: 2 },
      { latelyMs: 0 },
    );
  });

  test("a client's requests are at no more servers than it may have slots", () => {
    const [first] = [arrive(send()), arrive(send("defers")), arrive(send("stays", { flow: "b" }))];
    journal.done(first);
    arrive(send());
    expect(kinds()).toEqual([]);
    arrive(send("stays", { flow: null }));
    arrive(send());
    expect(kinds()).toEqual(["limit"]);
  });

  test.for(["brokeAt", "turnedAwayAt"] as const)(
    "what a server still does of an attempt that has failed does not count: %s",
    (moment) => {
      for (let one = 0; one < 3; one++) arrive(send())[moment] = journal.now();
      arrive(send());
      expect(kinds()).toEqual([]);
    },
  );

  test("what is cut off, and left by its client, counts as long as its server is at work", () => {
    for (let one = 0; one < 2; one++) arrive(send()).cutAt = journal.now();
    expect(kinds()).toEqual([]);
    arrive(send());
    expect(kinds()).toEqual(["limit"]);
  });
});

describe("starved", () => {
  function fates(flow: string | null, answered: number, timedOut: number): void {
    for (let one = 0; one < answered + timedOut; one++)
      journal.ended(send("stays", { flow }), one < answered ? "answered" : "refused queue-timeout");
  }
  const found = () => starved(journal.requests.values());

  test("nobody has by far more of its requests time out than who sends most", () => {
    fates("heavy", 150, 50);
    fates("a", 30, 15);
    fates(null, 60, 0);
    expect(found()).toEqual([]);
    fates("b", 25, 20);
    expect(found()).toEqual(["of b's 45 requests 20 timed out, and 25 % of heavy's"]);
  });

  test("who waits for its own requests is not starved by others", () => {
    fates("heavy", 200, 0);
    const crowd = Array.from({ length: 60 }, () => send("stays", { flow: "a" }));
    vi.advanceTimersByTime(1);
    for (const one of crowd) journal.ended(one, "refused queue-timeout");
    vi.advanceTimersByTime(1);
    expect(found()).toEqual([]);
    fates("a", 30, 15);
    expect(found()).toEqual(["of a's 45 requests 15 timed out, and 0 % of heavy's"]);
  });

  test("a few requests say nothing", () => {
    fates("heavy", 200, 0);
    fates("a", 10, 20);
    expect(found()).toEqual([]);
  });
});

describe("health", () => {
  let sickness: Sickness;
  beforeEach(() => {
    sickness = new Sickness("web-1", journal);
    sickness.begin();
  });

  function failChecks(times: number): void {
    for (let one = 0; one < times; one++) {
      vi.advanceTimersByTime(CHECK_INTERVAL_MS);
      sickness.checkFailed(journal.now());
    }
  }

  test("a server that has failed its checks gets nothing until it has passed one", () => {
    failChecks(1);
    sickness.requested(send());
    failChecks(1);
    // It was on its way.
    sickness.requested(send());
    expect(kinds()).toEqual([]);
    vi.advanceTimersByTime(400);
    sickness.end();
    sickness.requested(send());
    expect(kinds()).toEqual(["health"]);
    sickness.checkPassed();
    sickness.requested(send());
    expect(kinds()).toEqual(["health"]);
    expect(journal.operations.get("sick server back")).toBe(1);
  });

  test("a server that gets requests is asked how it is", () => {
    vi.advanceTimersByTime(2 * CHECK_INTERVAL_MS);
    sickness.requested(send());
    expect(kinds()).toEqual([]);
    vi.advanceTimersByTime(6 * CHECK_INTERVAL_MS);
    sickness.requested(send());
    expect(kinds()).toEqual(["health"]);
  });

  test("a pool that has crashed may count its failed checks anew, and knows who is down", () => {
    failChecks(1);
    sickness.interrupted(journal.now());
    failChecks(1);
    vi.advanceTimersByTime(400);
    sickness.requested(send());
    expect(kinds()).toEqual([]);
    failChecks(1);
    vi.advanceTimersByTime(400);
    sickness.interrupted(journal.now());
    sickness.requested(send());
    expect(kinds()).toEqual(["health"]);
  });

  test("a pool may not have known of the last failed check when it crashed, however long the crash took", () => {
    failChecks(FALL);
    vi.advanceTimersByTime(200);
    const askedAt = journal.now();
    vi.advanceTimersByTime(200);
    sickness.interrupted(askedAt);
    sickness.requested(send());
    expect(kinds()).toEqual([]);
    failChecks(FALL);
    vi.advanceTimersByTime(400);
    sickness.interrupted(journal.now());
    sickness.requested(send());
    expect(kinds()).toEqual(["health"]);
  });

  test("a server that has failed some checks of one shard may go to another, which counts from the start", () => {
    journal.hasShards(3);
    failChecks(FALL);
    vi.advanceTimersByTime(400);
    sickness.requested(send());
    expect(kinds()).toEqual([]);
    failChecks(FALL - 1);
    vi.advanceTimersByTime(400);
    sickness.requested(send());
    expect(kinds()).toEqual(["health"]);
  });

  test("a check that was under way in a crash counts for nobody", () => {
    const arrivedAt = journal.now();
    vi.advanceTimersByTime(1);
    sickness.interrupted(journal.now());
    sickness.checkFailed(arrivedAt);
    failChecks(1);
    vi.advanceTimersByTime(400);
    sickness.requested(send());
    expect(kinds()).toEqual([]);
  });
});

describe("twice", () => {
  test("whom a server turned away may come again, as often as it likes", () => {
    const sent = send("stays", { idempotent: false });
    for (let arrival = 0; arrival < RETRIES + 3; arrival++) arrive(sent).turnedAwayAt = journal.now();
    expect(kinds()).toEqual([]);
  });

  test.for(["brokeAt", "gaveUpAt"] as const)(
    "a request that a server has may not come again: %s",
    (moment) => {
      const sent = send("stays", { idempotent: moment === "gaveUpAt" });
      arrive(sent)[moment] = journal.now();
      arrive(sent);
      expect(kinds()).toEqual(["twice"]);
    },
  );
});

describe("twice, of stored requests", () => {
  test("one that may not be repeated is read once, whatever crashes", () => {
    const sent = store(send("defers", { idempotent: false }));
    arrive(sent);
    crash(sent);
    arrive(sent);
    expect(kinds()).toEqual(["twice"]);
  });

  test("another is read again after a crash of its object, or of everything", () => {
    const sent = store(send("defers", { idempotent: true }));
    arrive(sent);
    vi.advanceTimersByTime(1);
    crash(sent);
    arrive(sent);
    kill(Number.POSITIVE_INFINITY);
    arrive(sent);
    expect(kinds()).toEqual([]);
  });

  test("a crash of before is no cause, nor is one that another had, nor a kill for one that is not stored", () => {
    const sent = store(send("defers", { idempotent: true }));
    crash(sent);
    vi.advanceTimersByTime(51);
    arrive(sent);
    crash(store(send("defers")));
    arrive(sent);
    expect(kinds()).toEqual(["twice"]);
    const direct = send("stays", { idempotent: true });
    arrive(direct);
    kill(journal.now() + 1);
    arrive(direct);
    expect(kinds()).toEqual(["twice", "twice"]);
  });

  test("not even a crash is a cause for ever", () => {
    const sent = store(send("defers", { idempotent: true }));
    for (let attempt = 0; attempt <= RETRIES; attempt++) {
      arrive(sent);
      crash(sent);
    }
    expect(kinds()).toEqual([]);
    arrive(sent);
    expect(kinds()).toEqual(["twice"]);
  });

  test("one that was canceled is not read any more", () => {
    const sent = store(send("defers and cancels"));
    if (sent.stored) sent.stored.stoppedAt = journal.now() + 250;
    vi.advanceTimersByTime(250);
    arrive(sent);
    expect(kinds()).toEqual([]);
    const other = store(send("defers and cancels"));
    if (other.stored) other.stored.stoppedAt = journal.now();
    vi.advanceTimersByTime(1);
    arrive(other);
    expect(kinds()).toEqual(["twice"]);
  });

  test("an operator's retry allows for one more, and none that is refused does", () => {
    const sent = store(send("defers", { idempotent: false }));
    arrive(sent);
    journal.ended(sent, "deferred failed fate-unknown");
    journal.beginAnew(sent);
    journal.begunAnew(sent);
    arrive(sent);
    journal.ended(sent, "deferred failed fate-unknown");
    journal.beginAnew(sent)();
    expect(sent.outcome).toBe("deferred failed fate-unknown");
    expect(kinds()).toEqual([]);
    arrive(sent);
    expect(kinds()).toEqual(["twice"]);
  });

  test("a key stores one request", () => {
    const sent = store(send("defers twice"), { id: "1" });
    store(sent, { id: "1" });
    expect(kinds()).toEqual([]);
    store(sent, { id: "2" });
    expect(kinds()).toEqual(["twice"]);
  });
});

describe("slot", () => {
  test.for(["stalled reader", "stalled upload", "silent WebSocket"] as const)(
    "a server is let go: %s",
    (kind) => {
      const sent = send(kind);
      const job = arrive(sent);
      sent.stalledAt = journal.now();
      vi.advanceTimersByTime(longestStallMs(settings, sent.plan.client) - 1);
      job.cutAt = journal.now();
      vi.advanceTimersByTime(1_000);
      journal.done(job);
      expect(kinds()).toEqual([]);
      const other = arrive(send(kind));
      other.sent.stalledAt = journal.now();
      vi.advanceTimersByTime(longestStallMs(settings, sent.plan.client) + 1);
      journal.done(other);
      expect(kinds()).toEqual(["slot"]);
    },
  );
});

describe("slot, of leases", () => {
  const apart = { ...settings, flow: undefined, cooldownMs: 50, balance: "first" };
  const passing = { ...apart, cooldownMs: 0 };
  const leaseMs = longestLeaseMs(apart);
  const lostMs = longestLostMs(apart);

  let since = "";
  /** The pool's snapshots so far, and those of this long from now on, in which one lease is held. */
  const held = (slots: HeldSlots) => (forMs: number) => {
    vi.advanceTimersByTime(forMs);
    slots.look([{ name: "web-1", leases: [{ id: "1", since, quarantined: false } as never] }]);
  };

  function holding(one = apart): (forMs: number) => void {
    journal = new Journal(one, { latelyMs: 0 });
    since = new Date().toISOString();
    return held(new HeldSlots(journal));
  }

  test("a slot is held for no longer than a request and its quarantine take, and that is told once", () => {
    const hold = holding();
    hold(leaseMs);
    expect(kinds()).toEqual([]);
    hold(1);
    hold(1);
    expect(kinds()).toEqual(["slot"]);
  });

  test("a lease that is passed on keeps its id, whoever holds it since then", () => {
    const hold = holding(passing);
    hold(0);
    vi.advanceTimersByTime(longestLeaseMs(passing) - 1);
    since = new Date().toISOString();
    hold(0);
    expect(kinds()).toEqual([]);
    vi.advanceTimersByTime(lostMs);
    since = new Date().toISOString();
    hold(0);
    expect(kinds()).toEqual(["slot"]);
  });

  test("a slot whose holder was killed is closed until the lease has run out and its quarantine is over", () => {
    const hold = holding();
    hold(1_000);
    kill(journal.now(), [1]);
    hold(lostMs);
    expect(kinds()).toEqual([]);
    hold(1);
    expect(kinds()).toEqual(["slot"]);
  });

  test("so is one that was granted to who waited in an isolate which had just been killed", () => {
    const hold = holding();
    kill(journal.now(), [1]);
    vi.advanceTimersByTime(1_000);
    since = new Date().toISOString();
    hold(0);
    hold(lostMs);
    expect(kinds()).toEqual([]);
    hold(1);
    expect(kinds()).toEqual(["slot"]);
  });

  test("one that was taken after a kill is not, nor is one that had been held for too long by then", () => {
    const slots = holding();
    kill(journal.now() - 1);
    slots(leaseMs + 1);
    expect(kinds()).toEqual(["slot"]);
    const others = holding();
    vi.advanceTimersByTime(leaseMs + 1);
    kill();
    others(0);
    expect(kinds()).toEqual(["slot"]);
  });

  test("a restart of the object lets a lost lease live once more, and no second one does", () => {
    const hold = holding();
    hold(1_000);
    kill(journal.now(), [1]);
    vi.advanceTimersByTime(20_000);
    journal.crashed(journal.now());
    vi.advanceTimersByTime(20_000);
    journal.crashed(journal.now());
    hold(lostMs - 20_000);
    expect(kinds()).toEqual([]);
    hold(1);
    expect(kinds()).toEqual(["slot"]);
  });

  test.for([
    [passing, []],
    [apart, ["slot"]],
  ] as const)("a crash may lose a lease only where leases are passed on (%#)", ([one, broken]) => {
    const hold = holding(one);
    hold(1_000);
    journal.crashed(journal.now());
    hold(lostMs);
    expect(kinds()).toEqual(broken);
    hold(1);
    expect(kinds()).toEqual(["slot"]);
  });
});

test("a client is not held to have stalled while buffers on the way still take what it does not read", () => {
  const job = arrive(send("stalled reader"));
  job.sent.stalledAt = journal.now();
  vi.advanceTimersByTime(1_000);
  job.takenAt = journal.now();
  vi.advanceTimersByTime(longestStallMs(settings, job.sent.plan.client) - 1);
  journal.done(job);
  expect(kinds()).toEqual([]);
});

describe("lost", () => {
  const reply = (status: number, body = "", whole = true, headers = {}): Reply => ({
    status,
    headers,
    body,
    whole,
  });
  const problem = (sent: Sent, status: number, code: string) =>
    reply(status, JSON.stringify({ code, instance: sent.plan.id }), true, {
      "content-type": "application/problem+json",
    });

  test("a server's own answer is no loss, nor is one of a server that is out of order", () => {
    const sent = send();
    const job = arrive(sent);
    expect(verdict(sent, reply(200, answerTo(job)), journal)).toEqual({ outcome: "answered" });
    expect(verdict(sent, reply(503, sickAnswerTo(job)), journal)).toHaveProperty("lost");
    job.sick = true;
    expect(verdict(sent, reply(503, sickAnswerTo(job)), journal)).toEqual({
      outcome: "answered out of order",
    });
  });

  test.for([
    [520, "error code: 520"],
    [521, "error code: 521"],
    [522, "error code: 522"],
    [524, "error code: 524"],
    [503, "query rejected, already processing\n"],
    [429, "one at a time, please\n"],
  ] as const)("an answer that is not for the client is a loss: %i %s", ([status, body]) => {
    const sent = send();
    arrive(sent);
    expect(verdict(sent, reply(status, body), journal)).toHaveProperty("lost");
  });

  test.for([
    [400, "invalid-request", "broken upload"],
    [400, "invalid-request", "bad handshake"],
    [408, "client-timeout", "stalled upload"],
  ] as const)("a refusal has a cause: %i %s of a %s", ([status, code, kind]) => {
    const sent = send(kind);
    sent.stalledAt = journal.now();
    vi.advanceTimersByTime(longestStallMs(settings, sent.plan.client));
    expect(verdict(sent, problem(sent, status, code), journal)).toEqual({ outcome: `refused ${code}` });
    const honest = send();
    expect(verdict(honest, problem(honest, status, code), journal)).toHaveProperty("lost");
  });

  test("a server whose front gave up is a server that was silent", () => {
    const sent = send();
    const job = arrive(sent);
    expect(verdict(sent, problem(sent, 504, "server-timeout"), journal)).toHaveProperty("lost");
    job.gaveUpAt = journal.now();
    expect(verdict(sent, problem(sent, 504, "server-timeout"), journal)).toHaveProperty("outcome");
  });

  test("a server is silent since it was sent a body that was held, and since it had one that was streamed", () => {
    const bytes = 1024 * settings.bufferKiB;
    for (const [bodyBytes, due] of [
      [bytes, "outcome"],
      [bytes + 1, "lost"],
    ] as const) {
      const sent = send("stays", { bodyBytes });
      const job = arrive(sent);
      vi.advanceTimersByTime(SERVER_TIMEOUT_MS);
      job.wholeAt = journal.now();
      expect(verdict(sent, problem(sent, 504, "server-timeout"), journal)).toHaveProperty(due);
    }
  });

  test("only who broke its own connection may go without an answer", () => {
    expect(verdict(send("broken upload"), reply(0, "ECONNRESET", false), journal)).toEqual({
      outcome: "left",
    });
    expect(verdict(send(), reply(0, "ECONNRESET", false), journal)).toHaveProperty("lost");
    expect(verdict(send("slow upload"), reply(0, "ECONNRESET", false), journal)).toHaveProperty("lost");
    expect(verdict(send("stalled upload"), reply(0, "ECONNRESET", false), journal)).toHaveProperty("lost");
  });

  test("nobody is cut off in the body who has not stalled, or whose server has not", () => {
    const [slow, stalled] = [send("slow reader"), send("stalled reader")];
    for (const sent of [slow, stalled]) arrive(sent).headAt = journal.now();
    stalled.stalledAt = journal.now();
    vi.advanceTimersByTime(longestStallMs(settings, stalled.plan.client));
    expect(verdict(slow, reply(200, "", false), journal)).toHaveProperty("lost");
    expect(verdict(stalled, reply(200, "", false), journal)).toEqual({ outcome: "stalled" });
  });

  test("a WebSocket hears all of what it said, and then the close of whoever closes", () => {
    const sent = send("WebSocket", {
      client: { kind: "WebSocket", messages: 2, closes: "server", answerMs: 0 },
    });
    const job = arrive(sent);
    const { id } = sent.plan;
    const heard = `${job.number} ${id} 0\n${job.number} ${id} 1\n`;
    expect(verdict(sent, reply(101, `${heard}4002`), journal)).toEqual({ outcome: "answered" });
    for (const other of [reply(101, `${heard}1011`), reply(101, heard, false), reply(101, "4002")]) {
      expect(verdict(sent, other, journal)).toHaveProperty("lost");
    }
    job.brokeAt = journal.now();
    expect(verdict(sent, reply(101, `${heard}1011`), journal)).toEqual({ outcome: "cut off" });
  });
});

describe("lost, of what operators do", () => {
  const reply = (status: number, body: string, whole = true): Reply => ({
    status,
    headers: { "content-type": "application/problem+json" },
    body,
    whole,
  });
  const problem = (sent: Sent, status: number, code: string, detail = "") =>
    reply(status, JSON.stringify({ code, detail, instance: sent.plan.id }));

  test("nobody is cut off by an operator unless one has asked for that, since it was sent", () => {
    const early = send();
    expect(verdict(early, problem(early, 504, "cut-off"), journal)).toHaveProperty("lost");
    cut();
    expect(verdict(early, problem(early, 504, "cut-off"), journal)).toEqual({ outcome: "refused cut-off" });
    vi.advanceTimersByTime(10_000);
    const late = send();
    expect(verdict(late, problem(late, 504, "cut-off"), journal)).toHaveProperty("lost");
  });

  test("an answer that a cut breaks off is seen to be broken", () => {
    const sent = send();
    const job = arrive(sent);
    job.headAt = journal.now();
    const answer = { ...reply(200, ""), headers: { "x-job": String(job.number) } };
    expect(verdict(sent, { ...answer, whole: false }, journal)).toHaveProperty("lost");
    cut();
    expect(verdict(sent, { ...answer, whole: false }, journal)).toEqual({
      outcome: "cut off by an operator",
    });
    expect(verdict(sent, answer, journal)).toHaveProperty("lost");
  });

  test("a WebSocket is told that its server goes away, or breaks off", () => {
    const sent = send("WebSocket");
    arrive(sent);
    for (const last of [reply(101, "1001"), reply(101, "", false)]) {
      journal = new Journal(settings, { latelyMs: 0 });
      expect(verdict(sent, last, journal)).toHaveProperty("lost");
      cut();
      expect(verdict(sent, last, journal)).toEqual({ outcome: "cut off by an operator" });
    }
  });

  test("nobody is refused because its own queue is full unless it is", () => {
    journal = new Journal({ ...settings, flow: "header:x-client", max_queue_per_flow: 60 }, { latelyMs: 0 });
    const refusal = (sent: Sent) => verdict(sent, problem(sent, 429, "flow-queue-full"), journal);
    for (let one = 0; one < 70; one++)
      send(one % 3 === 0 ? "defers" : "stays", { flow: one < 20 ? "b" : "a" });
    expect(refusal(send("stays", { flow: "b" }))).toHaveProperty("lost");
    expect(refusal(send())).toEqual({ outcome: "refused flow-queue-full" });
    journal = new Journal({ ...settings, max_queue_per_flow: undefined }, { latelyMs: 0 });
    for (let one = 0; one < 70; one++) send();
    expect(refusal(send())).toHaveProperty("lost");
  });

  test("the list is full of those, too, who waited in an isolate that has just been killed", () => {
    journal = new Journal({ ...settings, flow: "header:x-client", max_queue_per_flow: 60 }, { latelyMs: 0 });
    const refusals = () => {
      const sent = send();
      return [problem(sent, 429, "flow-queue-full"), problem(sent, 503, "queue-full")].map((answer) =>
        Object.keys(verdict(sent, answer, journal)),
      );
    };
    kill(journal.now(), [1]);
    expect(refusals()).toEqual([["outcome"], ["outcome"]]);
    vi.advanceTimersByTime(6_000);
    expect(refusals()).toEqual([["lost"], ["lost"]]);
    // The object, and its list, were killed as well.
    kill(journal.now(), [0, 1]);
    expect(refusals()).toEqual([["lost"], ["lost"]]);
  });

  test("nobody is refused by a stop that is none, or without its message", () => {
    const sent = send();
    const stopped = problem(sent, 503, "stopped", STOP_MESSAGE);
    expect(verdict(sent, stopped, journal)).toHaveProperty("lost");
    journal.beginStop().to = journal.now();
    expect(verdict(sent, stopped, journal)).toEqual({ outcome: "refused stopped" });
    expect(verdict(sent, problem(sent, 503, "stopped", "no"), journal)).toHaveProperty("lost");
    vi.advanceTimersByTime(10_000);
    const late = send();
    expect(verdict(late, problem(late, 503, "stopped", STOP_MESSAGE), journal)).toHaveProperty("lost");
  });
});

describe("lost, of stored requests", () => {
  const reply = (status: number, body: unknown, headers: Reply["headers"] = {}): Reply => ({
    status,
    headers,
    body: typeof body === "string" ? body : JSON.stringify(body),
    whole: true,
  });

  /** What Sluice says of a request that has ended now. */
  function told(changes: Partial<RequestStatus>, response: Reply): Told {
    const status = { attempts: 1, problem: null, endedAt: new Date().toISOString(), ...changes };
    return { status: reply(200, status), response };
  }

  function toldAnswer(job: Job, body = answerTo(job), status = 200): Told {
    const response = reply(status, body, { "x-job": String(job.number) });
    return told({ state: "answered", response: { status, url: "" } }, response);
  }

  function toldFailure(code: string, status: number, attempts = 1): Told {
    const problem = { type: "", title: "", detail: "", code, status };
    return told({ state: "failed", problem, attempts }, reply(status, { code }));
  }

  const fate = (sent: Sent, told: Told) => fateOf(sent, told, journal);

  test("a request has the answer of its last server, to the letter", () => {
    const sent = store(send("defers", { idempotent: true }));
    const first = arrive(sent);
    expect(fate(sent, toldAnswer(first))).toEqual({ outcome: "deferred answered" });
    expect(fate(sent, toldAnswer(first, answerTo(first).slice(1)))).toHaveProperty("lost");
    expect(fate(sent, toldAnswer(first, sickAnswerTo(first), 503))).toHaveProperty("lost");
    first.sick = true;
    expect(fate(sent, toldAnswer(first, sickAnswerTo(first), 503))).toEqual({
      outcome: "deferred answered out of order",
    });
    const other = toldAnswer(first);
    other.response.status = 201;
    expect(fate(sent, other)).toHaveProperty("lost");
    first.brokeAt = journal.now();
    const second = arrive(sent);
    expect(fate(sent, toldAnswer(first))).toHaveProperty("lost");
    // Two servers had it, by one attempt.
    expect(fate(sent, toldAnswer(second))).toHaveProperty("lost");
  });

  test.for(["queued", "running"] as const)("at the end, none is %s", (state) => {
    expect(fate(store(send("defers")), told({ state }, reply(202, {})))).toHaveProperty("lost");
  });

  test("none is forgotten before its client wants that, nor canceled", () => {
    const unknown = reply(404, { code: "unknown-request" });
    const canceled = told({ state: "canceled" }, reply(410, { code: "canceled" }));
    const sent = store(send("defers and cancels"));
    expect(fate(sent, { status: unknown, response: unknown })).toHaveProperty("lost");
    expect(fate(sent, canceled)).toHaveProperty("lost");
    Object.assign(sent.stored as object, { isForgotten: true, stoppedAt: journal.now() });
    expect(fate(sent, { status: unknown, response: unknown })).toEqual({ outcome: "forgotten" });
    expect(fate(sent, canceled)).toEqual({ outcome: "deferred canceled" });
  });

  test("a failure is the same in the place of the answer", () => {
    const sent = store(send("defers"));
    arrive(sent).brokeAt = journal.now();
    const failure = toldFailure("bad-gateway", 502);
    expect(fate(sent, failure)).toEqual({ outcome: "deferred failed bad-gateway" });
    expect(fate(sent, { ...failure, response: reply(504, { code: "server-timeout" }) })).toHaveProperty(
      "lost",
    );
  });

  test.for([
    ["queue-full", 503],
    ["client-timeout", 408],
    ["pool-unavailable", 503],
    ["cut-off", 504],
    ["response-too-large", 502],
    ["bad-gateway", 502],
    ["server-timeout", 504],
  ] as const)("a failure has a cause: %s", ([code, status]) => {
    const sent = store(send("defers"));
    arrive(sent);
    expect(fate(sent, toldFailure(code, status))).toHaveProperty("lost");
  });

  test("a request waits until it expires, and no longer than that counts as a cause", () => {
    const sent = store(send("defers"));
    vi.advanceTimersByTime(settings.expiresMs - 300);
    const early = toldFailure("queue-timeout", 503, 0);
    vi.advanceTimersByTime(10_000);
    expect(fate(sent, early)).toHaveProperty("lost");
    expect(fate(sent, toldFailure("queue-timeout", 503, 0))).toEqual({
      outcome: "deferred failed queue-timeout",
    });
  });

  test("a server that hangs in the body of an answer that is to be stored is silent", () => {
    const sent = store(send("defers"));
    const job = arrive(sent);
    job.headAt = journal.now();
    expect(fate(sent, toldFailure("server-timeout", 504))).toHaveProperty("lost");
    job.hungAt = journal.now();
    expect(fate(sent, toldFailure("server-timeout", 504))).toHaveProperty("outcome");
  });

  test("only a crash leaves a fate unknown, and only of a request that may not be sent again", () => {
    const unknown = toldFailure("fate-unknown", 502);
    const sent = store(send("defers", { idempotent: false }));
    crash(sent);
    vi.advanceTimersByTime(51);
    arrive(sent);
    expect(fate(sent, unknown)).toHaveProperty("lost");
    crash(sent);
    expect(fate(sent, unknown)).toEqual({ outcome: "deferred failed fate-unknown" });
    const other = store(send("defers", { idempotent: true }));
    arrive(other);
    crash(other);
    expect(fate(other, unknown)).toHaveProperty("lost");
    expect(fate(other, toldFailure("fate-unknown", 502, RETRIES + 1))).toHaveProperty("outcome");
    const killed = store(send("defers", { idempotent: false }));
    arrive(killed);
    kill();
    expect(fate(killed, unknown)).toHaveProperty("outcome");
  });

  test("a cut leaves a fate unknown, or has a request sent again that may be", () => {
    const [once, again] = [false, true].map((idempotent) => store(send("defers", { idempotent })));
    for (const sent of [once, again]) arrive(sent as Sent);
    cut();
    expect(fate(once as Sent, toldFailure("fate-unknown", 502))).toHaveProperty("outcome");
    expect(fate(once as Sent, toldFailure("cut-off", 504))).toHaveProperty("lost");
    arrive(again as Sent);
    expect(kinds()).toEqual([]);
    arrive(once as Sent);
    expect(kinds()).toEqual(["twice"]);
  });

  test("what was accepted is kept in a stop", () => {
    const sent = store(send("defers"));
    journal.beginStop();
    expect(fate(sent, toldFailure("stopped", 503, 0))).toHaveProperty("lost");
  });

  test("what is said of an end is the same each time, but for the ids of who asks", () => {
    const job = arrive(store(send("defers")));
    const answer = toldAnswer(job);
    const failure = toldFailure("bad-gateway", 502);
    const again = { ...failure, response: reply(502, { code: "bad-gateway", instance: "another" }) };
    expect(summaryOf(again)).toBe(summaryOf(failure));
    expect(summaryOf(toldAnswer(job))).toBe(summaryOf(answer));
    const others = [
      toldAnswer(job, "?"),
      toldFailure("server-timeout", 504),
      toldFailure("bad-gateway", 502, 2),
    ];
    expect(new Set([answer, failure, ...others].map(summaryOf)).size).toBe(5);
  });

  test("more are stored than may be before one is refused for that", () => {
    const full = (sent: Sent) => {
      const problem = reply(503, { code: "deferred-full", instance: sent.plan.id });
      return verdict(sent, { ...problem, headers: { "content-type": "application/problem+json" } }, journal);
    };
    const stored = Array.from({ length: MAX_DEFERRED }, () => store(send("defers")));
    expect(full(send())).toHaveProperty("lost");
    expect(full(send("defers"))).toEqual({ outcome: "refused deferred-full" });
    for (const sent of stored) {
      const job = arrive(sent);
      job.headAt = journal.now();
      journal.done(job);
    }
    vi.advanceTimersByTime(1);
    expect(full(send("defers"))).toHaveProperty("lost");
  });

  test("a 202 says where the request is, and comes no sooner than its client would wait", () => {
    const headers = {
      location: "https://a.example/_sluice/requests/1",
      "preference-applied": "respond-async",
    };
    const accepted = (body: object, headers: Reply["headers"]) => reply(202, body, headers);
    expect(acceptanceFault(accepted({ id: "1" }, headers), 5, 0)).toBeNull();
    expect(acceptanceFault(accepted({ id: "1" }, headers), 1_999, 2)).toBeNull();
    expect(acceptanceFault(accepted({ id: "1" }, headers), 1_900, 2)).toContain("202 after");
    expect(acceptanceFault(accepted({ id: "2" }, headers), 5, 0)).toContain("Location");
    expect(acceptanceFault(accepted({ id: "1" }, { location: headers.location }), 5, 0)).toContain(
      "Location",
    );
  });
});

test("who is cut off by a kill is not lost, and who came after it is", () => {
  const cut = send();
  kill();
  vi.advanceTimersByTime(1);
  const reply = { status: 0, headers: {}, body: "ECONNRESET", whole: false };
  expect(verdict(cut, reply, journal)).toEqual({ outcome: "killed" });
  expect(verdict(send(), reply, journal)).toHaveProperty("lost");
});

test("a kill of one isolate is no excuse for what another one does", () => {
  const [there, here] = [journal.send(send().plan, 1), journal.send(send().plan, 2)];
  kill(journal.now(), [0, 2]);
  const reply = { status: 0, headers: {}, body: "ECONNRESET", whole: false };
  expect(verdict(there, reply, journal)).toHaveProperty("lost");
  expect(verdict(here, reply, journal)).toEqual({ outcome: "killed" });
});

test("whether a request is stored may be unknown where its object was killed before it could say so, and nowhere else", () => {
  const [sent, other] = [journal.send(send("defers").plan, 1), journal.send(send("defers").plan, 1)];
  const body = (id: string) => JSON.stringify({ status: 502, code: "fate-unknown", instance: id });
  const unknown = ({ plan }: Sent) => {
    const headers = { "content-type": "application/problem+json" };
    return { status: 502, headers, body: body(plan.id), whole: true };
  };
  kill(journal.now(), [1]);
  expect(verdict(sent, unknown(sent), journal)).toHaveProperty("lost");
  kill(journal.now(), [0]);
  expect(verdict(sent, unknown(sent), journal)).toEqual({ outcome: "refused fate-unknown" });
  vi.advanceTimersByTime(60_000);
  const later = journal.send(other.plan, 1);
  expect(verdict(later, unknown(later), journal)).toHaveProperty("lost");
});

test("the objects of stored requests go with the first isolate, and with no other", () => {
  const sent = store(send("defers", { idempotent: true }));
  arrive(sent);
  kill(journal.now(), [0]);
  vi.advanceTimersByTime(51);
  arrive(sent);
  expect(kinds()).toEqual([]);
  kill(journal.now(), [1, 2]);
  arrive(sent);
  expect(kinds()).toEqual(["twice"]);
});

test("the id of a stored request is a secret, and so is its second half", () => {
  const [object, secret] = ["0123456789abcdef".repeat(4), "fedcba9876543210".repeat(2)];
  const { overheard } = journal;
  overheard.listen(`{"object":"${object}","lease":"3f1a-${secret.slice(4)}"}`, "the log");
  expect(overheard.whereWas(object + secret)).toBeNull();
  overheard.listen(`an error at /_sluice/requests/${object}${secret}/response`, "the log");
  expect(overheard.whereWas(object + secret)).toBe("the log");
  journal.overheard.listen(`secret: ${object.slice(32)}`, "the metrics");
  expect(overheard.whereWas(secret + object)).toBe("the metrics");
});
