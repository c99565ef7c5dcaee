import type { PoolConfig } from "../config/types.ts";
import { Refusal, type RefusalCode } from "../refusals/refusal.ts";
import { countsFlows } from "../scheduler/terms/flows.ts";
import { type LeaseEnd, notRetried } from "../scheduler/terms/lease-end.ts";
import type { Outlook } from "../scheduler/terms/outlook.ts";
import { passesOn } from "../scheduler/terms/passing.ts";
import type { Retry } from "../scheduler/waiting/failed-server.ts";
import { type Report, takeReport, tellEnded, toldOf } from "./endings.ts";
import type { Env } from "./env.ts";
import { grantedLease, HeldLease } from "./held-lease.ts";
import { type Line, lineOf, type PassableLease, Place } from "./line.ts";
import { logError } from "./log.ts";
import {
  type Granted,
  type NotGranted,
  PROTOCOL,
  type Queued,
  type Served,
  type WaitingTicket,
} from "./protocol.ts";
import {
  backoffMs,
  isOverloaded,
  type PoolAddress,
  type PoolStub,
  poolStub,
  type ReachAttempt,
  reach,
  TICKET_PAUSE,
} from "./reach.ts";
import { addressOf, heardLoad, nextShard, pickShard } from "./shard-choice.ts";

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

/** Who has waited for longer than this, in ms, asks all shards again. */
const STALE_MS = 100;
/** So many shards may say that their lists are full until a request is refused. */
const MOST_FULL = 3;

/** A request leaves a shard that has not answered for so long, in ms, for another one. */
const SHARD_PATIENCE_MS = 2_000;

/**
 * How long a retry waits, in ms, to hear its token, if its first attempt was passed a lease and has failed before the pool had
 * heard of that: without one it would lose its turn.
 */
const TOKEN_MS = 100;

const IMPATIENT = "The request waited as long as its client prefers, and no server became free.";

/** The client disconnected before it had its answer. */
export class ClientLeft extends Error {}

/** The call of a request has failed that had got a lease which was passed on. */
class NotRepeated extends Error {}

/** The pool asks for the request to be stored instead of waiting with its client (`mayDefer`, `deferAfterMs`). */
export class ToBeDeferred extends Error {
  /** With it, the request keeps its turn; `null`: it has not waited. */
  readonly token: number | null;
  /** The shard that gave it. */
  shard = 0;

  constructor(token: number | null) {
    super();
    this.token = token;
  }
}

/** The request is to wait at another shard of its pool. */
class Elsewhere extends Error {
  /** `null`: at any that has not sent it away. */
  readonly to: number | null;
  readonly sentOn: boolean;
  readonly isFull: boolean;

