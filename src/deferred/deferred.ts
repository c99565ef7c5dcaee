import { DurableObject } from "cloudflare:workers";
import { mayRepeat } from "../carry/failure.ts";
import type { PoolConfig } from "../config/types.ts";
import { DETAILS } from "../link/acquire.ts";
import { Conditions } from "../link/conditions.ts";
import type { DeferAnswer, DeferredEndState, DeferredState, Place } from "../link/deferral.ts";
import {
  type Accepted,
  type Canceled,
  type DeferredCalls,
  type DeferredStatus,
  type LiveAnswer,
  POOL_PATIENCE_MS,
  type StoredAnswer,
  type StoredRequest,
  type Turn,
  type TurnAnswer,
} from "../link/deferred-calls.ts";
import { responseUrl } from "../link/deferred-id.ts";
import type { Env } from "../link/env.ts";
import { grantedLease, HeldLease } from "../link/held-lease.ts";
import { logError } from "../link/log.ts";
import type { Lease } from "../link/protocol.ts";
import { webhookKey } from "../link/webhook-key.ts";
import { Refusal } from "../refusals/refusal.ts";
import { LEASE_TTL_MS } from "../scheduler/fleet/leases.ts";
import { type LeaseEnd, notRetried, type SchedulerRefusal } from "../scheduler/terms/lease-end.ts";
import { isReachedBy } from "../servers/fetcher.ts";
import { PoolMessages, REPEAT_MS } from "./pool-messages.ts";
import { Presence } from "./presence.ts";
import {
  endStatusOf,
  forgottenAt,
  isEnded,
  isWaiting,
  type Progress,
  statusOf,
  storing,
  triedAgain,
  waitingAgain,
  withTicket,
} from "./progress.ts";
import { Run, type RunEnd } from "./run.ts";
import { Store } from "./store.ts";
import { type Notice, notify, pauseMs } from "./webhook.ts";

/** How long a request may be on its way into storage, in ms. One that is not accepted by then is deleted. */
const STORING_MS = 600_000;
/** How often an alarm looks whether what runs has ended, in ms. */
const RUNNING_WATCH_MS = 600_000;
/** How long after its expiry a request looks for itself what the pool has made of it, in ms. */
const OVERDUE_MS = 60_000;
/** An alarm that comes in between looks whether a webhook is still to be sent, in ms. */
const WEBHOOK_WATCH_MS = 60_000;

/**
 * A deferred request's Durable Object: it stores the request, carries it once its pool calls it, stores the answer, and
 * deletes itself. `link/deferred-calls.ts` describes its calls. To the pool it is a Worker like any other: it holds a
 * lease, renews and ends it.
 *
 * A restart loses what runs. Whether the request may be sent again is decided by the rules of retries; if not, nobody
 * knows what the server did, and the request says so (`fate-unknown`).
 */
export class Deferred extends DurableObject<Env> implements DeferredCalls {
  readonly #store: Store;
  readonly #conditions = new Conditions();
  readonly #pool: PoolMessages;
  /** Clients that wait for the answer itself, and what of it each gets. */
  readonly #audience = new Set<{ live: LiveAnswer | null }>();
  /** `null`: there is no such request. */
  #request: StoredRequest | null;
  #progress: Progress | null;
  #run: Run | null = null;
  #lease: HeldLease | null = null;
  #isNotifying = false;
  /** A retry that the pool has not answered yet. */
  #retrying: Promise<DeferAnswer> | null = null;
  /** Resolves once no call is under way that tells the pool of an end. */
  #telling: Promise<unknown> = Promise.resolve();
  /** True if the pool has heard of the present end from this instance. */
  #isEndHeard = false;
  /** Of the page that waits for it; `null`: it is no page's. */
  #presence: Presence | null = null;
  /** True once that page's visitor has left, and the server is being cut off. */
  #isAbandoned = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new Store(ctx.storage);
    this.#pool = new PoolMessages(env, ctx.id.toString(), this.#store);
    this.#request = this.#store.request;
    this.#progress = this.#store.progress;
    this.#presence = presenceOf(this.#request);
    if (this.#request && this.#progress) this.#goOn(this.#request, this.#progress);
  }

