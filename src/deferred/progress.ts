import type { PoolConfig } from "../config/types.ts";
import { type DeferAgain, type DeferredState, isEndState, type Place } from "../link/deferral.ts";
import type { DeferredStatus, StoredAnswer, StoredRequest } from "../link/deferred-calls.ts";
import { backoffMs } from "../link/reach.ts";
import { Refusal, type RefusalCode } from "../refusals/refusal.ts";
import type { LeaseEnd } from "../scheduler/terms/lease-end.ts";

/** What becomes of a deferred request. Times are in ms since the epoch. */
export interface Progress {
  /** `storing`: it is not accepted yet. */
  state: "storing" | DeferredState;
  acceptedAt: number;
  /** When it is given up, unless it has a slot by then. */
  expiresAt: number;
  /** On the operator's list; `null`: the pool has not told it yet. */
  number: number | null;
  /** The slot that it got last, or refuses to get. */
  ticket: string | null;
  /** Which shard's slot that is; absent: the first's. */
  shard?: number;
  /** Slots that it got, or refused to get, before: a message of one of them may still come. */
  former: string[];
  /** How the attempt with that slot failed, until there is another one: the pool may not have heard of it. */
  failed: Pick<DeferAgain, "end" | "retry"> | null;
  server: string | null;
  attempts: number;
  /** How many of the attempts have failed: `retries` of the pool limits them. */
  failures: number;
  startedAt: number | null;
  endedAt: number | null;
  problem: { code: RefusalCode; detail: string } | null;
  /** Its client, or an operator, has canceled it while it ran. */
  canceled: boolean;
  /** `null`: nobody is to be told (any more). */
  webhook: { id: string; attempts: number; nextAt: number } | null;
}

/** How many former tickets are remembered. Their messages do not come later than a few attempts. */
const MOST_FORMER = 20;

/** The beginning: it is on its way into storage. */
export function storing({ expiresMs }: StoredRequest, now: number): Progress {
  return {
    state: "storing",
    acceptedAt: now,
    expiresAt: now + expiresMs,
    number: null,
    ticket: null,
    former: [],
    failed: null,
    server: null,
    attempts: 0,
    failures: 0,
    startedAt: null,
    endedAt: null,
    problem: null,
    canceled: false,
    webhook: null,
  };
}

/** With another slot: the last one is a former one from now on. */
export function withTicket(progress: Progress, ticket: string | null, shard = 0): Progress {
  const { ticket: last, former } = progress;
  const remembered = last === null ? former : [...former, last].slice(-MOST_FORMER);
  return { ...progress, ticket, shard, former: remembered, failed: null };
}

/** Waits for another slot: the server has failed the request, or is busy with somebody else's. */
export function waitingAgain(progress: Progress, { redispatch }: PoolConfig, end: LeaseEnd): Progress {
  const isBusy = end.how === "busy";
  const failures = progress.failures + (isBusy ? 0 : 1);
  const restMs = isBusy ? 0 : backoffMs(failures);
  const retry = { server: progress.server ?? "", restMs, avoid: redispatch };
  return { ...progress, state: "queued", failures, failed: { end, retry } };
}

/** From the beginning: an operator wants a request that has failed to be tried again. */
export function triedAgain(progress: Progress, { expiresMs }: StoredRequest, now: number): Progress {
  return {
    ...withTicket(progress, null),
    state: "queued",
    acceptedAt: now,
    expiresAt: now + expiresMs,
    failures: 0,
    startedAt: null,
    endedAt: null,
    problem: null,
    webhook: null,
    canceled: false,
  };
}

/** True while it neither has a slot nor has ended. */
export function isWaiting({ state }: Progress): boolean {
  return state === "queued" || state === "storing";
}

export function isEnded({ state }: Progress): boolean {
  return isEndState(state);
}

/** `Infinity` before the end. */
export function forgottenAt({ keepMs }: StoredRequest, { endedAt }: Progress): number {
  return endedAt === null ? Number.POSITIVE_INFINITY : endedAt + keepMs;
}

/** The status of the answer, or of the refusal in its place; `null`: there is neither. */
export function endStatusOf({ state, problem }: Progress, answer: StoredAnswer | null): number | null {
  if (problem) return new Refusal(problem.code, problem.detail).status;
  return state === "canceled" ? null : (answer?.status ?? null);
}

/** What its client is told. `place`: `null`, if it does not wait or the pool cannot be reached. */
export function statusOf(
  id: string,
  request: StoredRequest,
  progress: Progress,
  answer: StoredAnswer | null,
  place: Place | null,
): DeferredStatus {
  const { state, acceptedAt, startedAt, endedAt, attempts, problem } = progress;
  return {
    id,
    at: { pool: request.pool, host: request.target.host },
    state: state === "storing" ? "queued" : state,
    place: place?.place ?? null,
    startsInMs: place?.startsInMs ?? null,
    acceptedAt,
    startedAt,
    endedAt,
    attempts,
    expiresAt: isEnded(progress) ? forgottenAt(request, progress) : progress.expiresAt,
    answer: state === "answered" ? (answer?.status ?? null) : null,
    problem,
    pageAt: request.visitorMs === undefined ? null : request.target.origin + request.target.pathAndQuery,
  };
}
