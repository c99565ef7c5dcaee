import assert from "node:assert/strict";
import type { PoolConfig } from "../../../src/config/types.ts";
import { Conditions } from "../../../src/link/conditions.ts";
import type {
  Ended,
  EnterRequest,
  Granted,
  NotGranted,
  PassingReport,
  Queued,
  Served,
} from "../../../src/link/protocol.ts";
import { GroupCommit } from "../../../src/pool/group-commit.ts";
import type { LeaseHandle } from "../../../src/pool/handles.ts";
import { LeaseHandles } from "../../../src/pool/lease-handles.ts";
import { PendingAnswers } from "../../../src/pool/pending-answers.ts";
import type { DrainRequest, ResumeRequest } from "../../../src/scheduler/drain.ts";
import type { Decision, Question } from "../../../src/scheduler/record/outbox.ts";
import { Scheduler } from "../../../src/scheduler/scheduler.ts";
import type { Next, Passed } from "../../../src/scheduler/terms/passing.ts";
import type { ServerPatch } from "../../../src/scheduler/terms/rows.ts";
import type { TicketRequest } from "../../../src/scheduler/waiting/ticket.ts";
import type { LedgerModel } from "../ledger-model.ts";

/** How long the pool's answer to an operator waits for isolates, and for a lease to be nobody else's; in ms. */
const [RECALL_MS, LONGEST_PASSED_ON_MS] = [1_000, 12_000];

/** Whoever hears what an instance does. */
export interface Audience {
  readonly now: number;
  /** Times of the platform. */
  in(ms: number, run: () => void): number;
  asked(question: Question): void;
  /** An isolate is told who is next. */
  told(isolate: string, next: Next): void;
  /** Of a stored request. */
  decided(decision: Decision): boolean;
}

/**
 * One instance of the pool's object: what `Pool` makes of each call, with the real answers, handles and commits, around
 * the real scheduler. The ledger is a model, and there is no platform.
 */
