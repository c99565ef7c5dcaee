/** What operators do with a pool's deferred requests. */
import type { PoolConfig } from "../config/types.ts";
import { DETAILS } from "../link/acquire.ts";
import type { DeferAnswer, DeferredEntry, DeferredQuery, Place } from "../link/deferral.ts";
import { POOL_PATIENCE_MS } from "../link/deferred-calls.ts";
import { type DeferredAddress, type DeferredStub, deferredAddress } from "../link/deferred-id.ts";
import type { Env } from "../link/env.ts";
import { Refusal } from "../refusals/refusal.ts";
import { cancelRequest, reachDeferred } from "../requests/reach-deferred.ts";
import { askPool } from "./ask-pool.ts";

/** A line of the list. Instants are ISO 8601 in UTC. */
export interface ListedRequest {
  /** `null` for those who may not act on it: with the id anybody may read the answer, and cancel the request. */
  id: string | null;
  /** Rises with each request; a retry gets a new one. */
  number: number;
  state: DeferredEntry["state"];
  method: string;
  /** Its beginning, without the query. */
  path: string;
  acceptedAt: string;
  startedAt: string | null;
  endedAt: string | null;
  /** 0 before the end. */
  attempts: number;
  /** Of the answer, or of the refusal in its place. */
  status: number | null;
  code: string | null;
}

export interface DeferredList {
  requests: ListedRequest[];
  /** To be given as `after` for those that follow; `null`: there are none. */
  next: number | null;
}

/** In the order of their numbers. `hasIds`: whether they are told with their ids. */
export async function listDeferred(
  env: Env,
  pool: PoolConfig,
  query: DeferredQuery,
  hasIds: boolean,
): Promise<DeferredList> {
  const { limit } = query;
  // One more shows whether any follow.
  const entries = await askPool<DeferredEntry[]>(env, pool, (stub) =>
    stub.listDeferred({ ...query, limit: limit + 1 }),
  );
  const shown = entries.slice(0, limit);
  return {
    requests: shown.map((entry) => listed(entry, hasIds)),
    next: entries.length > limit ? (shown.at(-1)?.number ?? null) : null,
  };
}

/**
 * `stopping`: it runs, and is being stopped. Else nothing of it waits any more. `forget`: whether one that has ended is
 * forgotten, and its answer with it; otherwise it is refused. One that is canceled already counts as done: the answer to
 * an earlier call may have been lost.
 */
export async function cancelDeferred(
  env: Env,
  pool: PoolConfig,
  id: string,
  forget: boolean,
): Promise<"canceled" | "stopping" | "forgotten"> {
  const done = await cancelRequest(env, addressOf(env, id, pool), { pool: pool.name, forget });
  if (done !== "answered" && done !== "failed") return done ?? refuseUnknown(pool);
  throw new Refusal(
    "already-ended",
    `The request has already ended, as ${done}: nothing was done to it.`,
    pool.name,
  );
}

export interface QueuedAgain {
  id: string;
  state: "queued";
  place: number;
  estimatedStartAt: string | null;
}

/** Puts a request that has failed on the waiting list again. */
export async function retryDeferred(env: Env, pool: PoolConfig, id: string): Promise<QueuedAgain> {
  const address = addressOf(env, id, pool);
  const { secret } = address;
  let calls = 0;
  const retry = (stub: DeferredStub) => {
    calls++;
    return stub.retry(secret, pool.name);
  };
  const answer = await reachDeferred(env, address, retry, { holdMs: POOL_PATIENCE_MS });
  if (answer === null) return refuseUnknown(pool);
  if (answer !== "not-failed") return queuedAgain(id, placeIn(answer, pool));
  // The answer to an earlier call was lost, and that call may have queued it.
  const status = calls > 1 ? await reachDeferred(env, address, (stub) => stub.status(secret)) : null;
  if (status?.state === "queued" || status?.state === "running")
    return queuedAgain(id, { place: status.place ?? 1, startsInMs: status.startsInMs });
  throw new Refusal("not-failed", "Only a request that has failed can be tried again.", pool.name);
}

function placeIn(answer: DeferAnswer, { name }: PoolConfig): Place {
  const { code } = answer;
  if (code === "deferred") return answer.place;
  if (code === "no-server" || code === "deferred-full" || code === "flow-queue-full" || code === "stopped")
    throw new Refusal(code, answer.message ?? DETAILS[code], name, { outlook: answer.outlook });
  throw new Refusal("idempotency-mismatch", "Another request has its Idempotency-Key by now.", name);
}

function queuedAgain(id: string, { place, startsInMs }: Place): QueuedAgain {
  const estimatedStartAt = startsInMs === null ? null : iso(Date.now() + startsInMs);
  return { id, state: "queued", place, estimatedStartAt };
}

function addressOf(env: Env, id: string, pool: PoolConfig): DeferredAddress {
  return deferredAddress(env, id) ?? refuseUnknown(pool);
}

/** The refusal does not repeat the id, with which anybody could read the answer. */
function refuseUnknown({ name }: PoolConfig): never {
  throw new Refusal(
    "unknown-request",
    `The pool ${name} has no deferred request with this id; it may have been forgotten after its end.`,
    name,
  );
}

function listed(entry: DeferredEntry, hasId: boolean): ListedRequest {
  const { id, number, state, method, path, acceptedAt, startedAt, endedAt, attempts, status, code } = entry;
  return {
    id: hasId ? id : null,
    number,
    state,
    method,
    path,
    acceptedAt: iso(acceptedAt),
    startedAt: startedAt === null ? null : iso(startedAt),
    endedAt: endedAt === null ? null : iso(endedAt),
    attempts,
    status,
    code,
  };
}

const iso = (ms: number) => new Date(ms).toISOString();
