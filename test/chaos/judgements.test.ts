/** Every judgement can fail: what a broken Sluice would do is put before each. */
import { EventEmitter } from "node:events";
import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Reply } from "./clients/exchange.ts";
import type { ClientKind } from "./clients/plan.ts";
import { type Job, Journal, type Promised, type Sent } from "./journal.ts";
import { type JobPlan, jobPlan, type RequestPlan, requestPlan } from "./plans.ts";
import { CHECK_INTERVAL_MS, drawSettings, longestStallMs, RETRIES, SERVER_TIMEOUT_MS } from "./pool.ts";
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
  return journal.send({ ...requestPlan(random, `test-${++number}`, settings, kind), ...changes });
}

function arrive(sent: Sent, changes: Partial<JobPlan> = {}): Job {
  return journal.begin(sent, "web-1", { ...jobPlan(random, sent.plan, 0, settings), ...changes });
}

function workOf(job: Job): Work {
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
    sickness.interrupted();
    failChecks(1);
    vi.advanceTimersByTime(400);
    sickness.requested(send());
    expect(kinds()).toEqual([]);
    failChecks(1);
    vi.advanceTimersByTime(400);
    sickness.interrupted();
    sickness.requested(send());
    expect(kinds()).toEqual(["health"]);
  });

  test("a check that was under way in a crash counts for nobody", () => {
    const arrivedAt = journal.now();
    vi.advanceTimersByTime(1);
    sickness.interrupted();
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
