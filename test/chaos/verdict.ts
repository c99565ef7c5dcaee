import { ROW_BYTES } from "../../src/link/deferred-calls.ts";
import type { Reply } from "./clients/exchange.ts";
import { type ClientKind, isDeferring, neverWhole } from "./clients/plan.ts";
import { messagesOf } from "./clients/web-sockets.ts";
import type { Job, Journal, Sent } from "./journal.ts";
import {
  hasHomes,
  MAX_DEFERRED,
  MAX_QUEUE,
  QUEUE_TIMEOUT_MS,
  SERVER_TIMEOUT_MS,
  STOP_MESSAGE,
  WEBSOCKET_IDLE_MS,
} from "./pool.ts";
import { answerTo, sickAnswerTo } from "./servers/answers.ts";
import { closeCodeOf, echoOf, GOING_AWAY } from "./servers/web-sockets.ts";
import { wasInterrupted } from "./stored.ts";

/** Clocks and timers of several processes; what this one has been kept from doing lately comes on top. */
const TOLERANCE_MS = 200;
/** Who is in the list, and neither client nor server of it knows: has just left, or waits for another server already. */
const UNSEEN = 15;

/** How Sluice may refuse a request here: the status, and what must have happened; `until`: when it was refused. */
const REFUSALS: Record<
  string,
  { status: number; due: (sent: Sent, journal: Journal, until: number) => boolean }
> = {
  "queue-full": {
    status: 503,
    due: ({ sentAt, plan }, journal, until) =>
      !isDeferring(plan.client) &&
      (journal.waiting.mostSince(sentAt) >= leastForFull(journal) - UNSEEN ||
        journal.hadGhosts(sentAt, until)),
  },
  "flow-queue-full": {
    status: 429,
    due: (sent, journal, until) =>
      journal.settings.max_queue_per_flow !== undefined &&
      (journal.mostOfItsFlow(sent) >= journal.settings.max_queue_per_flow - UNSEEN ||
        journal.hadGhosts(sent.sentAt, until)),
  },
  "queue-timeout": {
    status: 503,
    due: ({ sentAt, plan }, journal, until) =>
      lasted(
        isDeferring(plan.client) ? journal.settings.expiresMs : QUEUE_TIMEOUT_MS,
        sentAt,
        journal,
        until,
      ),
  },
  "no-server": { status: 503, due: (_, { settings }) => settings.when_down === "refuse" },
  // However often it crashes, it is back at once: it is asked for 10 s.
  "pool-unavailable": { status: 503, due: () => false },
  "bad-gateway": {
    status: 502,
    // A server may note late what it has done.
    due: ({ sentAt, jobs }, journal, until) =>
      jobs.some((job) => job.brokeAt !== null) ||
      journal.hadTrouble(sentAt, until + TOLERANCE_MS + journal.slackMs),
  },
  "server-timeout": {
    status: 504,
    // Or nobody was there to read it.
    due: ({ jobs }, journal) =>
      jobs.some((job) => wasSilent(job, journal)) || journal.slackMs > SERVER_TIMEOUT_MS / 2,
  },
  "client-timeout": { status: 408, due: hasStalled },
  "invalid-request": {
    status: 400,
    due: ({ plan: { client } }) => client.kind === "bad handshake" || client.kind === "broken upload",
  },
  "websocket-version": {
    status: 426,
    due: ({ plan: { client } }) => client.kind === "bad handshake" && client.fault === "version 12",
  },
  "deferred-full": {
    status: 503,
    due: ({ sentAt, plan }, { unfinished }) =>
      isDeferring(plan.client) && unfinished.mostSince(sentAt) >= MAX_DEFERRED - UNSEEN,
  },
  "fate-unknown": {
    status: 502,
    // Also where the word that it is stored was lost: it may be.
    due: (sent, journal, until) =>
      isDeferring(sent.plan.client) &&
      (wasInterrupted(sent, sent.jobs.at(-1)?.readAt ?? sent.sentAt, journal) ||
        journal.hadCut(sent.jobs.at(-1)?.readAt ?? sent.sentAt, until)),
  },
  stopped: { status: 503, due: ({ sentAt }, journal, until) => journal.hadStop(sentAt, until) },
  // Of stored ones, no client is there to ask again: they go on, or their fate is unknown.
  "cut-off": {
    status: 504,
    due: ({ plan, sentAt }, journal, until) => !isDeferring(plan.client) && journal.hadCut(sentAt, until),
  },
};

