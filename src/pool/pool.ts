import { DurableObject } from "cloudflare:workers";
import type { PoolConfig, ReachedServer } from "../config/types.ts";
import type { Act } from "../link/act.ts";
import { slotAsked } from "../link/asked.ts";
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
  type News,
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
  type Seen,
  type Served,
  type ServerChange,
  type StopRequest,
} from "../link/protocol.ts";
import {
  type ShardCalls,
  type ShardOrders,
  type ShardReport,
  type ShardView,
  shardNamed,
} from "../link/shards.ts";
import { LONGEST_UNCERTAIN_MS } from "../scheduler/fleet/leases.ts";
import type { Server } from "../scheduler/fleet/server.ts";
import type { Counts } from "../scheduler/record/counters.ts";
import type { Changes, Decision } from "../scheduler/record/outbox.ts";
import { Scheduler } from "../scheduler/scheduler.ts";
import type { ShardLoad } from "../scheduler/shards/choice.ts";
import type { Holding } from "../scheduler/shards/holding.ts";
import { type Snapshot, type SnapshotContent, snapshotOf } from "../scheduler/snapshot.ts";
import { countsFlows } from "../scheduler/terms/flows.ts";
import type { Next, Passed } from "../scheduler/terms/passing.ts";
import type { SlotRow } from "../scheduler/terms/rows.ts";
import type { TicketRequest } from "../scheduler/waiting/ticket.ts";
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
import type { Coordinator } from "./shards/coordinator.ts";
import type { Member } from "./shards/member.ts";
import { mergedCounts } from "./shards/merge.ts";
import { holdingOf, ordersToGo, Part } from "./shards/part.ts";
import type { Whole } from "./shards/whole.ts";
import { Heartbeat, Wakeups } from "./wakeups.ts";

/** How long an operator's answer waits for isolates to hear that they must not pass leases on, in ms. */
const RECALL_MS = 1_000;
/** How long it waits for the other shards to do what is wanted, in ms. */
const FOLLOWED_MS = 2_000;
/** A call that seems to have been on its way for longer, in ms, comes from a Worker whose clock is wrong. */
const LONGEST_TRANSIT_MS = 10_000;

/**
 * A pool's Durable Object, the only one that grants the pool's slots, or those of some of its servers (`shards/`). The scheduler decides; the object writes the
 * decisions to the ledger, and only then sends them to the Workers. `link/protocol.ts` describes its calls.
 *
 * A restart loses everything but the ledger. Tickets return when their Workers call `enter` again, and leases when
 * their holders renew or end them. Those of deferred requests are in the ledger.
 */