  constructor(to: number | null, sentOn: boolean, isFull = false) {
    super();
    this.to = to;
    this.sentOn = sentOn;
    this.isFull = isFull;
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
  /** Of a pool of several objects: which of them gave the token, or sent the request on to this one. Absent: any may have it. */
  shard?: number;
  /** See `TicketRequest`. */
  sentOn?: boolean;
  /** Resolves once the pool has answered a request that was passed a lease: with a token, mostly. */
  answered?: Promise<unknown>;
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
  const { pool } = request;
  /** Those that had no place or no server for it, and how many of them had no place. */
  const asked = new Set<number>();
  let full = 0;
  let moves = 0;
  for (let shard = turn.shard ?? (pool.shards === 1 ? 0 : pickShard(pool, turn)); ; ) {
    const isLast = asked.size >= pool.shards - 1 || full >= MOST_FULL;
    const { waitedMs } = turn;
    try {
      turn.shard = shard;
      return await acquireAt(env, request, turn, { shard, isLast });
    } catch (error) {
      if (error instanceof ToBeDeferred) error.shard = shard;
      const isOverloaded =
        error instanceof Refusal && error.code === "pool-unavailable" && !countsFlows(pool);
      // The pool may have become several objects meanwhile.
      const move = isOverloaded && !isLast ? new Elsewhere(null, false) : error;
      if (!(move instanceof Elsewhere)) throw error;
      if (move.sentOn) turn.sentOn = true;
      // What had no server for it may have one by now.
      if (turn.waitedMs - waitedMs > STALE_MS) {
        asked.clear();
        moves = 0;
      }
      if (move.isFull) full++;
      // One that has no place for it any more would send it on again and again.
      if (!move.sentOn || move.to === null) asked.add(shard);
      shard = move.to ?? nextShard(pool, turn, asked, shard);
      if (++moves > 2 * pool.shards) await scheduler.wait(backoffMs(moves - 2 * pool.shards));
      // Another object would take it for one of a list that it had, and wait for the others. How long it has waited is told, too.
      delete turn.token;
    }
  }
}

/** Waits for a slot of this shard. Rejects as `acquireLease`, or with `Elsewhere`. */
async function acquireAt(
  env: Env,
  request: RequestContext,
  turn: Turn,
  at: { shard: number; isLast: boolean },
): Promise<HeldLease> {
  const { client } = request;
  const waiting = new Waiting(env, request, turn, at);
  const leave = () => waiting.leave();
  client.addEventListener("abort", leave);
  try {
    const lease = await waiting.lease();
    if (!client.aborted) return lease;
    request.inBackground(lease.end({ how: "unused" }));
    throw new ClientLeft();
  } finally {
    turn.waitedMs = waiting.waitedMs;
    client.removeEventListener("abort", leave);
  }
}

/** One wait for a slot: by a call of the object, and in the line of this isolate. */
class Waiting {
  readonly #env: Env;
  readonly #request: RequestContext;
  readonly #turn: Turn;
  readonly #shard: number;
  readonly #isLast: boolean;
  /** Where the shard is. */
  readonly #address: PoolAddress;
  /** When its calls began to fail; `null`: the last one did not. */
  #failingSince: number | null = null;
  readonly #id = crypto.randomUUID();
  readonly #startedAt = Date.now();
  readonly #waitedBefore: number;
  /** `null`: leases of the pool are not passed on. */
  readonly #line: Line | null;
  readonly #place: Place;
  #result = Promise.withResolvers<HeldLease | PassableLease>();
  #ticket: Rpc.Stub<WaitingTicket> | null = null;
  #unsent: Report = { ended: [], passed: [] };
  #failed: FailedAttempt | null;
  /** The pool may have granted a slot in an answer that never arrived. */
  #isAnswerLost = false;
  /** The pool has given its last answer, or its call has failed and was not repeated: the request had a lease by then. */
  #isAnswered = false;
  #isNotRepeated = false;