export class PoolModel {
  readonly scheduler: Scheduler;
  readonly startedAt: number;
  isDead = false;
  readonly #audience: Audience;
  readonly #ledger: LedgerModel;
  readonly #answers = new PendingAnswers({
    left: (id) => this.#ticketLeft(id),
    recalled: () => this.#conditions.changed(),
    read: (id) => this.#renew(id),
    returned: () => this.scheduler.counters.notAbandoned(),
    onceSent: () => Promise.resolve(),
  });
  readonly #handles: LeaseHandles;
  readonly #commit = new GroupCommit(() => this.#flush());
  readonly #conditions = new Conditions();
  #wakesAt = Number.POSITIVE_INFINITY;

  constructor(settings: PoolConfig, ledger: LedgerModel, audience: Audience, random: () => number) {
    this.#audience = audience;
    this.#ledger = ledger;
    this.startedAt = audience.now;
    const newId = () => `${random()}`;
    this.scheduler = new Scheduler(settings, ledger.load(audience.now), audience.now, random, newId);
    this.#handles = new LeaseHandles(this.scheduler, {
      renew: (id) => this.#renew(id),
      lost: (id) => !this.isDead && void this.end([{ id, end: { how: "lost" } }]),
    });
    this.#commit.now();
  }

  // ── Workers ──

  enter(request: EnterRequest): Promise<Granted | Served | Queued | NotGranted> {
    const { now } = this.#audience;
    const isolate = request.caller?.isolate ?? null;
    const hasPassed = this.#notePassed(isolate, request.passed, now);
    const isAwaited = this.#endAll(request.ended ?? [], now);
    const answer = this.#answers.add(request.id, isolate);
    if (this.scheduler.nextTick() <= now) this.scheduler.tick(now);
    this.scheduler.enter(request, now);
    if (isAwaited || this.scheduler.hasQuestions) this.#commit.now();
    else if (this.scheduler.isQueued(request.id) && !hasPassed) void this.#commit.later();
    else if (this.scheduler.inFlight <= 1 || (hasPassed && !this.#commit.comes)) this.#commit.now();
    else void this.#commit.soon();
    return answer;
  }

  leave(id: string): void {
    this.#answers.leave(id);
  }

  end(ended: Ended[], passing?: PassingReport): Promise<Next | undefined> {
    const { now } = this.#audience;
    const hasPassed = this.#notePassed(passing?.isolate, passing?.passed, now);
    const isAwaited = this.#endAll(ended, now);
    const isRoutine = !hasPassed && ended.every(({ end }) => end.how === "done");
    const committed = isRoutine ? this.#commit.later() : this.#commit.soon();
    if (isAwaited || this.scheduler.hasQuestions) this.#commit.now();
    return committed.then(() => (passing ? this.#nextOf(passing.isolate) : undefined));
  }

  attach(id: string, hop = 0): LeaseHandle | null {
    if (!this.scheduler.attach(id, this.#audience.now, hop) && !this.scheduler.isCutOff(id)) return null;
    void this.#commit.soon();
    const handle = this.#handles.create(id);
    this.#handles.keep(id, handle);
    return handle;
  }

  /** A stored request waits, or the object of one says that it has ended. */
  defer(request: TicketRequest): number | undefined {
    const token = this.scheduler.enter(request, this.#audience.now);
    this.#commit.now();
    return token;
  }

  // ── Operators, servers and time ──

  /** Resolves with whether all isolates had heard of it by then. */
  async drain(request: DrainRequest): Promise<boolean> {
    this.scheduler.drain(request, this.#audience.now);
    return this.#untilRecalled();
  }

  resume(request: ResumeRequest): void {
    this.scheduler.resume(request, this.#audience.now);
    this.#commit.now();
  }

  async changeServer(name: string, patch: ServerPatch): Promise<boolean> {
    this.scheduler.changeServer(name, patch, "me", this.#audience.now);
    return this.#untilRecalled();
  }

  /** `freed`: called as soon as it is, if it is. Resolves with false if the instance has died before it could say. */
  async freeLease(name: string, freed: () => void, waitedMs: number): Promise<boolean> {
    const uncertainMs = () => this.scheduler.uncertainUntil(name) - this.#audience.now;
    await this.#conditions.until(
      () => uncertainMs() <= 0,
      Math.min(uncertainMs(), LONGEST_PASSED_ON_MS - waitedMs),
    );
    if (this.isDead) return false;
    const id = this.scheduler.leaseNamed(name);
    const isFreed = this.scheduler.freeLease(name, "me", this.#audience.now);
    if (isFreed) freed();
    this.#commit.now();
    if (!isFreed || id === null) return true;
    this.#handles.tellTaken(id, "freed");
    this.#handles.delete(id);
    return true;
  }

  /** `answered`: something of a question's. */
  heard(answered: (scheduler: Scheduler, now: number) => void): void {
    if (this.isDead) return;
    answered(this.scheduler, this.#audience.now);
    this.#commit.now();
  }

  writeCounts(): void {
    this.#commit.now();
    this.#ledger.writeCounts(this.scheduler.counters.counts);
  }

  // ── Internals ──

  #nextOf(isolate: string): Next | undefined {
    const next = this.scheduler.next(isolate);
    if (next && !this.isDead) this.#audience.told(isolate, next);
    return next;
  }

  #endAll(ended: Ended[], now: number): boolean {
    const isAwaited = this.scheduler.queued > 0 || this.scheduler.currentDrain !== null;
    for (const { id, end, hop } of ended) {
      if (end.how === "unused") this.leave(id);
      this.#handles.delete(id);
      this.scheduler.end(id, end, now, hop);
    }
    return isAwaited && ended.length > 0;
  }

  #notePassed(isolate: string | null | undefined, passed: Passed[] | undefined, now: number): boolean {
    if (!isolate || !passed || passed.length === 0) return false;
    for (const one of passed) this.scheduler.passed(one, isolate, now);
    return true;
  }

  async #untilRecalled(): Promise<boolean> {
    this.#commit.now();
    const { latestRecall } = this.#answers;
    const isRecalled = () => this.#answers.isRecalled(latestRecall);
    await this.#conditions.until(isRecalled, RECALL_MS);
    return isRecalled();
  }

  #ticketLeft(id: string): void {
    if (this.isDead) return;
    const { now } = this.#audience;
    if (!this.scheduler.leave(id, now)) this.scheduler.end(id, { how: "unused" }, now);
    void this.#commit.soon();
  }

  #renew(id: string): boolean {
    const renewed = this.scheduler.renew(id, this.#audience.now);
    void this.#commit.soon();
    return renewed;
  }

  #tick(): void {
    if (this.isDead) return;
    this.scheduler.tick(this.#audience.now);
    this.#commit.now();
  }

  #flush(): void {
    if (this.isDead) return;
    const { now } = this.#audience;
    const changes = this.scheduler.takeChanges();
    for (const { state, lease, server, index } of changes.slots) {
      const row = this.#ledger.slots.get(`${server.identity}/${index}`);
      const isWritten = state === "leased" && row?.state === "leased" && row.lease === lease;
      assert.ok(!isWritten, `the row of ${lease} is written, and says what it said`);
    }
    this.#ledger.write(changes, this.scheduler, now);
    for (const [isolate, tickets] of changes.recalls) {
      const next = this.#nextOf(isolate);
      if (next) this.#answers.recall(isolate, tickets, next);
    }
    for (const decision of changes.decisions) if (!this.#audience.decided(decision)) this.#answer(decision);
    for (const question of changes.questions) this.#audience.asked(question);
    for (const lease of changes.cuts) this.#handles.tellTaken(lease, "cut");
    this.#wakeBy(this.scheduler.nextTick());
    this.#conditions.changed();
  }

  #wakeBy(at: number): void {
    if (at >= this.#wakesAt || at === Number.POSITIVE_INFINITY) return;
    this.#wakesAt = at;
    this.#audience.in(Math.max(0, at - this.#audience.now), () => {
      if (this.#wakesAt !== at) return;
      this.#wakesAt = Number.POSITIVE_INFINITY;
      this.#tick();
    });
  }

  #answer(decision: Decision): void {
    const { kind, ticket } = decision;
    if (kind === "queued") this.#answers.queued(ticket, decision.token, this.scheduler.currentDrain !== null);
    else if (kind === "refuse") this.#answers.answer(ticket, { granted: false, code: decision.code });
    else if (kind === "grant" && !this.scheduler.stands(decision)) {
      if (!this.scheduler.knows(ticket)) this.#answers.answerAgain(ticket, 0);
    } else if (kind === "grant") this.#answers.answer(ticket, this.#granted(decision));
    else if (kind === "passed" || kind === "defer") {
      const code = kind === "passed" ? "served" : kind;
      const { token } = decision;
      this.#answers.answer(ticket, { granted: false, code, token, ...this.#nextFor(ticket) });
    }
  }

  #granted({ ticket, slot, token }: Decision & { kind: "grant" }): Granted {
    const { scheduler } = this;
    const { queued, hasFreeSlot, inFlight } = scheduler;
    const tellEnd = queued > 0 ? "at once" : inFlight <= 1 && hasFreeSlot ? "soon" : "in a turn";
    const pass = scheduler.passPermit(slot.lease, this.#audience.now);
    const { name, url, binding } = slot.server;
    const granted = { granted: true, server: { name, url, binding }, token, tellEnd } as const;
    return { ...granted, ...(pass ? { pass } : {}), ...this.#nextFor(ticket) };
  }

  #nextFor(ticket: string): { next?: Next } {
    const isolate = this.#answers.isolateOf(ticket);
    const next = isolate === null ? undefined : this.#nextOf(isolate);
    return next ? { next } : {};
  }
}