export class Pool extends DurableObject<Env> implements PoolCalls, ShardCalls {
  readonly #ledger: Ledger;
  readonly #scheduler: Scheduler;
  readonly #settings: PoolConfig;
  /** False without a valid configuration of this pool. */
  readonly #isConfigured: boolean;
  readonly #answers = new PendingAnswers({
    left: (id) => this.#ticketLeft(id),
    recalled: () => this.#conditions.changed(),
    read: (id) => this.#renew(id),
    returned: () => this.#scheduler.counters.notAbandoned(),
    onceSent: () => this.ctx.storage.sync(),
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
  /** `null`: the pool is this object alone. */
  readonly #part: Part | null;
  #wasDeferredFull = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const { name } = ctx.id;
    if (name === undefined) throw new Error("a pool's object goes by its name");
    const { pool, shard } = shardNamed(name);
    const { settings, configured } = settingsOf(env, pool, shard);
    this.#settings = settings;
    this.#isConfigured = configured;
    this.#ledger = new Ledger(ctx.storage);
    const holding = holdingOf(this.#ledger.shards, shard, settings.shards);
    // Nothing is known of them before it is there.
    const others = {
      othersAreQuiet: () => this.#coordinator?.othersAreQuiet ?? false,
      isElsewhere: (identity: string) => shard === 0 && (this.#coordinator?.isElsewhere(identity) ?? true),
      othersAreAvailable: () => this.#coordinator?.othersAreAvailable ?? true,
    };
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
      holding && { holding, follows: shard !== 0, ...others },
    );
    this.#asker = new Asker(env, this.#settings, this.#scheduler, () => void this.#commit.soon());
    this.#acts = new OperatorActs(env, settings, this.#scheduler, this.#audit);
    this.#handles = new LeaseHandles(this.#scheduler, {
      renew: (id) => this.#renew(id),
      lost: (id) => void this.end([{ id, end: { how: "lost" } }]),
    });
    this.#deferral = new Deferral(
      { env, pool: settings },
      this.#scheduler,
      this.#ledger.deferred,
      this.#handles,
      rows,
      {
        write: (changes) => this.#write(changes),
        changed: () => void this.#commit.soon(),
      },
    );
    // A shard hears from the coordinator which servers have registered.
    if (configured && shard === 0) this.#forgetFormerServers();
    this.#part = holding && this.#partOf(shard, holding);
    const watched = this.#whole?.watched ?? this.#scheduler;
    this.#lookout = new Lookout((now) => this.#contentAt(now), watched, Date.now());
    this.#wakeups = new Wakeups(ctx.storage, () => this.#tick());
    this.#heartbeat = new Heartbeat(() => {
      // The write also fails if this instance was replaced.
      this.#writeCounts(this.#scheduler.counters.counts);
      return this.#answers.size > 0;
    });
    this.#coordinator?.changed();
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
      // Another shard may have a server that is up.
      const mayGoOn = !countsFlows(this.#settings) || this.#scheduler.isBare;
      if (request.mayAskAnother && mayGoOn && !this.#scheduler.currentDrain)
        return Promise.resolve({ granted: false, code: "elsewhere", to: null, ...this.#load });
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

  freeServer({ protocol, failed, mayAskAnother = false }: FreeRequest): FreeAnswer {
    assertProtocol(protocol);
    const now = Date.now();
    if (this.#scheduler.nextTick() <= now) this.#scheduler.tick(now);
    const server = this.#scheduler.freeServer(failed, now, mayAskAnother);
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

  snapshot(): Snapshot | Promise<Snapshot> {
    return this.#whole ? this.#whole.refresh().then(() => this.#snapshot()) : this.#snapshot();
  }

  watch(): WatchHandle {
    const whole = this.#whole;
    return new WatchHandle((seen, history) => {
      if (!whole) return this.#look(seen, history);
      return whole.refresh(history).then(() => this.#look(seen, history));
    });
  }

  metrics(): PoolMetrics | Promise<PoolMetrics> {
    const counts = this.counts();
    if (this.#whole) return this.#wholeMetrics(this.#whole, counts);
    // What other shards have counted stays, as counters never fall.
    const former = this.#ledger.shards.counts();
    const all = former.size === 0 ? counts : mergedCounts([counts, ...former.values()]);
    return { snapshot: this.#snapshot(), counts: all };
  }

  // ── Admin side: operating ──

  async drain(request: DrainRequest, act: Act): Promise<DrainAnswer> {
    const answer = this.#acts.drain(request, act);
    await this.#untilRecalled();
    return { answer, snapshot: await this.snapshot() };
  }

  async stop(request: StopRequest, act: Act): Promise<DrainAnswer> {
    const answer = this.#acts.stop(request, act);
    await this.#untilRecalled();
    return { answer, snapshot: await this.snapshot() };
  }

  resume(request: ResumeRequest, act: Act): DrainAnswer | Promise<DrainAnswer> {
    const answer = this.#acts.resume(request, act);
    return this.#coordinator ? this.#onceFollowed(answer) : { answer, snapshot: this.#snapshot() };
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
    if (!("server" in answer)) return answer;
    // Which shard checks it is decided by then, and it is down until that has.
    const isMeant = (one: Server) => one.name === answer.server.name && !one.retired;
    const { identity = "" } = this.#scheduler.servers.find(isMeant) ?? {};
    const isDown = this.#coordinator?.isDown(identity) ?? false;
    return isDown ? { ...answer, server: { ...answer.server, health: "down" } } : answer;
  }

  async deregister(name: string, url: string | null, act: Act): Promise<Leaving | null> {
    const answer = this.#acts.deregister(name, url, act);
    await this.#untilRecalled();
    if (!answer || answer.identity === null) return answer;
    const server = this.#scheduler.servers.find(({ identity }) => identity === answer.identity);
    return { ...answer, inFlight: this.#inFlightAt(server) };
  }

  async whenIdle(identity: string, timeoutMs: number): Promise<number> {
    const leaving = () => this.#scheduler.servers.find((one) => one.identity === identity && one.retired);
    const inFlight = () => this.#inFlightAt(leaving());
    await this.#conditions.until(() => inFlight() === 0, timeoutMs);
    // What is told is in the ledger.
    this.#commit.now();
    return inFlight();
  }

  async freeLease(name: string, act: Act, waitedMs = 0): Promise<Snapshot | null> {
    // It may be another shard's: then its audit is not the pool's, and this one's has nothing of it yet.
    const isOther = this.#whole !== null && this.#scheduler.serverOf(name) === null;
    if (this.#whole && isOther && this.#audit.answerOf(act) === undefined) {
      const server = await this.#whole.free(name, act, waitedMs);
      if (server !== null) this.#audit.once({ ...slotAsked(name), server }, act, () => "done");
    }
    return (await this.#freeOwn(name, act, waitedMs)) ? this.snapshot() : null;
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

  // ── Shards ──

  report(report: ShardReport): Promise<ShardOrders | null> {
    return this.#coordinator?.report(report) ?? Promise.resolve(ordersToGo(this.#ledger.shards));
  }

  async obey(orders: ShardOrders): Promise<ShardReport> {
    const member = this.#memberAsked();
    member.obey(orders, Date.now());
    await this.#untilRecalled();
    member.settled(orders, Date.now());
    return member.peek(Date.now());
  }

  wantRoom(): number {
    return this.#memberAsked().wantRoom(Date.now());
  }

  sendOn(to: number, count: number): void {
    this.#memberAsked().sendOn(to, count, Date.now());
    this.#commit.now();
  }

  borrow(request: TicketRequest): Promise<Granted | null> {
    if (this.#scheduler.room === 0) return Promise.resolve(null);
    const answer = this.#answers.add(request.id, null);
    this.#scheduler.enter(request, Date.now());
    this.#commit.now();
    // It has it at once, or waits for nothing.
    this.#answers.leave(request.id);
    return answer.then((granted) => (granted.granted ? granted : null));
  }

  view(seen: Seen | null, history: boolean): ShardView {
    const now = Date.now();
    const version = this.#member?.holding.orders?.version ?? 0;
    // The coordinator asks seldom enough, and what it shows is to be as it says that the pool is.
    const news = this.#look(seen, history, 0);
    return { version, news, ...this.#scheduler.traffic.sketches(now) };
  }

  counts(): Counts {
    // The runtime holds the answer back until the counts are durable.
    const counts = this.#scheduler.counters.tell();
    this.#writeCounts(counts);
    return counts;
  }

  async freeHere(name: string, act: Act, waitedMs: number): Promise<string | null> {
    const server = this.#scheduler.serverOf(name);
    if (server === null && this.#audit.answerOf(act) === undefined) return null;
    return (await this.#freeOwn(name, act, waitedMs)) ? (server ?? "") : null;
  }

  // ── Platform ──

  override alarm(): void {
    this.#wakeups.rang();
    this.#deferral.look();
    this.#tick();
    this.#wakeups.setAlarmForAll(this.#scheduler.servers);
  }

  // ── Internals ──

  #partOf(shard: number, holding: Holding<ShardOrders>): Part {
    return new Part({
      env: this.env,
      pool: this.#settings,
      shard,
      holding,
      scheduler: this.#scheduler,
      ledger: this.#ledger.shards,
      storage: this.ctx.storage,
      isDeferredFull: () => this.#wasDeferredFull,
      on: {
        write: (changes) => this.#write(changes),
        changed: () => void this.#commit.soon(),
        orders: (orders) => this.obey(orders),
      },
    });
  }

  get #member(): Member | null {
    return this.#part?.member ?? null;
  }

  get #coordinator(): Coordinator | null {
    return this.#part?.coordinator ?? null;
  }

  get #whole(): Whole | null {
    return this.#part?.whole ?? null;
  }

  /** True if it was not said before that no more deferred requests may wait, or that some may again. */
  #isDeferredFullNews(): boolean {
    const isFull = this.#deferral.isFull || (this.#wasDeferredFull && !this.#deferral.hasRoom);
    const isNews = isFull !== this.#wasDeferredFull;
    this.#wasDeferredFull = isFull;
    return isNews;
  }

  #memberAsked(): Member {
    if (!this.#member) throw new Error("the pool has no shards");
    return this.#member;
  }

  /** True if at most one request is in flight. */
  get #isAlone(): boolean {
    return this.#scheduler.inFlight <= 1;
  }

  /** True if a request that may be stored would have to wait for an operator or a server. */
  #isToBeDeferred(now: number): boolean {
    if (this.#settings.deferred === null || !this.#scheduler.willWait(now)) return false;
    // They wait at the first shard.
    const orders = this.#member?.holding.orders;
    return !(orders ? orders.isDeferredFull : this.#deferral.isFull);
  }

  #snapshot(): Snapshot {
    // The runtime holds the answer back until this is durable, so a snapshot shows only what is in the ledger.
    this.#commit.now();
    return this.#lookout.snapshot(Date.now());
  }

  #look(seen: Seen | null, history: boolean, ageMs?: number): News {
    const now = Date.now();
    // A look, too, shows only what is in the ledger. Without a change, it needs no new snapshot.
    if (this.#commit.pending) this.#commit.now();
    this.#write(() => this.#ledger.writeEvents(this.#scheduler.journal.take(now)));
    const news = this.#lookout.look(seen, history, now, ageMs);
    if (!this.#whole || news.history === undefined) return news;
    return { ...news, history: this.#whole.history(news.history) };
  }

  async #wholeMetrics(whole: Whole, own: Counts): Promise<PoolMetrics> {
    const [counts] = await Promise.all([whole.counts(own), whole.refresh()]);
    return { snapshot: this.#snapshot(), counts };
  }

  #contentAt(now: number): SnapshotContent {
    const { name, deferred } = this.#settings;
    const hasDeferred = deferred !== null || this.#deferral.isUsed;
    const own = snapshotOf(name, this.#scheduler, now, hasDeferred ? this.#deferral.snapshot(now) : null);
    return this.#whole?.snapshot(own, now) ?? own;
  }

  async #onceFollowed(answer: DrainAnswer["answer"]): Promise<DrainAnswer> {
    // Only then is there something new to follow.
    this.#commit.now();
    await this.#coordinator?.untilFollowed(FOLLOWED_MS);
    return { answer, snapshot: await this.snapshot() };
  }

  /** Frees a slot of this object. Returns false if it has no such lease. */
  async #freeOwn(name: string, act: Act, waitedMs: number): Promise<boolean> {
    // Else another request might have the lease by then, of which the pool has not heard yet.
    const uncertainMs = () => this.#scheduler.uncertainUntil(name) - Date.now();
    const longestMs = LONGEST_UNCERTAIN_MS - waitedMs;
    await this.#conditions.until(() => uncertainMs() <= 0, Math.min(uncertainMs(), longestMs));
    const id = this.#scheduler.leaseNamed(name);
    const answer = this.#acts.freeLease(name, act);
    // Once that is durable, as its holder's server may be given another request from then on.
    this.#commit.now();
    // An act that is repeated finds none.
    if (answer === "done" && id !== null) {
      this.#handles.tellTaken(id, "freed");
      this.#handles.delete(id);
    }
    return answer === "done";
  }

  /** How many requests may be in flight at a server that has left: at least one, if another shard has not let go of it. */
  #inFlightAt(server: Server | undefined): number {
    const isElsewhere = server && this.#coordinator?.isElsewhere(server.identity);
    return inFlightAt(server) || Number(isElsewhere ?? false);
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

  /** Ends leases. Returns true if a ticket was waiting for a slot, here or at another shard, or a drain for the end of what is in flight. */
  #endAll(ended: Ended[], now: number): boolean {
    const { queued, currentDrain } = this.#scheduler;
    const isAwaited = queued > 0 || currentDrain !== null || (this.#member?.isRoomAwaited(now) ?? false);
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
    const followed = this.#coordinator?.untilFollowed(FOLLOWED_MS);
    const { latestRecall } = this.#answers;
    await this.#conditions.until(() => this.#answers.isRecalled(latestRecall), RECALL_MS);
    await followed;
    // An isolate that is gone would keep the next operator waiting, too.
    this.#answers.forgetRecalls(latestRecall);
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
    if (this.#coordinator && (changes.drainChanged || hasServers(changes) || this.#isDeferredFullNews()))
      this.#coordinator.changed();
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
    this.#member?.committed(Date.now());
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
    if (kind === "grant" && !this.#scheduler.stands(decision)) {
      // It was taken back in the same commit, and may be somebody else's by now.
      if (!this.#scheduler.knows(ticket)) this.#answers.answerAgain(ticket, this.#member?.shard ?? 0);
      return;
    }
    if (this.#deferral.has(ticket)) this.#answerDeferred(decision);
    // In a drain, which may take long, every ticket gets its token at once, so that none loses its turn to a restart.
    else if (kind === "borrow") return;
    else if (kind === "queued")
      this.#answers.queued(ticket, decision.token, this.#scheduler.currentDrain !== null, this.#load);
    else if (kind === "refuse") {
      const { code, message, outlook } = decision;
      const said = message === undefined ? {} : { message };
      this.#answers.answer(ticket, { granted: false, code, ...said, ...(outlook ? { outlook } : {}) });
    } else if (kind === "elsewhere") {
      const { to, hasPlace, isFull } = decision;
      const more = { sentOn: hasPlace, ...(isFull ? { isFull } : {}), ...this.#load };
      this.#answers.answer(ticket, { granted: false, code: "elsewhere", to, ...more });
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
    else if (decision.kind === "borrow") void this.#deferral.borrow(decision.ticket, decision.of);
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
      ...this.#load,
    };
  }

  /** By which Workers choose a shard. */
  get #load(): { load?: ShardLoad } {
    if (!this.#member) return {};
    const { slots, queued, room } = this.#scheduler;
    return { load: { slots, queued, free: room } };
  }

  #nextFor(ticket: string): { next?: Next } {
    const isolate = this.#answers.isolateOf(ticket);
    const next = isolate === null ? undefined : this.#scheduler.next(isolate);
    return next ? { next } : {};
  }
}

function hasServers({ servers, registered, left }: Changes): boolean {
  return servers.size > 0 || registered.size > 0 || left.size > 0;
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
