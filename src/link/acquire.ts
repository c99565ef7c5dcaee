import type { PoolConfig } from "../config/types.ts";
import { Refusal, type RefusalCode } from "../refusals/refusal.ts";
import type { LeaseEnd } from "../scheduler/terms/lease-end.ts";
import type { Retry } from "../scheduler/waiting/failed-server.ts";
import { takeEnded, tellEnded } from "./endings.ts";
import type { Env } from "./env.ts";
import { HeldLease } from "./held-lease.ts";
import { logError } from "./log.ts";
import { type Ended, type Granted, type NotGranted, PROTOCOL, type WaitingTicket } from "./protocol.ts";
import { type Attempt, isOverloaded, type PoolStub, poolStub, reach, TICKET_PAUSE } from "./reach.ts";

/** How long a pool that never answered is asked, before a request that has no token yet is refused. */
const UNREACHABLE_MS = 10_000;

const DETAILS = {
  "queue-full": "As many requests as allowed are waiting already. Try again later.",
  "queue-timeout": "The request waited as long as allowed, and no server became free.",
  "no-server": "Every server is down or in maintenance. Try again later.",
  "pool-unavailable": "The pool cannot be reached at the moment. Try again later.",
} as const satisfies Partial<Record<RefusalCode, string>>;

/** The client went away before it had its answer. */
export class ClientLeft extends Error {}

/** Whom a slot is for. */
export interface LeaseSeeker {
  pool: PoolConfig;
  /** Aborted when the client leaves. */
  client: AbortSignal;
  /** Takes work that the client does not wait for, and that goes on when it has left. */
  inBackground: (work: Promise<unknown>) => void;
}

/** What a request keeps from one attempt to the next. */
export interface Turn {
  /** How long it has waited for slots, in ms; what servers spent on it does not count. */
  waitedMs: number;
  /** Once it is known. */
  token?: number;
  /** The last attempt: its lease ends once the request has asked again. */
  failed?: FailedAttempt;
}

export interface FailedAttempt {
  lease: HeldLease;
  end: LeaseEnd;
  /** Until then the server is left alone with this request. */
  restsUntil: number;
}

/**
 * Waits for a slot, through restarts of the pool's object: the ticket then asks a new stub and keeps its turn. Rejects
 * with a `Refusal`, or with `ClientLeft` once the client has.
 *
 * The caller runs this under `waitUntil`, so that a lease granted just when the client left is not lost on
 * the way but handed back unused.
 */
export async function acquireLease(env: Env, seeker: LeaseSeeker, turn: Turn): Promise<HeldLease> {
  const { pool, client, inBackground } = seeker;
  const id = crypto.randomUUID();
  const waited = stopwatch(turn.waitedMs);
  let ticket: Rpc.Stub<WaitingTicket> | null = null;
  let untold: Ended[] = [];
  let failed = turn.failed ?? null;
  /** The pool was asked, and its answer got lost: that may have been a slot. */
  let isAnswerLost = false;
  // An object that has restarted has forgotten the ticket anyway.
  const leave = () => void (ticket ? ticket.leave() : poolStub(env, pool).leave(id)).catch(() => {});
  const endFailed = (stub?: PoolStub) => {
    if (failed) inBackground(failed.lease.end(failed.end, stub));
    failed = null;
  };
  const ask = async (stub: PoolStub, { pausedMs, reached }: Attempt): Promise<Granted | NotGranted> => {
    if (client.aborted) throw new ClientLeft();
    const { token } = turn;
    const retry = turn.failed && retryAfter(turn.failed, pool);
    untold.push(...takeEnded(pool.name));
    const entering = stub.enter({
      protocol: PROTOCOL,
      id,
      pausedMs,
      waitedMs: waited(),
      ...(token === undefined ? {} : { token }),
      ...(retry ? { retry } : {}),
      ended: untold,
    });
    // On the same stub, and so behind: the slot that comes free by it finds the request on the list again.
    endFailed(stub);
    const entered = await entering;
    reached();
    untold = [];
    const answer = entered.granted || entered.code !== "queued" ? entered : await whenItsTurn(entered);
    isAnswerLost = false;
    return answer;
  };
  const whenItsTurn = (queued: { ticket: Rpc.Stub<WaitingTicket>; token: number }) => {
    ticket = queued.ticket;
    turn.token = queued.token;
    if (client.aborted) leave();
    return ticket.turn();
  };
  const onFailure = (error: unknown) => {
    if (error instanceof ClientLeft) throw error;
    ticket = null;
    // An overloaded object has not run the call.
    if (!isOverloaded(error)) isAnswerLost = true;
    refuseIfHopeless(error, pool, turn.token, waited());
  };
  client.addEventListener("abort", leave);
  try {
    const answer = await reach(env, pool, ask, onFailure, TICKET_PAUSE);
    if (!answer.granted) throw notGranted(answer, pool);
    turn.token = answer.token;
    const lease = new HeldLease(env, pool, id, answer);
    if (!client.aborted) return lease;
    inBackground(lease.end({ how: "unused" }));
    throw new ClientLeft();
  } finally {
    turn.waitedMs = waited();
    endFailed();
    // Whatever the pool made of the ticket: nothing was sent to a server.
    if (isAnswerLost) untold.push({ id, end: { how: "unused" } });
    if (untold.length > 0) inBackground(tellEnded(env, pool, untold));
    client.removeEventListener("abort", leave);
    (ticket as Rpc.Stub<WaitingTicket> | null)?.[Symbol.dispose]();
  }
}

function stopwatch(startMs: number): () => number {
  const startedAt = Date.now();
  return () => startMs + Date.now() - startedAt;
}

function retryAfter({ lease, restsUntil }: FailedAttempt, { redispatch }: PoolConfig): Retry {
  const restMs = Math.max(0, restsUntil - Date.now());
  return { server: lease.server.name, restMs, avoid: redispatch };
}

function notGranted({ code }: NotGranted, pool: PoolConfig): Error {
  return code === "left" ? new ClientLeft() : new Refusal(code, DETAILS[code], pool.name);
}

/** A request with a token waits for its pool as long as it would wait for a slot; one without does not. */
function refuseIfHopeless(
  error: unknown,
  pool: PoolConfig,
  token: number | undefined,
  waitedMs: number,
): void {
  const isTold = token !== undefined;
  const isLate = waitedMs >= (isTold ? pool.queueTimeoutMs : UNREACHABLE_MS);
  if (!isLate && !isOverloaded(error)) return;
  logError(error, { pool: pool.name });
  if (isLate && isTold) throw new Refusal("queue-timeout", DETAILS["queue-timeout"], pool.name);
  throw new Refusal("pool-unavailable", DETAILS["pool-unavailable"], pool.name);
}
