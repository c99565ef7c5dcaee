import type { PoolConfig } from "../config/types.ts";
import { Refusal, type RefusalCode } from "../refusals/refusal.ts";
import { type LeaseEnd, notRetried } from "../scheduler/terms/lease-end.ts";
import type { Outlook } from "../scheduler/terms/outlook.ts";
import type { Retry } from "../scheduler/waiting/failed-server.ts";
import { takeEnded, tellEnded } from "./endings.ts";
import type { Env } from "./env.ts";
import { HeldLease } from "./held-lease.ts";
import { logError } from "./log.ts";
import { type Ended, type Granted, type NotGranted, PROTOCOL, type WaitingTicket } from "./protocol.ts";
import { isOverloaded, type PoolStub, poolStub, type ReachAttempt, reach, TICKET_PAUSE } from "./reach.ts";

/** A request without a token is refused when its pool's object has not answered for this long. */
const UNREACHABLE_MS = 10_000;

export const DETAILS = {
  "queue-full": "As many requests as allowed are waiting already. Try again later.",
  "flow-queue-full": "As many of your requests as allowed are waiting already. Try again later.",
  "queue-timeout": "The request waited as long as allowed, and no server became free.",
  "deferred-full": "As many requests as allowed are stored and wait. Try again later.",
  stopped: "The service is stopped for now. Try again later.",
  "no-server": "Every server is down or in maintenance. Try again later.",
  "pool-unavailable": "The pool cannot be reached at the moment. Try again later.",
} as const satisfies Partial<Record<RefusalCode, string>>;

const IMPATIENT = "The request waited as long as its client prefers, and no server became free.";

/** The client disconnected before it had its answer. */
export class ClientLeft extends Error {}

/** The pool asks for the request to be stored instead of waiting with its client (`mayDefer`, `deferAfterMs`). */
export class ToBeDeferred extends Error {
  /** With it, the request keeps its turn; `null`: it has not waited. */
  readonly token: number | null;

  constructor(token: number | null) {
    super();
    this.token = token;
  }
}

/** What `acquireLease` needs of the request that wants the slot. */
export interface RequestContext {
  pool: PoolConfig;
  /** Aborted when the client disconnects. */
  client: AbortSignal;
  /** Runs work that the client does not wait for and that must outlive its connection (`waitUntil`). */
  inBackground: (work: Promise<unknown>) => void;
  /** True if the request may be stored instead of waiting. */
  mayDefer?: boolean;
  /** See `TicketRequest`. */
  deferAfterMs?: number;
}

/** What a request carries over from one attempt to the next, so that it keeps its turn. */
export interface Turn {
  /** Total wait for slots, in ms. The time that servers spent on the request does not count. */
  waitedMs: number;
  /** Absent until the pool has sent one. */
  token?: number;
  /** See `TicketRequest`. */
  hashKey?: number;
  flow?: string;
  aheadMs?: number;
  patienceMs?: number;
  /** The last attempt. Its lease ends right after the request has entered again. */
  failed?: FailedAttempt;
}

export interface FailedAttempt {
  lease: HeldLease;
  end: LeaseEnd;
  /** The server must not get this request again before then; ms since the epoch. */
  restsUntil: number;
}

/**
 * Waits for a slot, through restarts of the pool's object: after a failure the ticket asks a new stub and keeps its
 * turn. Updates `turn`. Rejects with a `Refusal`, with `ClientLeft` if the client disconnects first, or with
 * `ToBeDeferred` if the request may be stored and the pool asks for that.
 *
 * The caller runs this under `waitUntil`, so that a lease granted just as the client disconnects is ended as `unused`
 * instead of getting lost.
 */
