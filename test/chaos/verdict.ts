import { answerTo } from "./behaviours.ts";
import type { Reply } from "./exchange.ts";
import type { Job, Journal, Sent } from "./journal.ts";
import { MAX_QUEUE, QUEUE_TIMEOUT_MS, SERVER_TIMEOUT_MS } from "./pool.ts";

/** Clocks and timers of several processes on a busy machine. */
const TOLERANCE_MS = 200;
/** Who is in the list, and neither client nor server of it knows: has just left, or waits for another server already. */
const UNSEEN = 15;

/** How Sluice may refuse a request here: the status, and what must have happened. */
const REFUSALS: Record<string, { status: number; due: (sent: Sent, journal: Journal) => boolean }> = {
  "queue-full": {
    status: 503,
    due: ({ sentAt }, { waiting }) => waiting.mostSince(sentAt) >= MAX_QUEUE - UNSEEN,
  },
  "queue-timeout": {
    status: 503,
    due: ({ sentAt }, journal) => journal.now() - sentAt > QUEUE_TIMEOUT_MS - TOLERANCE_MS,
  },
  "no-server": { status: 503, due: (_, { settings }) => settings.when_down === "refuse" },
  // However often it crashes, it is back at once: it is asked for 10 s.
  "pool-unavailable": { status: 503, due: () => false },
  "bad-gateway": {
    status: 502,
    due: ({ sentAt, jobs }, journal) =>
      jobs.some((job) => job.brokeAt !== null) || journal.hadTrouble(sentAt, journal.now()),
  },
  "server-timeout": {
    status: 504,
    due: ({ jobs }, journal) => jobs.some((job) => wasSilent(job, journal.now())),
  },
};

/** A word for the report, or the reason why the request counts as lost. */
export type Verdict = { outcome: string } | { lost: string };

/** Every request has one answer of one server, or a refusal of the table that something accounts for. */
export function verdict(sent: Sent, reply: Reply, journal: Journal): Verdict {
  const { status, headers, body, whole } = reply;
  if (status === 499) return left(sent, journal);
  if (status === 200) return whole ? answered(sent, body) : cutOff(sent, headers["x-job"]);
  const problem = whole ? parsed(body) : null;
  const refusal = REFUSALS[String(problem?.code)];
  // The client that leaves passes on no headers.
  const typed = sent.plan.leaveAfterMs !== null || headers["content-type"] === "application/problem+json";
  if (!refusal || !typed || refusal.status !== status || problem?.instance !== sent.plan.id) {
    return { lost: `an unknown answer: ${status} ${body.slice(0, 300)}` };
  }
  if (!refusal.due(sent, journal)) return { lost: `${problem.code} without a cause` };
  return { outcome: `refused ${problem.code}` };
}

function answered(sent: Sent, body: string): Verdict {
  const number = parsed(body.split("\n", 1)[0] ?? "")?.job;
  const job = sent.jobs.find((one) => one.number === number);
  if (!job || body !== answerTo(job)) return { lost: `not what the server said: ${body.slice(0, 300)}` };
  return { outcome: "answered" };
}

function cutOff(sent: Sent, number: unknown): Verdict {
  const job = sent.jobs.find((one) => String(one.number) === number);
  if (job && endedBadly(job)) return { outcome: "cut off" };
  return { lost: `cut off in the body, and job ${number} was not` };
}

function left({ sentAt, plan, jobs }: Sent, journal: Journal): Verdict {
  if (journal.now() - sentAt >= (plan.leaveAfterMs ?? Number.POSITIVE_INFINITY)) return { outcome: "left" };
  // Before its time it can only have been sent away by a body that broke off.
  return jobs.some(endedBadly) ? { outcome: "cut off" } : { lost: "499 before the client left" };
}

function endedBadly(job: Job): boolean {
  return job.headAt !== null && (job.brokeAt !== null || job.hungAt !== null);
}

function wasSilent({ readAt, headAt }: Job, now: number): boolean {
  return (headAt ?? now) - readAt > SERVER_TIMEOUT_MS - TOLERANCE_MS;
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