/** A request is refused by so many shards at most, each of which is full (docs/sharding.md). */
const MOST_ASKED = 4;

/** It asks them one after the other, and one that was full may have room again by the time at which the last one has none. */
const AT_ONCE = 0.8;

/** So many requests wait at least if one finds no place. */
function leastForFull({ shards, settings }: Journal): number {
  // Shards whose servers are all down take nobody in then, and one may be left.
  const isOne = hasHomes(settings) || settings.when_down === "refuse";
  const asked = isOne ? 1 : Math.min(shards, MOST_ASKED);
  return asked * Math.ceil(MAX_QUEUE / shards) * (asked === 1 ? 1 : AT_ONCE);
}

/** Those who may find their connection closed without an answer, because they have broken it themselves. */
const MAY_BE_UNANSWERED = new Set<ClientKind>(["broken upload", "stalled upload", "reset handshake"]);

/** What an operator's cut makes of one whose answer has begun. */
const CUT = "cut off by an operator";

/** A word for the report, or the reason why the request counts as lost. */
export type Verdict = { outcome: string } | { lost: string };

/** Writes a request's fate into the journal. */
export function settle(sent: Sent, fate: Verdict, journal: Journal): void {
  const { method, id, client } = sent.plan;
  journal.ended(sent, "outcome" in fate ? fate.outcome : "lost");
  if ("lost" in fate) journal.break("lost", `${method} ${id} (${client.kind}): ${fate.lost}`, [sent]);
}

/** Every request has one answer of one server, or a refusal of the table that something accounts for. */
export function verdict(sent: Sent, reply: Reply, journal: Journal): Verdict {
  const { status, headers, body, whole } = reply;
  if ((status === 0 || !whole) && journal.hadKill(sent.isolate, sent.sentAt)) return { outcome: "killed" };
  if (status === 0) return unanswered(sent, body, journal);
  if (status === 499) return left(sent, journal);
  if (status === 101) return ofWebSocket(sent, reply, journal);
  if (status === 200) return whole ? answered(sent, body) : cutOff(sent, headers["x-job"], journal);
  const isSick = sent.jobs.some((job) => job.sick && body === sickAnswerTo(job));
  return isSick ? { outcome: "answered out of order" } : refused(sent, reply, journal);
}

function refused(sent: Sent, { status, headers, body, whole }: Reply, journal: Journal): Verdict {
  const problem = whole ? parsed(body) : null;
  const { id, client } = sent.plan;
  // The client that leaves passes on no headers.
  const typed = client.kind === "leaves" || headers["content-type"] === "application/problem+json";
  const fault = refusalFault(String(problem?.code), status, sent, journal);
  if (fault === "unknown" || !typed || problem?.instance !== id) {
    return { lost: `an unknown answer: ${status} ${body.slice(0, 300)}` };
  }
  if (problem.code === "stopped" && problem.detail !== STOP_MESSAGE)
    return { lost: `stopped without the message: ${body}` };
  return fault === null ? { outcome: `refused ${problem.code}` } : { lost: fault };
}

/** What is wrong with such a refusal; `null`: nothing. */
export function refusalFault(
  code: string,
  status: number,
  sent: Sent,
  journal: Journal,
  until = journal.now(),
): string | null {
  const refusal = REFUSALS[code];
  if (refusal?.status !== status) return "unknown";
  return refusal.due(sent, journal, until) ? null : `${code} without a cause`;
}

function answered(sent: Sent, body: string): Verdict {
  const number = parsed(body.split("\n", 1)[0] ?? "")?.job;
  const job = sent.jobs.find((one) => one.number === number);
  if (!job || body !== answerTo(job)) return { lost: `not what the server said: ${body.slice(0, 300)}` };
  if (neverWhole(sent.plan.client)) return { lost: `answered, and only a part of it was sent` };
  return { outcome: "answered" };
}

