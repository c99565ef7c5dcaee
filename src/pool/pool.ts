import { DurableObject } from "cloudflare:workers";
import type { PoolConfig, ReachedServer } from "../config/types.ts";
import type { Act } from "../link/act.ts";
import type { Asked, AuditAnswer, AuditEntry, AuditQuery } from "../link/audit.ts";
import { Conditions } from "../link/conditions.ts";
import type {
  DeferAgain,
  DeferAnswer,
  DeferRequest,
  DeferredEnd,
  DeferredEntry,
  DeferredQuery,
  EndedDeferred,
  Place,
} from "../link/deferral.ts";
import type { Env } from "../link/env.ts";
import {
  type DrainAnswer,
  type DrainRequest,
  type Ended,
  type EnterRequest,
  type FreeAnswer,
  type FreeRequest,
  type Granted,
  type Leaving,
  type NotGranted,
  type NotRegistered,
  type OtherState,
  type PassingReport,
  type PoolCalls,
  type PoolMetrics,
  PROTOCOL,
  type Queued,
  type Registered,
  type Registration,
  type ResumeRequest,
  type Served,
  type ServerChange,
  type StopRequest,
} from "../link/protocol.ts";
import { LONGEST_UNCERTAIN_MS } from "../scheduler/fleet/leases.ts";
import type { Counts } from "../scheduler/record/counters.ts";
import type { Decision } from "../scheduler/record/outbox.ts";
import { Scheduler } from "../scheduler/scheduler.ts";
import { type Snapshot, type SnapshotContent, snapshotOf } from "../scheduler/snapshot.ts";
import type { Next, Passed } from "../scheduler/terms/passing.ts";
import type { SlotRow } from "../scheduler/terms/rows.ts";
import { Asker } from "./asker.ts";
import { Audit } from "./audit.ts";
import { Deferral } from "./deferral.ts";
import { GroupCommit } from "./group-commit.ts";
import { type LeaseHandle, WatchHandle } from "./handles.ts";
import { LeaseHandles } from "./lease-handles.ts";
import { Ledger } from "./ledger.ts";
import { Lookout } from "./lookout.ts";
import { inFlightAt, OperatorActs } from "./operator-acts.ts";
import { PendingAnswers } from "./pending-answers.ts";
import { restoredRegistrations } from "./registration.ts";
import { settingsOf } from "./settings.ts";
import { Heartbeat, Wakeups } from "./wakeups.ts";

/** How long an operator's answer waits for isolates to hear that they must not pass leases on, in ms. */
const RECALL_MS = 1_000;
/** A call that seems to have been on its way for longer, in ms, comes from a Worker whose clock is wrong. */
const LONGEST_TRANSIT_MS = 10_000;

/**
 * A pool's Durable Object, the only one that grants the pool's slots. The scheduler decides; the object writes the
 * decisions to the ledger, and only then sends them to the Workers. `link/protocol.ts` describes its calls.
 *
 * A restart loses everything but the ledger. Tickets return when their Workers call `enter` again, and leases when
 * their holders renew or end them. Those of deferred requests are in the ledger.
 */