  // ── The Worker that accepts it ──

  async store(request: StoredRequest, body: Uint8Array | null): Promise<Accepted> {
    if (!this.#progress) {
      this.open(request);
      if (body) this.append(request.secret, 0, body);
    }
    return this.accept(request.secret, body ? 1 : 0);
  }

  open(request: StoredRequest): void {
    if (this.#progress) return;
    const now = Date.now();
    this.#request = request;
    this.#presence = presenceOf(request);
    this.#store.request = request;
    this.#write(storing(request, now));
    this.#store.setAlarm(now + STORING_MS);
  }

  append(secret: string, row: number, bytes: Uint8Array): boolean {
    if (this.#found(secret)?.progress.state !== "storing") return false;
    const { rows, bytes: before } = this.#store.body;
    // A repeated call has been heard before.
    if (row < rows) return true;
    this.#store.putRow("body", row, bytes);
    this.#store.body = { rows: row + 1, bytes: before + bytes.byteLength };
    return true;
  }

  async accept(secret: string, rows: number): Promise<Accepted> {
    const found = this.#found(secret);
    if (!found || this.#store.body.rows !== rows) return { code: "unknown-request" };
    if (found.progress.state === "storing") return this.#enter(found.request);
    const status = await this.status(secret);
    return status ? { code: "accepted", status } : { code: "unknown-request" };
  }

  async discard(secret: string): Promise<void> {
    const found = this.#found(secret);
    if (found?.progress.state !== "storing") return;
    await this.#deleteAll();
    await this.#pool.withdraw(found.request);
  }

  // ── Its pool ──

  async turn(ticket: string, turn: Turn | null): Promise<TurnAnswer> {
    // The pool may grant a slot to a retry before this object has heard that it is on the list: not "ended", then.
    await this.#retrying?.catch(() => {});
    const [request, progress] = [this.#request, this.#progress];
    if (!request || !progress) return "unknown";
    if (isEnded(progress)) this.#inBackground(this.#tellEnd(request, progress));
    const waits = isWaiting(progress);
    if (progress.ticket === ticket) {
      // The pool did not hear the first answer, and goes by the new handle.
      const handle = turn && handleOf(turn);
      if (handle && progress.state === "running") this.#lease?.adopt(handle);
      if (progress.failed && waits) this.#inBackground(this.#pool.again(request, progress));
      // It has been disowned before.
      return waits && !progress.failed ? "waiting" : "begun";
    }
    // A late message: what became of that slot is told apart.
    if (progress.former.includes(ticket)) return "begun";
    if (!waits) return "ended";
    // Of an earlier version, as in a deploy, it may know neither the pool nor the way to the server.
    const isReached = turn !== null && isReachedBy(this.env, turn.granted.server);
    const pool = isReached ? this.#pool.poolOf(request) : null;
    if (turn && pool) {
      const { granted, shard = 0 } = turn;
      const address = this.#pool.addressOf(request, shard);
      const lease = new HeldLease(this.env, address, grantedLease(ticket, granted), handleOf(turn));
      this.#begin(request, withTicket(progress, ticket, shard), pool, lease);
    } else this.#write(withTicket(progress, ticket));
    return turn && pool ? "begun" : "waiting";
  }

  async refused(ticket: string, code: SchedulerRefusal): Promise<TurnAnswer> {
    // As in `turn`.
    await this.#retrying?.catch(() => {});
    const [request, progress] = [this.#request, this.#progress];
    if (!request || !progress) return "unknown";
    // A late message, of what was told before.
    if (progress.former.includes(ticket) || progress.state === "running") return "begun";
    if (isWaiting(progress))
      this.#fail(request, withTicket(progress, ticket), new Refusal(code, DETAILS[code], request.pool));
    await this.#tellEnd(request, this.#progress as Progress);
    return "ended";
  }

  // ── Its client and operators ──

  async status(secret: string): Promise<DeferredStatus | null> {
    const found = this.#accepted(secret);
    if (!found) return null;
    const { request, progress } = found;
    this.#seen();
    const place = progress.state === "queued" ? await this.#pool.placeOf(request) : null;
    // It may have had its turn meanwhile.
    return this.#statusOf(request, this.#progress ?? progress, place);
  }

  numberOf(secret: string, pool: string): number | null {
    return this.#accepted(secret, pool)?.progress.number ?? null;
  }

  async state(secret: string, known: DeferredState, holdMs: number): Promise<DeferredState | null> {
    const state = () => this.#accepted(secret)?.progress.state ?? null;
    if (state() !== null) this.#seen();
    await this.#conditions.until(() => state() !== known, holdMs);
    // One that is not accepted is not found.
    return state() as DeferredState | null;
  }

  answer(secret: string): { answer: StoredAnswer; first: Uint8Array | null } | null {
    const answer = this.#accepted(secret)?.progress.state === "answered" ? this.#store.answer : null;
    return answer && { answer, first: this.row(secret, 0) };
  }

  row(secret: string, row: number): Uint8Array | null {
    return this.#accepted(secret)?.progress.state === "answered" ? this.#store.row("answer", row) : null;
  }

  async untilEnded(secret: string, waitMs: number): Promise<DeferredStatus | LiveAnswer | null> {
    const waiting = { live: null as LiveAnswer | null };
    this.#audience.add(waiting);
    const isOver = () => {
      const progress = this.#accepted(secret)?.progress;
      return waiting.live !== null || !progress || isEnded(progress);
    };
    if (this.#accepted(secret)) this.#seen();
    await this.#conditions.until(isOver, waitMs);
    this.#audience.delete(waiting);
    return waiting.live ?? this.status(secret);
  }

  async cancel(secret: string, pool?: string, forget = true): Promise<Canceled | "forgotten" | null> {
    const found = this.#accepted(secret, pool);
    if (!found) return null;
    const { request, progress } = found;
    if (isEnded(progress) && !forget) return progress.state as DeferredEndState;
    if (isEnded(progress)) return (await this.#forget(request, progress)) ? "forgotten" : "stopping";
    if (progress.state === "running") {
      this.#stop(progress);
      return "stopping";
    }
    this.#end(request, { ...progress, state: "canceled" });
    await this.#tellEnd(request, this.#progress as Progress);
    return "canceled";
  }

  async retry(secret: string, pool?: string): Promise<DeferAnswer | "not-failed" | null> {
    const found = this.#accepted(secret, pool);
    if (!found) return null;
    const { request, progress } = found;
    if (progress.state !== "failed") return "not-failed";
    this.#retrying ??= this.#queueAgain(request, progress).finally(() => {
      this.#retrying = null;
    });
    return this.#retrying;
  }

  left(secret: string): void {
    const found = this.#accepted(secret);
    if (found && !isEnded(found.progress) && this.#presence)
      this.#store.setAlarm(this.#presence.left(Date.now()));
  }

  // ── Platform ──

  override async alarm(info?: AlarmInvocationInfo): Promise<void> {
    try {
      await this.#wake(info?.scheduledTime ?? Date.now());
    } catch (error) {
      // The platform repeats an alarm that fails six times only, and then nothing would ever be deleted.
      logError(error, { pool: this.#request?.pool, deferred: true });
      this.#store.setAlarm(Date.now() + OVERDUE_MS);
    }
  }

  // ── Internals ──

  /** `dueAt`: when the alarm should have rung. */
  async #wake(dueAt: number): Promise<void> {
    const [request, progress, now] = [this.#request, this.#progress, Date.now()];
    if (!request || !progress) return;
    if (this.#presence && (progress.state === "queued" || progress.state === "running"))
      await this.#missVisitor(request, progress, this.#presence, now, dueAt);
    else if (progress.state === "storing") {
      if (now < progress.acceptedAt + STORING_MS) this.#store.setAlarm(progress.acceptedAt + STORING_MS);
      else await this.discard(request.secret);
    } else if (progress.state === "queued") await this.#lookForItself(request, progress, now);
    else if (progress.state === "running") this.#store.setAlarm(now + RUNNING_WATCH_MS);
    // The URL that a webhook speaks of leads nowhere from now on, so it is not sent any more.
    else if (now >= forgottenAt(request, progress)) await this.#forget(request, progress);
    else if (progress.webhook) await this.#notifyIfDue(request, progress, now);
    // The clock of who rings may be ahead of this one.
    else this.#store.setAlarm(forgottenAt(request, progress));
  }

  /** Its page is seen as long as it waits: each look at the request is the page's, or one of its visitor's. */
  #seen(): void {
    if (!this.#presence || !this.#progress || isEnded(this.#progress)) return;
    const alarmAt = this.#presence.seen(Date.now());
    const overdueAt = isWaiting(this.#progress)
      ? this.#progress.expiresAt + OVERDUE_MS
      : Number.POSITIVE_INFINITY;
    if (alarmAt !== null) this.#store.setAlarm(Math.min(alarmAt, overdueAt));
  }

  async #missVisitor(
    request: StoredRequest,
    progress: Progress,
    presence: Presence,
    now: number,
    dueAt: number,
  ): Promise<void> {
    const nextAt = presence.ring(now, dueAt);
    if (nextAt !== null) {
      if (isWaiting(progress) && now >= progress.expiresAt + OVERDUE_MS)
        await this.#lookForItself(request, progress, now);
      if (this.#progress && !isEnded(this.#progress)) this.#store.setAlarm(nextAt);
      return;
    }
    if (isWaiting(progress)) {
      this.#end(request, { ...progress, state: "canceled" });
      // Whoever comes back after all begins anew, and is not told that somebody has canceled it.
      await this.#forget(request, this.#progress as Progress);
      return;
    }
    // As of any client that leaves, unless the answer may be kept for one who comes back.
    if (this.#pool.poolOf(request)?.onClientAbort === "cancel") {
      this.#isAbandoned = true;
      this.#stop(progress);
    }
    this.#store.setAlarm(presence.again(now));
  }

  /** Puts it on the waiting list. */
  async #enter(request: StoredRequest): Promise<Accepted> {
    const progress = this.#progress as Progress;
    const answer = await this.#pool.defer(request, progress, null);
    // It may have had its turn meanwhile, or was discarded.
    const present = this.#progress;
    if (!present) return { code: "unknown-request" };
    if (answer.code === "deferred") {
      const state = present.state === "storing" ? "queued" : present.state;
      const accepted = { ...present, state, number: answer.number };
      this.#write(accepted);
      this.#seen();
      const place = state === "queued" ? answer.place : null;
      return { code: "accepted", status: this.#statusOf(request, accepted, place) };
    }
    if (present.state === "storing") await this.#deleteAll();
    return answer;
  }

  #begin(request: StoredRequest, before: Progress, pool: PoolConfig, lease: HeldLease): void {
    const progress: Progress = {
      ...before,
      state: "running",
      server: lease.server.name,
      attempts: before.attempts + 1,
      startedAt: Date.now(),
    };
    this.#write(progress);
    const run = new Run();
    this.#run = run;
    this.#lease = lease;
    const carrying = run.carry(
      { env: this.env, pool, request, store: this.#store, progress, lease },
      {
        answer: () => this.#end(request, { ...(this.#progress as Progress), state: "answered" }),
        live: (answer) => this.#takeLive(answer),
        background: (work) => this.#inBackground(work),
      },
    );
    this.#inBackground(carrying.then((end) => this.#over(request, pool, lease, end, run.leaseTold)));
  }

  async #over(
    request: StoredRequest,
    pool: PoolConfig,
    lease: HeldLease,
    end: RunEnd,
    leaseTold: Promise<unknown>,
  ): Promise<void> {
    this.#run = null;
    this.#lease = null;
    const progress = this.#progress as Progress;
    if (end.how === "again" && !progress.canceled) {
      lease.stop();
      await this.#again(request, progress, pool, end.end);
      lease.dispose();
      return;
    }
    const told = end.how === "again" ? lease.end(notRetried(end.end)) : leaseTold;
    if (!isEnded(progress)) {
      if (end.how === "failed") this.#fail(request, progress, end.refusal);
      else this.#end(request, { ...progress, state: end.how === "answered" ? "answered" : "canceled" });
    }
    await this.#tellEnd(request, this.#progress as Progress, told);
    if (this.#isAbandoned && this.#progress) await this.#forget(request, this.#progress);
  }

  /** An operator wants a request that has failed to be tried again. */
  async #queueAgain(request: StoredRequest, progress: Progress): Promise<DeferAnswer> {
    // The pool would take an end that it hears of later for the new try's.
    await this.#telling;
    // Nor may it take the new try for the old one: asked for the old ticket, this object would not know it any more, and
    // the pool would free a slot whose server may be at work.
    if (!this.#isEndHeard) await this.#reachEnd(request, this.#progress ?? progress, POOL_PATIENCE_MS);
    const { number } = this.#progress ?? progress;
    const again = triedAgain(progress, request, Date.now());
    // The pool's row first: a request that is not on its list would never have a turn.
    const answer = await this.#pool.defer(request, again, number);
    if (answer.code !== "deferred" || this.#progress?.state !== "failed") return answer;
    this.#write({ ...again, number: answer.number });
    this.#store.setAlarm(again.expiresAt + OVERDUE_MS);
    return answer;
  }

  async #again(request: StoredRequest, progress: Progress, pool: PoolConfig, end: LeaseEnd): Promise<void> {
    const waiting = waitingAgain(progress, pool, end);
    this.#write(waiting);
    await this.#pool.again(request, waiting);
  }

  /**
   * An earlier instance may have died before the pool heard what it had decided. Of an end the pool asks by itself, once
   * it misses the lease.
   */
  #goOn(request: StoredRequest, progress: Progress): void {
    if (progress.state === "running") this.#inBackground(this.#recover(request, progress));
    else if (progress.state === "queued") this.#inBackground(this.#pool.again(request, progress));
    else if (isEnded(progress) && Date.now() < (progress.endedAt ?? 0) + LEASE_TTL_MS)
      this.#inBackground(this.#tellEnd(request, progress));
  }

  /** The instance that carried the request is gone. */
  async #recover(request: StoredRequest, progress: Progress): Promise<void> {
    const pool = this.#pool.poolOf(request);
    const { failures, canceled } = progress;
    const answer = this.#store.answer;
    if (answer && !canceled) {
      // It died between the answer's last byte and the end of the lease.
      this.#end(request, { ...progress, state: "answered" });
      await Promise.all([
        this.#pool.leaseEnded(request, progress, { how: "done", status: answer.status }),
        this.#tellEnd(request, this.#progress as Progress),
      ]);
      return;
    }
    const mayBeSentAgain = pool !== null && !canceled && failures < pool.retries;
    const headers = new Headers(request.headers);
    if (mayBeSentAgain && mayRepeat({ method: request.method, headers }, pool)) {
      await this.#again(request, progress, pool, { how: "lost", retried: true });
      return;
    }
    if (canceled) this.#end(request, { ...progress, state: "canceled" });
    else {
      const detail =
        "Sluice was interrupted while a server worked on the request, and it may not be sent twice.";
      this.#fail(request, progress, new Refusal("fate-unknown", detail, request.pool));
    }
    await Promise.all([
      this.#pool.leaseEnded(request, progress, { how: "lost" }),
      this.#tellEnd(request, this.#progress as Progress),
    ]);
  }

  #fail(request: StoredRequest, progress: Progress, { code, message: detail }: Refusal): void {
    this.#end(request, { ...progress, state: "failed", problem: { code, detail } });
  }

  /** Writes the end. `progress`: the state says which. */
  #end(request: StoredRequest, progress: Progress): void {
    const now = Date.now();
    const isNoticed = request.webhook !== null && progress.state !== "canceled";
    const webhook = isNoticed ? { id: `msg_${crypto.randomUUID()}`, attempts: 0, nextAt: now } : null;
    const ended = { ...progress, endedAt: now, webhook };
    this.#isEndHeard = false;
    // A failed one may be tried again.
    if (progress.state !== "failed") this.#deleteLongBody();
    this.#write(ended);
    this.#setAlarmAfterEnd(request, ended, webhook ? now + WEBHOOK_WATCH_MS : undefined);
    if (webhook) this.#inBackground(this.#notifyIfDue(request, ended, now));
  }

  /** `webhookAt`: when a webhook is to be looked after, if there is one. */
  #setAlarmAfterEnd(request: StoredRequest, progress: Progress, webhookAt = Number.POSITIVE_INFINITY): void {
    this.#store.setAlarm(Math.min(forgottenAt(request, progress), webhookAt));
  }

  /** A short one costs less to keep than to delete. */
  #deleteLongBody(): void {
    const { rows } = this.#store.body;
    if (rows > 1) this.#store.deleteRows("body", rows);
  }

  #takeLive(answer: LiveAnswer): boolean {
    const [first] = this.#audience;
    if (!first) return false;
    this.#audience.delete(first);
    first.live = answer;
    this.#conditions.changed();
    return true;
  }

  /** `after`: when the end of its lease has been told. A request that ends with a slot is taken to have lost it. */
  #tellEnd(request: StoredRequest, progress: Progress, after?: Promise<unknown>): Promise<void> {
    const told = this.#tell(request, progress, after);
    this.#telling = this.#telling.then(() => told);
    return told;
  }

  /** Tells the pool of the end. If it is not reached for so long, it asks: it misses the lease, or the ticket. */
  async #tell(request: StoredRequest, progress: Progress, after?: Promise<unknown>): Promise<void> {
    try {
      await after;
      await this.#reachEnd(request, progress, REPEAT_MS);
    } catch (error) {
      logError(error, { pool: request.pool, deferred: true });
    }
  }

  async #reachEnd(request: StoredRequest, progress: Progress, forMs: number): Promise<void> {
    const { endedAt } = progress;
    const number = await this.#pool.ended(request, progress, forMs);
    const present = this.#progress;
    if (!present) return;
    if (present.endedAt === endedAt) this.#isEndHeard = true;
    // A retry has another number, of which a crash may have kept this object from hearing.
    if (number !== null && present.number !== number) this.#write({ ...present, number });
  }