export async function acquireLease(env: Env, request: RequestContext, turn: Turn): Promise<HeldLease> {
  const { pool, client, inBackground, mayDefer = false, deferAfterMs } = request;
  const id = crypto.randomUUID();
  const waitedMs = stopwatch(turn.waitedMs);
  let ticket: Rpc.Stub<WaitingTicket> | null = null;
  let unsent: Ended[] = [];
  let failed = turn.failed ?? null;
  /** The pool may have granted a slot in an answer that never arrived. */
  let isAnswerLost = false;
  // A failed call needs no repetition: an object that restarts forgets its tickets.
  const leave = () => void (ticket ? ticket.leave() : poolStub(env, pool).leave(id)).catch(() => {});
  const endFailedLease = (stub?: PoolStub) => {
    if (failed) inBackground(failed.lease.end(failed.end, stub));
    failed = null;
  };
  const enter = async (
    stub: PoolStub,
    { pausedMs, resetBackoff }: ReachAttempt,
  ): Promise<Granted | NotGranted> => {
    if (client.aborted) throw new ClientLeft();
    const { token, hashKey, flow, aheadMs, patienceMs } = turn;
    const retry = turn.failed && retryOf(turn.failed, pool);
    unsent.push(...takeEnded(pool.name));
    const entering = stub.enter({
      protocol: PROTOCOL,
      id,
      pausedMs,
      waitedMs: waitedMs(),
      ...(token === undefined ? {} : { token }),
      ...(retry ? { retry } : {}),
      ...(hashKey === undefined ? {} : { hashKey }),
      ...(flow === undefined ? {} : { flow }),
      ...(aheadMs === undefined ? {} : { aheadMs }),
      ...(patienceMs === undefined ? {} : { patienceMs }),
      // Only at first: a ticket that waits already keeps its turn.
      ...(mayDefer && !retry && pausedMs === 0 ? { mayDefer } : {}),
      // A stored request knows nothing of the server that has failed it.
      ...(deferAfterMs !== undefined && !retry ? { deferAfterMs } : {}),
      ended: unsent,
    });
    // Calls on one stub arrive in order, so the retry is on the waiting list before this frees its old slot.
    endFailedLease(stub);
    const entered = await entering;
    resetBackoff();
    unsent = [];
    const answer = entered.granted || entered.code !== "queued" ? entered : await waitForTurn(entered);
    isAnswerLost = false;
    return answer;
  };
  const waitForTurn = (queued: { ticket: Rpc.Stub<WaitingTicket>; token: number }) => {
    ticket = queued.ticket;
    turn.token = queued.token;
    if (client.aborted) leave();
    return ticket.turn();
  };
  const onFailure = (error: unknown) => {
    if (error instanceof ClientLeft) throw error;
    ticket = null;
    // An overloaded object rejects the call before it runs, so it has granted nothing.
    if (!isOverloaded(error)) isAnswerLost = true;
    refuseIfRetryIsPointless(error, pool, turn, waitedMs());
  };
  client.addEventListener("abort", leave);
  try {
    const answer = await reach(env, pool, enter, onFailure, TICKET_PAUSE);
    if (!answer.granted) throw notGranted(answer, pool, turn);
    turn.token = answer.token;
    const lease = new HeldLease(env, pool, id, answer);
    if (!client.aborted) return lease;
    inBackground(lease.end({ how: "unused" }));
    throw new ClientLeft();
  } finally {
    turn.waitedMs = waitedMs();
    // The client left before there was a retry.
    if (failed) inBackground(failed.lease.end(notRetried(failed.end)));
    // Whether the pool granted a slot is unknown, but nothing was sent to a server: `unused` is right either way.
    if (isAnswerLost) unsent.push({ id, end: { how: "unused" } });
    if (unsent.length > 0) inBackground(tellEnded(env, pool, unsent));
    client.removeEventListener("abort", leave);
    (ticket as Rpc.Stub<WaitingTicket> | null)?.[Symbol.dispose]();
  }
}

function stopwatch(startMs: number): () => number {
  const startedAt = Date.now();
  return () => startMs + Date.now() - startedAt;
}

function retryOf({ lease, restsUntil }: FailedAttempt, { redispatch }: PoolConfig): Retry {
  const restMs = Math.max(0, restsUntil - Date.now());
  return { server: lease.server.name, restMs, avoid: redispatch };
}

function notGranted({ code, message, outlook, token }: NotGranted, pool: PoolConfig, turn: Turn): Error {
  if (code === "defer") return new ToBeDeferred(token ?? null);
  if (code === "left") return new ClientLeft();
  if (code === "queue-timeout") return queueTimeout(pool, turn, outlook);
  return new Refusal(code, message ?? DETAILS[code], pool.name, { outlook });
}

/** Says so where it was the client's own preference that ended the wait, and not `queue_timeout`. */
function queueTimeout(
  pool: PoolConfig,
  { patienceMs }: Pick<Turn, "patienceMs">,
  outlook?: Outlook,
): Refusal {
  if (patienceMs === undefined || patienceMs >= pool.queueTimeoutMs)
    return new Refusal("queue-timeout", DETAILS["queue-timeout"], pool.name, { outlook });
  const headers = { "Preference-Applied": `wait=${patienceMs / 1_000}` };
  return new Refusal("queue-timeout", IMPATIENT, pool.name, { outlook, headers });
}

/**
 * Throws a `Refusal` if the pool's object is overloaded or has been unreachable for too long: `queue_timeout` for a
 * request with a token, because the pool has accepted it, and `UNREACHABLE_MS` for one without; neither is longer than
 * the client's patience.
 */
export function refuseIfRetryIsPointless(
  error: unknown,
  pool: PoolConfig,
  { token, patienceMs = Number.POSITIVE_INFINITY }: Pick<Turn, "token" | "patienceMs">,
  waitedMs: number,
): void {
  const hasToken = token !== undefined;
  const isLate = waitedMs >= Math.min(hasToken ? pool.queueTimeoutMs : UNREACHABLE_MS, patienceMs);
  if (!isLate && !isOverloaded(error)) return;
  logError(error, { pool: pool.name });
  if (isLate && hasToken) throw queueTimeout(pool, { patienceMs });
  throw new Refusal("pool-unavailable", DETAILS["pool-unavailable"], pool.name);
}