export class Pool extends DurableObject<Env> implements PoolCalls {
  readonly #ledger: Ledger;
  readonly #scheduler: Scheduler;
  readonly #settings: PoolConfig;
  /** False without a valid configuration of this pool. */
  readonly #isConfigured: boolean;
  readonly #answers = new PendingAnswers({
    left: (id) => this.#ticketLeft(id),
    recalled: () => this.#conditions.changed(),
  });
  readonly #handles: LeaseHandles;
  readonly #commit = new GroupCommit(() => this.#flush());
  readonly #conditions = new Conditions();
  readonly #asker: Asker;
  readonly #wakeups: Wakeups;
  readonly #heartbeat: Heartbeat;
  readonly #lookout: Lookout;
  readonly #deferral: Deferral;
  readonly #audit: Audit;
  readonly #acts: OperatorActs;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const { name } = ctx.id;
    if (name === undefined) throw new Error("a pool's object goes by its name");
    const { settings, configured } = settingsOf(env, name);
    this.#settings = settings;
    this.#isConfigured = configured;
    this.#ledger = new Ledger(ctx.storage);
    this.#audit = new Audit(() => this.#ledger.audit.load());
    const restored = this.#ledger.load();
    const registered = restoredRegistrations(restored.registered, settings);
    const rows = this.#ledger.deferred.load();
    const leased = new Set(restored.slots.map(({ lease }) => lease));
    const deferred = Deferral.waiting(rows, leased, Date.now());
    this.#scheduler = new Scheduler(
      this.#settings,
      { ...restored, registered, deferred },
      Date.now(),
      Math.random,
      () => crypto.randomUUID(),
    );
    this.#asker = new Asker(env, this.#settings, this.#scheduler, () => void this.#commit.soon());
    this.#acts = new OperatorActs(env, settings, this.#scheduler, this.#audit);
    this.#handles = new LeaseHandles(this.#scheduler, {
      renew: (id) => this.#renew(id),
      lost: (id) => void this.end([{ id, end: { how: "lost" } }]),
    });
    this.#deferral = new Deferral(env, this.#scheduler, this.#ledger.deferred, this.#handles, rows, {
      write: (changes) => this.#write(changes),
      changed: () => void this.#commit.soon(),
    });
    if (configured) this.#forgetFormerServers();
    this.#lookout = new Lookout((now) => this.#contentAt(now), this.#scheduler, Date.now());
    this.#wakeups = new Wakeups(ctx.storage, () => this.#tick());
    this.#heartbeat = new Heartbeat(() => {
      // The write also fails if this instance was replaced.
      this.#writeCounts(this.#scheduler.counters.counts);
      return this.#answers.size > 0;
    });
    this.#commit.now();
    this.#wakeups.setAlarmForAll(this.#scheduler.servers);
    if (rows.length > 0) this.#deferral.look({ afterRestart: true });
  }

  // ── Workers ──

  enter(request: EnterRequest): Promise<Granted | Served | Queued | NotGranted> {
    assertProtocol(request.protocol);
    const now = Date.now();
    if (request.mayDefer && this.#isToBeDeferred(now)) {
      const { ended = [] } = request;
      const hasPassed = this.#notePassed(request.caller?.isolate, request.passed, now);
      this.#endAll(ended, now);
      // The Worker takes the answer for a sign that the ledger has these ends.
      if (ended.length > 0 || hasPassed) this.#commit.now();
      return Promise.resolve({ granted: false, code: "defer" });
    }
    const isolate = request.caller?.isolate ?? null;
    const hasPassed = this.#notePassed(isolate, request.passed, now);
    const isAwaited = this.#endAll(request.ended ?? [], now);
    const answer = this.#answers.add(request.id, isolate);
    if (this.#scheduler.nextTick() <= now) this.#scheduler.tick(now);
    this.#scheduler.enter(withTransit(request, now), now);
    if (isAwaited || this.#scheduler.hasQuestions) this.#commit.now();
    // The ticket waits, and nothing depends on when that is written.
    else if (this.#scheduler.isQueued(request.id) && !hasPassed) void this.#commit.later();
    // There is no other request to share a transaction with, so a delay would gain nothing; nor where nothing is written.
    else if (this.#isAlone || (hasPassed && !this.#commit.comes)) this.#commit.now();
    else void this.#commit.soon();
    return answer;
  }

  leave(id: string): void {
    this.#answers.leave(id);
  }

  end(ended: Ended[], passing?: PassingReport): Promise<Next | undefined> {
    const now = Date.now();
    const hasPassed = this.#notePassed(passing?.isolate, passing?.passed, now);
    const isAwaited = this.#endAll(ended, now);
    const isRoutine = !hasPassed && ended.every(({ end }) => end.how === "done");
    const committed = isRoutine ? this.#commit.later() : this.#commit.soon();
    // A slot is idle until the ticket that gets it, or the server that is checked on it, learns of that.
    if (isAwaited || this.#scheduler.hasQuestions) this.#commit.now();
    return committed.then(() => passing && this.#scheduler.next(passing.isolate));
  }

  attach(id: string, hop = 0): LeaseHandle | null {
    if (!this.#scheduler.attach(id, Date.now(), hop) && !this.#scheduler.isCutOff(id)) return null;
    this.#commit.soon();
    const handle = this.#handles.create(id);
    this.#handles.keep(id, handle);
    return handle;
  }

  freeServer({ protocol, failed }: FreeRequest): FreeAnswer {
    assertProtocol(protocol);
    const now = Date.now();
    if (this.#scheduler.nextTick() <= now) this.#scheduler.tick(now);
    const server = this.#scheduler.freeServer(failed, now);
    if (server === "halted") return { free: false, code: server };
    // Servers that nothing else would have checked by now are.
    this.#commitSoon();
    // For the count: nothing else of it is written.
    this.#heartbeat.start();
    if (server === "no-server") return { free: false, code: server };
    return { free: true, server: reached(server) };
  }

  // ── Deferred requests ──

  defer(request: DeferRequest): DeferAnswer {
    const now = Date.now();
    if (this.#scheduler.nextTick() <= now) this.#scheduler.tick(now);
    const answer = this.#deferral.defer(request, now);
    this.#commitSoon();
    // For the count of those that are refused: nothing else of them is written.
    this.#heartbeat.start();
    return answer;
  }

  deferAgain(again: DeferAgain): void {
    this.#handles.delete(again.ticket);
    this.#deferral.again(again, Date.now());
    this.#commitSoon();
  }

  deferredEnded(id: string, end: DeferredEnd): number | null {
    const number = this.#deferral.ended(id, end, Date.now());
    this.#commitSoon();
    // It may have waited until now, and be counted as abandoned. One that is unknown has been counted before.
    if (number !== null) this.#heartbeat.start();
    return number;
  }

  withdrawDeferred(id: string, key: string | null): void {
    this.#deferral.withdraw(id, key, Date.now());
    this.#commitSoon();
    this.#heartbeat.start();
  }

  forgetDeferred(ended: EndedDeferred): void {
    this.#deferral.forget(ended, Date.now());
    // Watchers see the counts of those that are kept.
    this.#commitSoon();
  }

  placeOf(id: string): Place | null {
    return this.#deferral.placeOf(id);
  }

  // ── Admin side: reading ──

  listDeferred(query: DeferredQuery): DeferredEntry[] {
    return this.#deferral.list(query);
  }

  snapshot(): Snapshot {
    // The runtime holds the answer back until this is durable, so a snapshot shows only what is in the ledger.
    this.#commit.now();
    return this.#lookout.snapshot(Date.now());
  }

  watch(): WatchHandle {
    return new WatchHandle((seen, history) => {
      const now = Date.now();
      // A look, too, shows only what is in the ledger. Without a change, it needs no new snapshot.
      if (this.#commit.pending) this.#commit.now();
      this.#write(() => this.#ledger.writeEvents(this.#scheduler.journal.take(now)));
      return this.#lookout.look(seen, history, now);
    });
  }

  metrics(): PoolMetrics {
    // The runtime holds the answer back until the counts are durable.
    const counts = this.#scheduler.counters.tell();
    this.#writeCounts(counts);
    return { snapshot: this.snapshot(), counts };
  }

  // ── Admin side: operating ──

  async drain(request: DrainRequest, act: Act): Promise<DrainAnswer> {
    const answer = this.#acts.drain(request, act);
    await this.#untilRecalled();
    return { answer, snapshot: this.snapshot() };
  }

  async stop(request: StopRequest, act: Act): Promise<DrainAnswer> {
    const answer = this.#acts.stop(request, act);
    await this.#untilRecalled();
    return { answer, snapshot: this.snapshot() };
  }

  resume(request: ResumeRequest, act: Act): DrainAnswer {
    return { answer: this.#acts.resume(request, act), snapshot: this.snapshot() };
  }

  async whenDrained(timeoutMs: number): Promise<Snapshot> {
    const settled = () => !this.#scheduler.currentDrain || this.#scheduler.isDrained;
    await this.#conditions.until(settled, timeoutMs);
    return this.snapshot();
  }

  async changeServer(name: string, change: ServerChange, act: Act): Promise<Snapshot | OtherState | null> {
    const answer = this.#acts.changeServer(name, change, act);
    await this.#untilRecalled();
    return answer === "done" ? this.snapshot() : answer;
  }

  register(registration: Registration, act: Act): Registered | NotRegistered {
    const answer = this.#acts.register(registration, act);
    this.#commit.now();
    return answer;
  }

  async deregister(name: string, url: string | null, act: Act): Promise<Leaving | null> {
    const answer = this.#acts.deregister(name, url, act);
    await this.#untilRecalled();
    return answer;
  }

  async whenIdle(identity: string, timeoutMs: number): Promise<number> {
    const leaving = () => this.#scheduler.servers.find((one) => one.identity === identity && one.retired);
    await this.#conditions.until(() => inFlightAt(leaving()) === 0, timeoutMs);
    // What is told is in the ledger.
    this.#commit.now();
    return inFlightAt(leaving());
  }

  async freeLease(name: string, act: Act, waitedMs = 0): Promise<Snapshot | null> {
    // Else another request might have the lease by then, of which the pool has not heard yet.
    const uncertainMs = () => this.#scheduler.uncertainUntil(name) - Date.now();
    const longestMs = LONGEST_UNCERTAIN_MS - waitedMs;
    await this.#conditions.until(() => uncertainMs() <= 0, Math.min(uncertainMs(), longestMs));
    const id = this.#scheduler.leaseNamed(name);
    const answer = this.#acts.freeLease(name, act);
    if (answer === "done") {
      // Once that is durable, as its holder's server may be given another request from then on.
      const snapshot = this.snapshot();
      // An act that is repeated finds none.
      if (id !== null) {
        this.#handles.tellTaken(id, "freed");
        this.#handles.delete(id);
      }
      return snapshot;
    }
    this.#commit.now();
    return null;
  }

  auditDeferred(asked: Asked, answer: AuditAnswer, act: Act): void {
    this.#audit.once(asked, act, () => answer);
    this.#commit.now();
  }

  audit(query: AuditQuery): AuditEntry[] {
    // What is told is in the ledger.
    this.#write(() => this.#ledger.audit.write(this.#audit.take(Date.now(), { all: true })));
    return this.#audit.list(query);
  }

  // ── Platform ──

  override alarm(): void {
    this.#wakeups.rang();
    this.#deferral.look();
    this.#tick();
    this.#wakeups.setAlarmForAll(this.#scheduler.servers);
  }

  // ── Internals ──

  /** True if at most one request is in flight. */
  get #isAlone(): boolean {
    return this.#scheduler.inFlight <= 1;
  }

  /** True if a request that may be stored would have to wait for an operator or a server. */
  #isToBeDeferred(now: number): boolean {
    const { deferred } = this.#settings;
    return deferred !== null && this.#deferral.unfinished < deferred.max && this.#scheduler.willWait(now);
  }

  #contentAt(now: number): SnapshotContent {
    const { name, deferred } = this.#settings;
    const hasDeferred = deferred !== null || this.#deferral.isUsed;
    return snapshotOf(name, this.#scheduler, now, hasDeferred ? this.#deferral.snapshot(now) : null);
  }

  #commitSoon(): void {
    // A server that is checked, or the object of a request that gets a slot, learns of it only then.
    if (this.#scheduler.hasQuestions) this.#commit.now();
    else void this.#commit.soon();
  }

  #forgetFormerServers(): void {
    this.#ledger.forgetServersBut(this.#scheduler.servers);
    this.#forgetCounts();
  }

  /** Servers that come and go would be more and more. */
  #forgetCounts(): void {
    const { servers, counters } = this.#scheduler;
    counters.forgetServersBut(new Set(servers.map(({ name }) => name)));
  }

  /** Ends leases. Returns true if a ticket was waiting for a slot, or a drain for the end of what is in flight. */
  #endAll(ended: Ended[], now: number): boolean {
    const isAwaited = this.#scheduler.queued > 0 || this.#scheduler.currentDrain !== null;
    for (const { id, end, hop } of ended) {
      if (end.how === "unused") this.leave(id);
      this.#handles.delete(id);
      this.#scheduler.end(id, end, now, hop);
    }
    return isAwaited && ended.length > 0;
  }

  /** Returns true if leases were passed on. */
  #notePassed(isolate: string | null | undefined, passed: Passed[] | undefined, now: number): boolean {
    if (!isolate || !passed || passed.length === 0) return false;
    for (const one of passed) this.#scheduler.passed(one, isolate, now);
    return true;
  }

  /**
   * Commits. Resolves once the isolates that could pass leases on have heard that they may not, or after a while: then the
   * pool is as its operator wants it to be, and no request begins that was passed a lease.
   */
  async #untilRecalled(): Promise<void> {
    this.#commit.now();
    await this.#conditions.until(() => this.#answers.isRecalled, RECALL_MS);
    // An isolate that is gone would keep the next operator waiting, too.
    this.#answers.forgetRecalls();
  }

  #ticketLeft(id: string): void {
    // If the ticket was granted in this very turn, its Worker does not know, and nothing was sent to the server.
    const now = Date.now();
    if (!this.#scheduler.leave(id, now)) this.#scheduler.end(id, { how: "unused" }, now);
    this.#commit.soon();
  }

  #renew(id: string): boolean {
    const renewed = this.#scheduler.renew(id, Date.now());
    this.#commit.soon();
    return renewed;
  }

  #tick(): void {
    this.#scheduler.tick(Date.now());
    this.#commit.now();
  }

  /** Makes leases durable, then answers those who wait for them: ledger first, with no `await` in between. */
  #flush(): void {
    const changes = this.#scheduler.takeChanges();
    this.#write(() => {
      this.#ledger.write(changes, this.#scheduler);
      this.#ledger.writeEvents(this.#scheduler.journal.take(Date.now()));
      this.#ledger.audit.write(this.#audit.take(Date.now()));
      // A drain is rare enough to write its count at once.
      if (changes.drainChanged) this.#ledger.writeCounts(this.#scheduler.counters.counts);
    });
    if (this.#isConfigured && [...changes.registered.values()].includes(null)) this.#forgetCounts();
    this.#lookout.changed(Date.now());
    for (const [isolate, tickets] of changes.recalls) {
      const next = this.#scheduler.next(isolate);
      if (next) this.#answers.recall(isolate, tickets, next);
    }
    for (const decision of changes.decisions) this.#answer(decision);
    for (const question of changes.questions) void this.#asker.put(question);
    for (const { lost, lease } of changes.slots)
      if (lost && this.#deferral.has(lease)) this.#deferral.lost(lease);
    for (const lease of changes.cuts) this.#tellCut(lease);
    const idle = this.#answers.size === 0 && this.#scheduler.inFlight === 0;
    const nextLook = this.#deferral.unfinished > 0 ? this.#deferral.nextLook(Date.now()) : undefined;
    this.#wakeups.set(this.#scheduler, changes.slots, idle, nextLook);
    // It also writes what of the audit has grown since.
    if (changes.decisions.length > 0 || changes.slots.size > 0 || this.#audit.hasChanges)
      this.#heartbeat.start();
    this.#conditions.changed();
  }

  /** Tells the holder of a lease that it was cut off. One without a handle is told when it attaches. */
  #tellCut(lease: string): void {
    this.#handles.tellTaken(lease, "cut");
    if (this.#deferral.has(lease)) this.#deferral.lost(lease);
  }

  /** Slots first, then counts: otherwise an end that is repeated after a crash would be counted twice. */
  #writeCounts(counts: Counts): void {
    this.#commit.now();
    this.#write(() => this.#ledger.writeCounts(counts));
  }

  #write(changes: () => void): void {
    try {
      changes();
    } catch (error) {
      // An instance that cannot write must not go on: it may have been replaced, and its memory is ahead of the ledger.
      this.ctx.abort(`the ledger cannot be written: ${error}`);
      throw error;
    }
  }

  #answer(decision: Decision): void {
    const { kind, ticket } = decision;
    if (this.#deferral.has(ticket)) this.#answerDeferred(decision);
    // In a drain, which may take long, every ticket gets its token at once, so that none loses its turn to a restart.
    else if (kind === "queued")
      this.#answers.queued(ticket, decision.token, this.#scheduler.currentDrain !== null);
    else if (kind === "refuse") {
      const { code, message, outlook } = decision;
      const said = message === undefined ? {} : { message };
      this.#answers.answer(ticket, { granted: false, code, ...said, ...(outlook ? { outlook } : {}) });
    } else if (kind === "defer")
      this.#answers.answer(ticket, { granted: false, code: "defer", token: decision.token });
    else if (kind === "passed")
      this.#answers.answer(ticket, {
        ...{ granted: false, code: "served", token: decision.token },
        ...this.#nextFor(ticket),
      });
    else this.#answers.answer(ticket, this.#granted(decision));
  }

  #answerDeferred(decision: Decision): void {
    if (decision.kind === "refuse") this.#deferral.refused(decision.ticket, decision.code);
    else if (decision.kind === "grant")
      this.#deferral.granted(decision.ticket, { ...this.#granted(decision), tellEnd: "alone" });
  }

  #granted({ ticket, slot, token }: Decision & { kind: "grant" }): Granted {
    // Where a flow may hold no more slots, its requests wait for the end of its own.
    const { queued, hasFreeSlot } = this.#scheduler;
    const tellEnd = queued > 0 ? "at once" : this.#isAlone && hasFreeSlot ? "soon" : "in a turn";
    const pass = this.#scheduler.passPermit(slot.lease, Date.now());
    return {
      granted: true,
      server: reached(slot.server),
      token,
      tellEnd,
      ...(pass ? { pass } : {}),
      ...this.#nextFor(ticket),
    };
  }

  #nextFor(ticket: string): { next?: Next } {
    const isolate = this.#answers.isolateOf(ticket);
    const next = isolate === null ? undefined : this.#scheduler.next(isolate);
    return next ? { next } : {};
  }
}

/** What a Worker needs to know of it. */
function reached({ name, url, binding, registration }: SlotRow["server"]): ReachedServer {
  return { name, url, binding, ...(registration ? { registered: true } : {}) };
}

/** Counts the time on the way, too: calls that waited for the object to start would not be in the order of arrival. */
function withTransit(request: EnterRequest, now: number): EnterRequest {
  const { sentAt, waitedMs = 0 } = request;
  if (sentAt === undefined) return request;
  return { ...request, waitedMs: waitedMs + Math.min(LONGEST_TRANSIT_MS, Math.max(0, now - sentAt)) };
}

/** Throws unless the Worker's version is a neighbour. Others meet for moments only, in a deploy that skips versions. */
function assertProtocol(protocol: number): void {
  if (Math.abs(protocol - PROTOCOL) > 1) throw new Error(`protocol ${protocol} is not spoken here`);
}