  /** Its time is over, and the pool has not said so. Should the pool not know it, it learns of it now. */
  async #lookForItself(request: StoredRequest, progress: Progress, now: number): Promise<void> {
    const dueAt = progress.expiresAt + OVERDUE_MS;
    this.#store.setAlarm(now < dueAt ? dueAt : now + OVERDUE_MS);
    if (now < dueAt) return;
    const answer = await this.#pool.defer(request, progress, progress.number);
    const present = this.#progress;
    if (answer.code === "deferred" || present?.state !== "queued") return;
    this.#fail(request, present, new Refusal("queue-timeout", DETAILS["queue-timeout"], request.pool));
  }

  async #notifyIfDue(request: StoredRequest, progress: Progress, now: number): Promise<void> {
    const { webhook } = progress;
    const key = webhookKey(this.env);
    if (!webhook || this.#isNotifying) return;
    if (webhook.nextAt > now) return this.#setAlarmAfterEnd(request, progress, webhook.nextAt);
    this.#isNotifying = true;
    const notice = this.#notice(request);
    const isDone = key !== null && (await notify(request.webhook ?? "", webhook.id, notice, key));
    this.#isNotifying = false;
    const present = this.#progress;
    // Meanwhile it may have been forgotten, or is tried again.
    if (present?.webhook?.id !== webhook.id) return;
    const attempts = webhook.attempts + 1;
    const pause = isDone ? null : pauseMs(attempts);
    const next = pause === null ? null : { id: webhook.id, attempts, nextAt: Date.now() + pause };
    this.#write({ ...present, webhook: next });
    this.#setAlarmAfterEnd(request, present, next?.nextAt);
  }

  #notice(request: StoredRequest): Notice {
    const progress = this.#progress as Progress;
    const id = this.#pool.idOf(request);
    return {
      type: progress.problem ? "request.failed" : "request.answered",
      timestamp: new Date(progress.endedAt ?? Date.now()).toISOString(),
      data: {
        id,
        // An answer that went to a client that waited for it is not stored.
        status: endStatusOf(progress, this.#store.answer) ?? 200,
        url: responseUrl(request.target.origin, id),
      },
    };
  }

  /** It runs to no purpose from now on. */
  #stop(progress: Progress): void {
    this.#write({ ...progress, canceled: true });
    this.#run?.cancel();
  }

  /**
   * Leaves nothing. The pool forgets it first, or would keep it for ever. `false`: a retry has begun meanwhile, and is
   * being stopped.
   */
  async #forget(request: StoredRequest, progress: Progress): Promise<boolean> {
    // Its number is in the pool's answer.
    if (progress.number === null) await this.#tellEnd(request, progress);
    const { number } = this.#progress ?? progress;
    if (number !== null) await this.#pool.forget(request, number);
    // What runs holds a lease, and a server is at work.
    if (this.#progress?.state === "running") {
      this.#stop(this.#progress);
      return false;
    }
    await this.#deleteAll();
    return true;
  }

  async #deleteAll(): Promise<void> {
    this.#request = null;
    this.#progress = null;
    this.#presence = null;
    await this.#store.deleteAll();
    this.#conditions.changed();
  }

  #statusOf(request: StoredRequest, progress: Progress, place: Place | null): DeferredStatus {
    return statusOf(this.#pool.idOf(request), request, progress, this.#store.answer, place);
  }

  #write(progress: Progress): void {
    this.#progress = progress;
    this.#store.progress = progress;
    this.#conditions.changed();
  }

  /** `null`: there is no such request. */
  #found(secret: string): { request: StoredRequest; progress: Progress } | null {
    const [request, progress] = [this.#request, this.#progress];
    return request && progress && isSame(secret, request.secret) ? { request, progress } : null;
  }

  /**
   * The same for its client, who knows of it only once it is accepted, and until it is forgotten; with `pool` for an
   * operator, who finds that pool's only.
   */
  #accepted(secret: string, pool?: string): { request: StoredRequest; progress: Progress } | null {
    const found = this.#found(secret);
    if (!found || found.progress.state === "storing") return null;
    if (pool !== undefined && found.request.pool !== pool) return null;
    return Date.now() < forgottenAt(found.request, found.progress) ? found : null;
  }

  #inBackground(work: Promise<unknown>): void {
    this.ctx.waitUntil(work);
  }
}

/** The runtime disposes the arguments of a call once that is answered, but not their copies. */
function handleOf({ lease }: Turn): Rpc.Stub<Lease> | null {
  return (lease as unknown as Rpc.Stub<Lease> | null)?.dup() ?? null;
}

function presenceOf(request: StoredRequest | null): Presence | null {
  return request?.visitorMs === undefined ? null : new Presence(request.visitorMs);
}

function isSame(given: string, secret: string): boolean {
  const [left, right] = [given, secret].map((text) => new TextEncoder().encode(text)) as [
    Uint8Array,
    Uint8Array,
  ];
  return left.byteLength === right.byteLength && crypto.subtle.timingSafeEqual(left, right);
}