  /** `isLast`: no other shard may be asked that has a place or a server for it. */
  constructor(
    env: Env,
    request: RequestContext,
    turn: Turn,
    { shard, isLast }: { shard: number; isLast: boolean },
  ) {
    this.#env = env;
    this.#request = request;
    this.#turn = turn;
    this.#shard = shard;
    this.#isLast = isLast;
    this.#address = addressOf(request.pool, shard);
    this.#waitedBefore = turn.waitedMs;
    this.#failed = turn.failed ?? null;
    const { pool, deferAfterMs = Number.POSITIVE_INFINITY } = request;
    this.#line = passesOn(pool) ? lineOf(this.#address.name) : null;
    const longestMs = Math.min(pool.queueTimeoutMs, turn.patienceMs ?? deferAfterMs, deferAfterMs);
    const until = this.#startedAt + longestMs - turn.waitedMs;
    const due = (turn.token ?? this.#startedAt - turn.waitedMs) - (turn.aheadMs ?? 0);
    this.#place = new Place(this.#id, { due, until }, (lease) => this.#result.resolve(lease));
  }

  get waitedMs(): number {
    return this.#waitedBefore + Date.now() - this.#startedAt;
  }

  /** Resolves with the slot that it is granted, or that is passed on to it. Rejects as `acquireLease`. */
  async lease(): Promise<HeldLease> {
    const { token, answered: before } = this.#turn;
    if (token === undefined && before) await Promise.race([before, scheduler.wait(TOKEN_MS)]);
    let answered = this.#answer();
    for (;;) {
      answered.then(
        (lease) => lease && this.#result.resolve(lease),
        (error) => {
          // Then the lease is the result.
          if (!(error instanceof NotRepeated)) this.#result.reject(error);
        },
      );
      const lease = await this.#result.promise;
      if (lease instanceof HeldLease) return lease;
      if (this.#place.take()) {
        // The pool hears of it later, and may have granted a slot until then.
        const ended = answered.then((surplus) => surplus?.end(SURPLUS)).catch(() => this.#endLostGrant());
        this.#request.inBackground(ended);
        this.#turn.answered = ended;
        return new HeldLease(this.#env, this.#address, lease);
      }
      // It has gone on so late that somebody else has the lease.
      this.#result = Promise.withResolvers();
      this.#place.state = "waits";
      if (this.#isNotRepeated) answered = this.#answer();
      // It left when it seemed to have a lease to give back.
      else if (this.#request.client.aborted) this.leave();
      else if (!this.#isAnswered) this.#line?.back(this.#place);
    }
  }

  /** The client has left. A failed call needs no repetition: an object that restarts forgets its tickets. */
  leave(): void {
    // Then it has a lease to give back.
    if (this.#place.state === "given" || this.#place.state === "served") return;
    this.#line?.leave(this.#place);
    const gone = this.#ticket ? this.#ticket.leave() : poolStub(this.#env, this.#address).leave(this.#id);
    void gone.catch(() => {});
  }

  /** Resolves with the slot that the object grants; with `null` once it knows of one that was passed on. */
  async #answer(): Promise<HeldLease | null> {
    const { pool, inBackground } = this.#request;
    this.#isAnswered = this.#isNotRepeated = false;
    try {
      const enter = (stub: PoolStub, attempt: ReachAttempt) => this.#enter(stub, attempt);
      const onFailure = (error: unknown) => this.#onFailure(error);
      const answer = await reach(this.#env, this.#address, enter, onFailure, TICKET_PAUSE);
      // A retry keeps its turn by it.
      if (answer.token !== undefined) this.#turn.token = answer.token;
      if (!answer.granted && answer.code === "served") return null;
      if (!answer.granted) throw notGranted(answer, pool, this.#turn);
      return new HeldLease(this.#env, this.#address, grantedLease(this.#id, answer));
    } finally {
      this.#isAnswered = true;
      this.#line?.leave(this.#place);
      // The client left before there was a retry.
      if (this.#failed) inBackground(this.#failed.lease.end(notRetried(this.#failed.end)));
      const { ended, passed } = this.#unsent;
      this.#unsent = { ended: [], passed: [] };
      // Whether the pool granted a slot is unknown, but nothing was sent to a server: `unused` is right either way. Not
      // yet where the request may have to ask again: `unused` would end what it gets then.
      if (this.#isAnswerLost && !this.#isNotRepeated)
        ended.push({ id: this.#id, end: this.#isServed ? SURPLUS : { how: "unused" } });
      if (ended.length + passed.length > 0)
        inBackground(tellEnded(this.#env, this.#address, ended, { passed }));
      this.#ticket?.[Symbol.dispose]();
    }
  }

  /** The call was not repeated, and the pool may have granted a slot in the answer that never arrived. */
  async #endLostGrant(): Promise<void> {
    if (!this.#isNotRepeated || !this.#isAnswerLost) return;
    await tellEnded(this.#env, this.#address, [{ id: this.#id, end: SURPLUS }]);
  }

  async #enter(
    stub: PoolStub,
    { pausedMs, resetBackoff }: ReachAttempt,
  ): Promise<Granted | Served | NotGranted> {
    const { pool, client, mayDefer = false, deferAfterMs } = this.#request;
    if (client.aborted) throw new ClientLeft();
    const { token, hashKey, flow, aheadMs, patienceMs } = this.#turn;
    const retry = this.#turn.failed && retryOf(this.#turn.failed, pool);
    if (retry) this.#line?.overtaken();
    const { ended, passed } = takeReport(this.#address.name);
    this.#unsent.ended.push(...ended);
    this.#unsent.passed.push(...passed);
    const entering = stub.enter({
      protocol: PROTOCOL,
      id: this.#id,
      pausedMs,
      waitedMs: this.waitedMs,
      ...(pausedMs > 0 ? { sentAt: Date.now() } : {}),
      ...(this.#line ? { caller: this.#line.enter(this.#place) } : {}),
      ...(token === undefined ? {} : { token }),
      ...(this.#turn.sentOn ? { sentOn: true } : {}),
      ...(this.#isLast ? {} : { mayAskAnother: true }),
      ...(retry ? { retry } : {}),
      ...(hashKey === undefined ? {} : { hashKey }),
      ...(flow === undefined ? {} : { flow }),
      ...(aheadMs === undefined ? {} : { aheadMs }),
      ...(patienceMs === undefined ? {} : { patienceMs }),
      // Only at first: a ticket that waits already keeps its turn.
      ...(mayDefer && !retry && pausedMs === 0 ? { mayDefer } : {}),
      // A stored request knows nothing of the server that has failed it.
      ...(deferAfterMs !== undefined && !retry ? { deferAfterMs } : {}),
      ended: this.#unsent.ended,
      ...(this.#unsent.passed.length > 0 ? { passed: toldOf(this.#unsent.passed) } : {}),
    });
    // Calls on one stub arrive in order, so the retry is on the waiting list before this frees its old slot.
    if (this.#failed) this.#request.inBackground(this.#failed.lease.end(this.#failed.end, stub));
    this.#failed = null;
    const entered = await entering;
    resetBackoff();
    this.#failingSince = null;
    this.#unsent = { ended: [], passed: [] };
    const answer = entered.granted || entered.code !== "queued" ? entered : await this.#waitForTurn(entered);
    this.#isAnswerLost = false;
    if ("load" in answer) heardLoad(pool, this.#shard, answer.load);
    if ("next" in answer) this.#line?.hear(answer.next);
    return answer;
  }

  async #waitForTurn({
    ticket,
    token,
    next,
    load,
  }: Omit<Queued, "ticket"> & { ticket: Rpc.Stub<WaitingTicket> }): Promise<Granted | Served | NotGranted> {
    this.#ticket = ticket;
    this.#turn.token = token;
    heardLoad(this.#request.pool, this.#shard, load);
    this.#line?.hear(next);
    if (this.#request.client.aborted) this.leave();
    for (;;) {
      const answer = await ticket.turn();
      if (answer.granted || answer.code !== "again") return answer;
      this.#line?.hear(answer.next);
    }
  }

  #onFailure(error: unknown): void {
    this.#line?.pause(this.#place);
    if (error instanceof ClientLeft) throw error;
    this.#ticket = null;
    // An overloaded object rejects the call before it runs, so it has granted nothing.
    if (!isOverloaded(error)) this.#isAnswerLost = true;
    // It needs no other slot.
    if (this.#isServed) {
      this.#isNotRepeated = true;
      throw new NotRepeated();
    }
    const { pool } = this.#request;
    this.#failingSince ??= Date.now();
    const isOut = Date.now() - this.#failingSince >= SHARD_PATIENCE_MS;
    if (pool.shards > 1 && isOut && !countsFlows(pool)) {
      // The next request of this isolate asks another one, too.
      heardLoad(pool, this.#shard, UNKNOWN_LOAD);
      const hasPlace = this.#turn.token !== undefined || this.#turn.sentOn === true;
      throw new Elsewhere(pickShard(pool, this.#turn, this.#shard), hasPlace);
    }
    refuseIfRetryIsPointless(error, pool, this.#turn, this.waitedMs);
  }

  /** True if it has got a lease that was passed on. */
  get #isServed(): boolean {
    return this.#place.state === "given" || this.#place.state === "served";
  }
}

/** Of a shard that does not answer. */
const UNKNOWN_LOAD = { slots: 0, queued: 0, free: 0 };

/** How a slot ends that was granted to a request which had got another one by then. */
const SURPLUS: LeaseEnd = { how: "unused", served: true };

function retryOf({ lease, restsUntil }: FailedAttempt, { redispatch }: PoolConfig): Retry {
  const restMs = Math.max(0, restsUntil - Date.now());
  return { server: lease.server.name, restMs, avoid: redispatch };
}

function notGranted(answer: NotGranted, pool: PoolConfig, turn: Turn): Error {
  const { code, message, outlook, token, to = null, sentOn = false, isFull } = answer;
  if (code === "elsewhere") return new Elsewhere(to, sentOn, isFull);
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
  {
    token,
    sentOn = false,
    patienceMs = Number.POSITIVE_INFINITY,
  }: Pick<Turn, "token" | "sentOn" | "patienceMs">,
  waitedMs: number,
): void {
  // Or one that another object of the pool has accepted.
  const hasToken = token !== undefined || sentOn;
  const isLate = waitedMs >= Math.min(hasToken ? pool.queueTimeoutMs : UNREACHABLE_MS, patienceMs);
  if (!isLate && !isOverloaded(error)) return;
  logError(error, { pool: pool.name });
  if (isLate && hasToken) throw queueTimeout(pool, { patienceMs });
  throw new Refusal("pool-unavailable", DETAILS["pool-unavailable"], pool.name);
}