function cutOff(sent: Sent, number: unknown, journal: Journal): Verdict {
  if (hasStalled(sent, journal)) return { outcome: "stalled" };
  const job = sent.jobs.find((one) => String(one.number) === number);
  if (job && endedBadly(job)) return { outcome: "cut off" };
  if (job && journal.hadCut(job.readAt)) return { outcome: CUT };
  return { lost: `cut off in the body, and job ${number} was not` };
}

function left({ sentAt, plan: { client }, jobs }: Sent, journal: Journal): Verdict {
  const isTime = client.kind === "leaves" && journal.now() - sentAt >= client.afterMs;
  if (isTime) return { outcome: "left" };
  // Before its time it can only have been sent away by a body that broke off.
  if (jobs.some(({ readAt, headAt }) => headAt !== null && journal.hadCut(readAt))) return { outcome: CUT };
  return jobs.some(endedBadly) ? { outcome: "cut off" } : { lost: "499 before the client left" };
}

function unanswered(sent: Sent, how: string, journal: Journal): Verdict {
  const { kind } = sent.plan.client;
  const isTime = kind !== "stalled upload" || hasStalled(sent, journal);
  if (MAY_BE_UNANSWERED.has(kind) && isTime)
    return { outcome: kind === "stalled upload" ? "stalled" : "left" };
  return { lost: `no answer: ${how}` };
}

/** Everything came back, and then the close: or the server has broken off. */
function ofWebSocket(sent: Sent, { body, whole }: Reply, journal: Journal): Verdict {
  const { client, id } = sent.plan;
  const job = sent.jobs.at(-1);
  if (!job || client.kind === "bad handshake") return { lost: "accepted, and by no server" };
  if (!whole && job.brokeAt !== null) return { outcome: "cut off" };
  const hadCut = journal.hadCut(job.readAt);
  // One that is silent for too long is closed in the same way.
  const isGoneAway = client.kind === "WebSocket" && whole && body.endsWith(String(GOING_AWAY));
  if (isGoneAway) return hadCut ? { outcome: CUT } : { lost: "1001 without a cut" };
  if (client.kind === "silent WebSocket" && whole) {
    const isTime = lasted(WEBSOCKET_IDLE_MS, sent.stalledAt ?? 0, journal);
    if (!isTime && hadCut) return { outcome: CUT };
    return isTime || job.brokeAt !== null ? { outcome: "stalled" } : { lost: "closed before its time" };
  }
  if (client.kind !== "WebSocket") return { lost: `an open WebSocket that heard ${body}` };
  const expected = `${messagesOf(id, client)
    .map((text) => `${echoOf(job, text)}\n`)
    .join("")}${closeCodeOf(client)}`;
  if (whole && body === expected) return { outcome: "answered" };
  if (job.brokeAt !== null) return { outcome: "cut off" };
  if (!whole && hadCut) return { outcome: CUT };
  return { lost: `a WebSocket that ${whole ? "closed" : "broke off"} having heard ${body}` };
}

function hasStalled({ stalledAt }: Sent, journal: Journal): boolean {
  return stalledAt !== null && lasted(journal.settings.clientTimeoutMs, stalledAt, journal);
}

function endedBadly(job: Job): boolean {
  return job.headAt !== null && (job.brokeAt !== null || job.hungAt !== null);
}

/**
 * It had all of the request and said nothing; or so its front found. A body that Sluice holds goes out at once. Of an
 * answer that is to be stored, nobody has got anything until all of it is there.
 */
function wasSilent({ sent, readAt, wholeAt, headAt, hungAt, gaveUpAt }: Job, journal: Journal): boolean {
  const isStored = isDeferring(sent.plan.client);
  if (isStored && hungAt !== null) return true;
  const heldBytes = isStored ? ROW_BYTES : 1024 * journal.settings.bufferKiB;
  const since = (sent.plan.bodyBytes ?? 0) <= heldBytes ? readAt : (wholeAt ?? readAt);
  return gaveUpAt !== null || lasted(SERVER_TIMEOUT_MS, since, journal, headAt ?? undefined);
}

/** It has been, or was until then, nearly that long. */
function lasted(forMs: number, since: number, journal: Journal, until = journal.now()): boolean {
  return until - since > forMs - TOLERANCE_MS - journal.slackMs;
}

export function parsed(text: string): Record<string, unknown> | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
