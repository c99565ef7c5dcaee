import assert from "node:assert/strict";
import type { PoolConfig } from "../../src/config/types.ts";
import { ATTENTION_MS } from "../../src/scheduler/fleet/checks.ts";
import type { CheckResult } from "../../src/scheduler/fleet/health.ts";
import { LEASE_TTL_MS } from "../../src/scheduler/fleet/leases.ts";
import type { Server } from "../../src/scheduler/fleet/server.ts";
import type { Decision, ServerQuestion, WakeQuestion } from "../../src/scheduler/record/outbox.ts";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { snapshotOf } from "../../src/scheduler/snapshot.ts";
import type { CutOff, DeferRefusal, LeaseEnd } from "../../src/scheduler/terms/lease-end.ts";
import {
  leaseName,
  leaseNamed,
  NOBODY,
  type ServerPatch,
  type SlotRow,
  type SlotState,
} from "../../src/scheduler/terms/rows.ts";
import { DrainModel, type Wanted } from "./drain-model.ts";
import { cutOff, DONE, reported } from "./ends.ts";
import { orderOf, shareOf } from "./fleet/balance-model.ts";
import { HealthModel } from "./fleet/health-model.ts";
import { type Coming, RegistrationsModel } from "./fleet/registrations-model.ts";
import { keep, type Occupied, restart, SlotsModel } from "./fleet/slots-model.ts";
import { LedgerModel } from "./ledger-model.ts";
import { scraped, Tally } from "./record/tally.ts";
import { mayGoBefore } from "./waiting/arrival.ts";
import { compareFlows } from "./waiting/flows-model.ts";
import { comparePlaces, compareWaiting, deadlineOf, flowOf, isToBeStored } from "./waiting/waiting-model.ts";
import { type Asks, anotherAttempt, isStored, newWorker, type Worker } from "./worker.ts";

/** A ticket that still waits after so long is told its token; in a drain at once. */
const NOTICE_MS = 500;
/** How often the counts are written while anybody waits. */
const HEARTBEAT_MS = 5_000;
/** The states of slots whose servers may be at work on requests. */
const HELD: ReadonlySet<SlotState> = new Set(["leased", "orphaned", "quarantined", "cut"]);
const NEVER = Number.POSITIVE_INFINITY;

/**
 * Plays the Workers, the servers, the ledger and the clock around a scheduler, keeps accounts of its own, and
 * fails as soon as the scheduler does what it promised not to do. It says so by `assert`, as do the models: at millions
 * of questions `expect` takes longer than all the rest (vitest 5.1).
 */
export class World {
  now = 1_000_000;
  readonly workers: Worker[] = [];
  /** Refusals of tickets that had been accepted, and waited. */
  refusedLate = 0;
  /** By how much crashes may have made the totals differ from what was. */
  lostCounts = 0;
  /** Stored requests that were tried again after they had been counted as ended: their leases had run out. */
  countedTwice = 0;
  scheduler: Scheduler;
  #settings: PoolConfig;
  readonly #ledger = new LedgerModel();
  /** What this instance should have counted, and what of it the ledger has. */
  #tally = new Tally();
  #writtenTally = new Tally();
  /** When the counts are written next; `null`: nobody waits, and nothing has happened since they were. */
  #beatAt: number | null = null;
  /** What the last scrape was told. */
  #scraped: Record<string, number> = {};
  readonly questions: ServerQuestion[] = [];
  /** Calls for servers that are not answered yet. */
  readonly wakes: WakeQuestion[] = [];
  /** When the last of all was made. */
  #wokenAt = Number.NEGATIVE_INFINITY;
  /** Checks that have timed out; their servers may still answer. */
  readonly lateChecks: ServerQuestion[] = [];
  /** Who asks for a slot just now, and was told no token before. */
  #newcomer: Worker | null = null;
  #instance = 0;
  /** The pool crashes before anybody hears what it has written. */
  #tellsNobody = false;
  readonly #slots = new SlotsModel();
  readonly #registrations: RegistrationsModel;
  #startedAt: number;
  /** When somebody last waited for a server, or was at one. */
  #workedAt = Number.NEGATIVE_INFINITY;
  /** Until then those who waited before a restart may still be on their way back. */
  #regroupsUntil = Number.NEGATIVE_INFINITY;

  readonly #drain = new DrainModel();
  /** When what a server still has is cut off, by its name; absent: never, or it was. */
  readonly #cuts = new Map<string, number>();
  #health: HealthModel;
  /** When an operator last changed the state of a server, by name. */
  readonly #setAt = new Map<string, number>();
  /** When the last check that was refused was made, by URL, of servers that were not well since. */
  readonly #refusedAt = new Map<string, number>();
  /** By isolate and number of the call: who made it. */
  readonly #calls = new Map<string, Worker>();
  readonly #checkIds = new Set<string>();
  /** Checks under way that take no slot, as their servers answer them beside their work: of whom, and since when. */
  readonly #beside = new Map<string, { server: Server; url: string; since: number }>();
  /** When its last check was made, and when a request was last given the slot of one, by URL. */
  readonly #checkedAt = new Map<string, number>();
  readonly #yieldedAt = new Map<string, number>();

  constructor(settings: PoolConfig) {
    this.#settings = settings;
    this.#startedAt = this.now;
    this.#registrations = new RegistrationsModel(settings);
    this.#health = new HealthModel(settings, new Map());
    this.scheduler = new Scheduler(settings, this.#ledger.load(), this.now);
    this.#settle();
  }

  // ── What Workers do ──

  /** `lateMs`: it has tried to reach the pool for so long. */
  arrive(lateMs = 0, asks: Asks = {}): Worker {
    const worker = newWorker(this.workers.length, { now: this.now, instance: this.#instance, lateMs }, asks);
    this.workers.push(worker);
    this.#ask(worker);
    return worker;
  }

  /** A request is to be stored, and to wait for so long. `dies`: its pool, when it has written that and nothing else. */
  defer(forMs: number, dies = false, { flow, aheadMs }: Asks = {}): void {
    const asks = { aheadMs, ...(flow === undefined ? {} : { flow }) };
    const worker = newWorker(this.workers.length, { now: this.now, instance: this.#instance }, asks);
    if (this.#refusesToStore(worker, null)) return;
    const expiresAt = this.now + forMs;
    const token = this.#store(worker, expiresAt);
    const arrival = { ...worker.arrival, isKnown: true };
    const stored: Worker = { ...worker, arrival, expiresAt, token };
    this.workers.push(stored);
    if (dies) {
      Object.assign(stored, { state: "stored", accepted: true });
      // It is not counted as accepted.
      this.lostCounts++;
    } else {
      this.#newcomer = stored;
      this.#settle();
      this.#newcomer = null;
    }
  }

  /** A direct request whose client has waited long enough is stored, and waits on at its place. */
  storeAfterWait(worker: Worker, forMs: number): void {
    const { toBeStored: token, arrival } = worker;
    if (token === undefined) return;
    worker.toBeStored = undefined;
    this.#tally.abandoned--;
    this.scheduler.storedAfterWait();
    if (this.#refusesToStore(worker, token)) {
      this.#waitOn(worker, token);
      return;
    }
    // Who has come to this instance before it was stored knows it as a direct one.
    const isKnown = arrival.instance === this.#instance;
    const expiresAt = this.now + forMs;
    const again = anotherAttempt(worker, this.workers.length, this.now, undefined);
    const stored: Worker = { ...again, arrival: { ...arrival, isKnown }, since: this.now, expiresAt, token };
    this.workers.push(stored);
    if (this.#returns(stored)) this.#regroupsUntil = Math.min(this.now + 500, this.#startedAt + 2_000);
    this.#store(stored, expiresAt);
    this.#settle();
  }

  /** Its Worker asks for a slot again, by its old turn, and no more for it to be stored. */
  #waitOn(worker: Worker, token: number): void {
    const { since } = worker;
    const again = { ...anotherAttempt(worker, this.workers.length, this.now, undefined), since, token };
    const { deferAfterMs: _, ...waiting } = again;
    this.workers.push(waiting);
    this.#ask(waiting);
  }

  /** Refuses to store the request, if that is to be. `waitedWith`: the token by which it waited as a direct one. */
  #refusesToStore(worker: Worker, waitedWith: number | null): boolean {
    const refusal = this.#deferRefusal(waitedWith === null ? worker : null);
    const asked = { flow: worker.flow ?? null, token: waitedWith };
    const told = this.scheduler.deferRefusal(this.#ledger.deferred.size, this.now, asked);
    assert.equal(told, refusal, "why it is not stored");
    this.#beatAt ??= this.now + HEARTBEAT_MS;
    if (!refusal) return false;
    // Whoever has waited waits on.
    if (waitedWith === null) this.#tally.refuse(refusal);
    this.#settle(refusal === "no-server");
    return true;
  }

  /** The request is on record, and waits. Returns its token. */
  #store(worker: Worker, expiresAt: number): number {
    const { id, since, hashKey, flow, arrival } = worker;
    const { aheadMs } = arrival;
    const keeps = worker.token === undefined ? {} : { token: worker.token };
    const token = this.scheduler.enter({ id, expiresAt, aheadMs, ...keyOf(worker), ...keeps }, this.now);
    if (token === undefined) throw new Error(`${id} has no token`);
    this.#workedAt = this.now;
    this.#ledger.deferred.set(id, { token, since, expiresAt, hashKey, flow, aheadMs });
    return token;
  }

  /** A Worker that lost touch asks again. */
  comeBack(worker: Worker): void {
    if (isStored(worker)) this.#answerPool(worker);
    if (worker.state !== "lost touch") return;
    worker.state = "waiting";
    if (worker.token === undefined) worker.arrival.byWait = true;
    this.#ask(worker);
  }

  /** A Worker asks again though its pool has lost nothing: only the answer did not reach it. */
  repeat(worker: Worker): void {
    const isGranted = worker.state === "holding" && this.#has(worker);
    if (worker.state !== "waiting" && !isGranted) return;
    worker.state = "waiting";
    if (this.#has(worker)?.cut) this.#ask(worker);
    else this.#enter(worker);
  }

  leave(worker: Worker): void {
    if (worker.state === "waiting") {
      assert.ok(this.scheduler.leave(worker.id, this.now), `${worker.id} waits`);
      this.#tally.abandoned++;
      this.#beatAt ??= this.now + HEARTBEAT_MS;
      this.#gone(worker);
    }
    if (worker.state === "lost touch") {
      worker.leftUnheard = !this.#has(worker) && !isStored(worker);
      // It may have been granted a slot that it never heard of.
      this.#end(worker, { how: "unused" }, this.now);
    }
    this.#settle();
  }

  release(worker: Worker): void {
    if (worker.state !== "holding") return;
    const server = this.#serverOf(worker);
    if (server) this.#health.requestAnswered(server);
    this.#end(worker, DONE, this.now + this.#settings.cooldownMs);
    this.#settle();
  }

  giveBack(worker: Worker): void {
    if (worker.state !== "holding") return;
    this.#end(worker, { how: "unused" }, this.now);
    this.#settle();
  }

  /** The object of a stored request does not take the slot, as it does not know its pool, in a deploy. */
  decline(worker: Worker): void {
    if (worker.state !== "holding" || !isStored(worker) || !this.#has(worker)) return;
    const { deferred } = this.#ledger;
    const row = deferred.get(worker.id);
    this.#end(worker, { how: "unused", retried: true }, this.now);
    if (row) deferred.set(worker.id, row);
    worker.state = "stored";
    this.#settle();
  }

  /** `clientLeft`: before that, so that nobody is refused. */
  cutOff(worker: Worker, cause: CutOff, clientLeft: boolean): void {
    if (worker.state !== "holding") return;
    const { quarantine, onClientAbort, cooldownMs } = this.#settings;
    const cancelled = onClientAbort === "cancel" && cause === "client";
    const closedMs = cancelled
      ? Math.max(quarantine.cancelMs, cooldownMs)
      : cause === "stalled" || cause === "early"
        ? Math.max(quarantine.brokenMs, quarantine.cancelMs)
        : cause === "broken"
          ? quarantine.brokenMs
          : quarantine.maxMs;
    const failing = ["broken", "unreachable", "timeout"].includes(cause) && this.#serverOf(worker);
    if (failing) this.#health.requestFailed(failing, this.now);
    this.#end(worker, cutOff(cause, clientLeft), this.now + closedMs);
    this.#settle();
  }

  /** Its server broke the connection; the request goes to another one, or to any that does not rest. */
  retry(worker: Worker, elsewhere: boolean, restMs: number): void {
    // One whose slot has gone to another since is counted as lost, and its retry as well: rare enough.
    if (worker.state !== "holding" || !this.#has(worker)) return;
    this.#again(worker, elsewhere, restMs);
    // Only then: what this sets free finds the retry on the list.
    const failing = this.#serverOf(worker);
    if (failing) this.#health.requestFailed(failing, this.now);
    this.#end(worker, { how: "broken", retried: true }, this.now + this.#settings.quarantine.brokenMs);
    this.#settle();
  }

  /** Its server is busy for somebody else; the request goes to another one, or to any that does not rest. */
  busy(worker: Worker, elsewhere: boolean, restMs: number): void {
    if (worker.state !== "holding" || !this.#has(worker)) return;
    this.#again(worker, elsewhere, restMs);
    const { cooldownMs } = this.#settings;
    this.#end(worker, { how: "busy", restMs }, this.now + Math.max(50, cooldownMs, Math.min(restMs, 10_000)));
    this.#settle();
    // Nothing of it is at the server, and no drain waits for it.
    const { servers } = snapshotOf("web", this.scheduler, this.now);
    const shown = servers.flatMap(({ leases }) => leases.map(({ id }) => id));
    assert.ok(!shown.includes(worker.id), `${worker.id} is shown at a server`);
  }

  // ── What servers do ──

  /** `cutOff`: it is not read to its end. */
  answer(question: ServerQuestion, result: CheckResult, cutOff = false): void {
    this.questions.splice(this.questions.indexOf(question), 1);
    const { maxMs, brokenMs } = this.#settings.quarantine;
    const beside = question.kind === "check" ? this.#beside.get(question.id) : undefined;
    if (question.kind === "probe") {
      // Idle, but for what came to it since it was asked.
      const { askedAt } = question;
      if (result === "passed") this.#slots.open(new URL(question.url).origin, askedAt, askedAt, this.now);
      this.scheduler.probed(question.identity, result === "passed", question.askedAt, this.now);
    } else if (beside !== undefined) {
      this.#beside.delete(question.id);
      if (result === "timeout") this.lateChecks.push(question);
      // One that has left since, and perhaps come again, is another one.
      const isThere = !beside.server.retired && this.scheduler.servers.includes(beside.server);
      const name = isThere ? this.#nameAt(beside.url) : undefined;
      const wasDown = this.#isDown(name);
      if (name !== undefined) this.#health.checked(name, result, this.now);
      if (name !== undefined && result === "refused") this.#refusedAt.set(beside.url, beside.since);
      this.scheduler.checked(question.id, reported(result, cutOff), this.now);
      if (name !== undefined && result === "passed") this.#well(question, name, wasDown);
    } else {
      const mine = this.#slots.lastOf(question.id);
      const [answered, unanswered] = [this.#restAfter(cutOff), brokenMs];
      const after = {
        passed: answered,
        failed: answered,
        refused: unanswered,
        broken: unanswered,
        timeout: maxMs,
      }[result];
      if (result === "timeout") this.lateChecks.push(question);
      // Whatever it was called when it was asked.
      const server = this.#nameAt(new URL(question.url).origin);
      const wasDown = this.#isDown(server);
      // Later than that it counts as a check that timed out, whatever comes.
      const inTime = mine && mine.closedAt > this.now ? mine : null;
      if (inTime) Object.assign(inTime, { until: this.now + after, closedAt: this.now, checks: undefined });
      if (inTime && server !== undefined) this.#health.checked(server, result, this.now);
      if (inTime && result === "refused") this.#refusedAt.set(new URL(question.url).origin, inTime.since);
      this.scheduler.checked(question.id, reported(result, cutOff), this.now);
      if (inTime && result === "passed") this.#well(question, server, wasDown);
    }
    this.#settle();
  }

  /** Whom the pool asks for servers says that it has heard. */
  wake(): void {
    if (this.wakes.shift()) this.scheduler.woken("status 202", this.now);
    this.#settle();
  }

  /** Its server answers a check that has timed out, or breaks off. */
  answerLate(question: ServerQuestion, result: CheckResult, cutOff = false): void {
    if (question.kind !== "check") return;
    this.lateChecks.splice(this.lateChecks.indexOf(question), 1);
    const mine = this.#slots.lastOf(question.id);
    const { brokenMs } = this.#settings.quarantine;
    const after = result === "broken" || result === "refused" ? brokenMs : this.#restAfter(cutOff);
    if (mine && mine.until > this.now && result !== "timeout")
      Object.assign(mine, { until: this.now + after, closedAt: this.now });
    this.scheduler.checkedLate(question.id, reported(result, cutOff), this.now);
    this.#settle();
  }

  /** A Worker tells an end again whose answer it never had, and renews too late what is over: that changes nothing. */
  repeatEnd(worker: Worker): void {
    const { id, ended } = worker;
    // A holder that was presumed lost may still come forward.
    if (!ended || ended.how === "lost") return;
    this.scheduler.end(id, ended, this.now);
    assert.ok(!this.scheduler.renew(id, this.now), `a renewal of ${id}, which has ended`);
    this.#settle();
  }

  /** Without it a lease runs out: then its Worker is as good as dead. */
  renew(worker: Worker): void {
    if (worker.state !== "holding") return;
    const mine = this.#slots.lastOf(worker.id);
    const isRenewed = this.scheduler.renew(worker.id, this.now);
    // It has still to tell how its request ended.
    if (this.#has(worker)?.cut) assert.ok(!isRenewed, `${worker.id} has been cut off`);
    else if (!isRenewed) this.#gone(worker);
    else if (mine) this.#found(mine);
    this.#settle();
  }

  // ── What operators and time do ──

  drain(owner: string, wanted: Wanted): void {
    const { forMs, cutMs, stops, extend } = wanted;
    const wasOn = this.#drain.isOn;
    this.#drain.want(owner, wanted, this.now);
    if (!wasOn && this.#drain.isOn) this.#tally.drains++;
    this.scheduler.drain(
      {
        ...{ owner, by: "me", reason: null, expiresAt: this.now + forMs, extend },
        ...(cutMs === undefined ? {} : { cutAt: this.now + cutMs }),
        ...(stops ? { stop: { message: null } } : {}),
      },
      this.now,
    );
    this.#settle();
  }

  resume(owner: string, force: boolean): void {
    this.#drain.end(owner, force);
    this.scheduler.resume({ owner, by: "me", force: force ? "any" : "no" }, this.now);
    this.#settle();
  }

  changeServer(name: string, patch: ServerPatch): void {
    const server = this.scheduler.servers.find((one) => one.name === name && !one.retired);
    const { state = server?.state, cut } = patch;
    if (server && state !== server.state) this.#setAt.set(name, this.now);
    if (server && state === "ready") this.#cuts.delete(name);
    // One that was made is not made again, until the server has been back.
    else if (server && cut !== undefined && !server.cut?.done) this.#cuts.set(name, this.now + cut);
    if (this.scheduler.changeServer(name, patch, "me", this.now)) this.#workedAt = this.now;
    this.#settle();
  }

  register(coming: Coming): void {
    const { name, at, slots, forMs, renews } = coming;
    const url = `http://${at}.example`;
    const expected = this.#registrations.register(coming, this.now);
    if (expected === "new") {
      this.#health.came(name, this.now);
      this.#checkedAt.delete(url);
      this.#refusedAt.delete(url);
      this.#forget(name);
    }
    if (expected === "new" || this.#isDown(name)) this.#workedAt = this.now;
    const expiresAt = forMs === null ? Number.POSITIVE_INFINITY : this.now + forMs;
    const address = { name, identity: url, url, binding: null };
    const request = { ...address, renews, slots, weight: 1, backup: false, expiresAt, by: "me" };
    assert.equal(this.scheduler.register(request, this.now), expected, `${name} registers`);
    this.#settle();
  }

  deregister(name: string): void {
    const expected = this.#registrations.leave(name);
    if (expected) this.#forget(name);
    assert.equal(this.scheduler.deregister(name, null, "me", this.now) !== null, expected, `${name} leaves`);
    this.#settle();
  }

  /** What operators wanted of the server ends with it. */
  #forget(name: string): void {
    this.#setAt.delete(name);
    this.#cuts.delete(name);
  }

  /** Everybody who has registered goes. */
  deregisterAll(): void {
    for (const name of this.#registrations.names) this.deregister(name);
  }

  freeLease(worker: Worker): void {
    // After a restart its lease is called otherwise.
    const names = [worker.id, leaseName({ lease: worker.id, hop: 0, isHopUnsure: true })];
    if (names.some((name) => this.scheduler.freeLease(name, "me", this.now))) {
      if (this.#slots.lastOf(worker.id)?.held) this.#tally.abandoned++;
      this.#free(worker, this.now);
    }
    this.#settle();
  }

  /** What a scrape is told is on record before, and no count of it is ever lower than what an earlier one was told. */
  scrape(): void {
    const counts = this.scheduler.counters.tell();
    this.#settle();
    this.#ledger.writeCounts(counts);
    this.#writtenTally = this.#tally.copy();
    const told = scraped(counts);
    for (const [name, before] of Object.entries(this.#scraped)) {
      const after = told[name] ?? Number.NaN;
      assert.ok(after >= before, `a scrape was told ${before} ${name}, and now ${after}`);
    }
    this.#scraped = told;
  }

  /** Lets time pass, waking the scheduler whenever it wants to be woken. */
  advance(ms: number): void {
    const end = this.now + ms;
    for (let ticks = 0; this.#nextWakeUp() <= end; ticks++) {
      assert.ok(ticks < 10_000, "ticks without an end");
      this.now = Math.max(this.now, this.#nextWakeUp());
      if (this.scheduler.nextTick() <= this.now) this.#tick();
      if (this.#beatAt !== null && this.#beatAt <= this.now) this.#beat();
    }
    this.now = end;
    // Before the next tick, which would grant what nobody was woken for.
    this.#checkNoSlotIsLeftIdle();
    this.#tick();
  }

  /** Lets time pass until all who wait were told a token, and all that happened is on record. */
  calmDown(): void {
    for (let beats = 0; beats < 2 && this.#beatAt !== null; beats++) this.advance(this.#beatAt - this.now);
    this.#writtenTally.compareTotals(this.scheduler.totals);
  }

  #nextWakeUp(): number {
    return Math.min(this.scheduler.nextTick(), this.#beatAt ?? Number.POSITIVE_INFINITY);
  }

  #tick(): void {
    for (const one of this.#slots.all) {
      if (one.closedAt > this.now) continue;
      const checked = one.checks && this.#nameAt(one.url);
      if (checked) this.#health.checked(checked, "timeout", this.now);
      delete one.checks;
      // Nobody has heard of its holder.
      if (one.held) this.#tally.abandoned++;
      one.held = false;
    }
    for (const name of this.#registrations.tick(this.now)) this.#forget(name);
    this.#drain.pass(this.now);
    this.scheduler.tick(this.now);
    this.#settle();
    for (const worker of this.#waiting) {
      assert.ok(deadlineOf(worker, this.#settings) > this.now, `${worker.id} waits for too long`);
    }
    for (const worker of this.workers) {
      if (worker.notice && worker.notice.at <= this.now) this.#tellToken(worker, worker.notice.token);
    }
  }

  #beat(): void {
    this.#beatAt = null;
    this.#settle();
    this.#writeCounts();
    if (this.#directWaiting > 0) this.#beatAt ??= this.now + HEARTBEAT_MS;
  }

  /** The object dies while this happens: the ledger has it, but nobody is told. */
  crash(during: () => void, settings = this.#settings): void {
    this.#tellsNobody = true;
    during();
    this.#tellsNobody = false;
    this.restart(settings);
  }

  /** The object dies and comes back with what the ledger holds, perhaps with another configuration. */
  restart(settings = this.#settings): void {
    const waiting = this.#waiting;
    const direct = waiting.filter((worker) => !isStored(worker));
    // Each may be counted as accepted twice, or leave without the new instance having heard of it.
    this.lostCounts += this.#tally.distance(this.#writtenTally) + direct.length;
    this.#tally = this.#writtenTally.copy();
    this.#beatAt = null;
    // What the ledger shows lets think of those who waited.
    const expected =
      settings === this.#settings && waiting.length > 0 && !waiting.some(({ failed }) => failed);
    if (expected) this.#regroupsUntil = Math.max(this.#regroupsUntil, this.now + 500);
    for (const worker of direct) worker.state = "lost touch";
    for (const worker of this.workers) {
      if (this.#ledger.deferred.has(worker.id)) this.#restore(worker);
      worker.notice = undefined;
    }
    this.#settings = settings;
    this.#startedAt = this.now;
    this.#instance++;
    // What was known of a server that had registered is not of the one that is configured by its name now.
    const kept = new Map(this.#ledger.servers);
    for (const name of this.#registrations.restart(settings)) {
      kept.delete(name);
      this.#forget(name);
    }
    for (const name of this.#registrations.tick(this.now)) this.#forget(name);
    this.#health = new HealthModel(settings, kept, this.#registrations.names);
    this.#refusedAt.clear();
    this.#checkedAt.clear();
    this.#workedAt = Number.NEGATIVE_INFINITY;
    // Whatever was asked, its answer reaches nobody.
    this.questions.length = 0;
    this.lateChecks.length = 0;
    this.wakes.length = 0;
    this.#beside.clear();
    for (const { server, index, state } of this.#ledger.slots.values()) {
      const mine = this.#slots.at({ url: server.url, index });
      if (mine) restart(mine, state, settings, this.now);
    }
    this.scheduler = new Scheduler(
      settings,
      this.#ledger.load(this.now, settings.register !== null),
      this.now,
    );
    this.#ledger.forgetServersBut(this.scheduler.servers);
    // With the row of a server that the configuration has no more go its cut, and when its state was set.
    for (const known of [this.#cuts, this.#setAt])
      for (const name of known.keys()) if (!this.#ledger.servers.has(name)) known.delete(name);
    this.#settle();
  }

  /** A drain is as long, and as strict, as operators have said. After its cut nobody holds a slot, whoever did. */
  checkDrain(): void {
    this.#drain.compare(this.scheduler.currentDrain);
    if (this.#drain.stops) assert.equal(this.#directWaiting, 0, "who waits in a stop");
    const isDrained = this.#drain.isOn && (this.#drain.isCut || this.scheduler.inFlight === 0);
    assert.equal(this.scheduler.isDrained, isDrained, "drained");
    if (!this.#drain.isCut) return;
    for (const worker of this.workers) {
      const mine = this.#has(worker);
      const isOver = !mine || mine.cut || worker.state === "gone";
      assert.ok(isOver && !mine?.held, `${worker.id} holds a slot after the cut`);
    }
  }

  /** The totals are what has happened, but for what a crash took with it. */
  checkTotals(): void {
    this.#tally.compareTotals(this.scheduler.totals);
  }

  /** All other counts, too. */
  checkCounts(): void {
    this.#tally.compare(this.scheduler.counters.counts);
  }

  /** Those wait who should, each at its place, and nobody who may not. */
  checkWaiting(): void {
    compareWaiting(this.#waiting, this.scheduler, this.#settings);
    comparePlaces(this.#waiting, this.scheduler, this.#settings);
    for (const worker of this.#waiting) {
      assert.ok(!this.#mayNotWait(worker), `${worker.id} waits for no server`);
    }
  }

  /** Each flow has as many requests waiting, and slots, as those of its clients that the pool has to do with. */
  checkFlows(): void {
    const moment = { settings: this.#settings, now: this.now };
    compareFlows(this.#waiting, this.#atWork, this.scheduler, moment);
    const rows = [...this.#ledger.slots.values()].filter(
      ({ state, flow }) => HELD.has(state) && flow !== NOBODY,
    );
    const kept = rows.map(({ lease, flow }) => `${lease} of ${flow}`);
    const held = this.#atWork.map(({ id, flow }) => `${id} of ${flow}`);
    assert.deepEqual(kept.sort(), held.sort(), "whose slots they are on record");
  }

  /** While somebody waits for a server, it is looked after. */
  checkLookedAfter(): void {
    if (!this.#settings.check || !this.#isAwaited || this.questions.length >= 4) return;
    for (const { name, url, state, retired, hasFreeSlot } of this.scheduler.servers) {
      if (retired || state === "maint" || (this.#checksTakeSlots && !hasFreeSlot)) continue;
      if (this.questions.some(({ identity }) => identity === url)) continue;
      const dueAt = (this.#checkedAt.get(url) ?? this.now) + this.#intervalMs;
      assert.ok(this.scheduler.nextTick() <= Math.max(this.now, dueAt), `nobody looks after ${name}`);
    }
  }

  /** While somebody waits and no server is there, servers are asked for. */
  checkWoken(): void {
    const { wake } = this.#settings;
    if (!wake || this.#waiting.length === 0 || !this.#lacksServers || this.wakes.length > 0) return;
    const dueAt = Math.max(this.now, this.#wokenAt + wake.everyMs);
    assert.ok(this.scheduler.nextTick() <= dueAt, "nobody asks for servers");
    assert.ok(this.scheduler.nextAlarm <= dueAt, "the pool may sleep and ask nobody for servers");
  }

  checkHealth(): void {
    this.#health.compare(this.scheduler.servers);
  }

  /** Those servers are there that are configured, or have registered and have not left. */
  checkRegistered(): void {
    this.#registrations.compare(this.scheduler.servers);
  }

  /** What the scheduler shows is what the ledger would bring back. */
  checkLedger(): void {
    const shown = snapshotOf("web", this.scheduler, this.now).servers.flatMap((server) => server.leases);
    const kept = [...this.#ledger.slots.values()].filter(
      ({ lease, state }) => !lease.startsWith("check:") && state !== "resting",
    );
    assert.deepEqual(shown.map(({ id }) => leaseNamed(id).lease).sort(), kept.map((row) => row.lease).sort());
  }

  /** A slot is closed just as long as its server may be busy, as far as anyone knows, and no longer. */
  checkClosed(): void {
    const closed = [...this.#ledger.slots.values()].map(({ lease }) => lease);
    const busy = this.#slots.all.filter(({ until }) => until > this.now).map(({ id }) => id);
    assert.deepEqual(closed.sort(), busy.sort());
  }

  /** The events that the ledger would bring back are those that are told, and fit to what there is to see. */
  checkEvents(): void {
    const { journal, inFlight } = this.scheduler;
    const { events } = this.#ledger;
    assert.deepEqual(journal.since(-1), events);
    assert.ok(
      events.every(({ id }, index) => id > (events[index - 1]?.id ?? 0)),
      "events in order",
    );
    const latest = journal.latest("drain", "stop", "drained", "stopped", "resume")?.kind ?? "resume";
    const { isOn, isCut, stops } = this.#drain;
    const [under, over] = stops ? (["stop", "stopped"] as const) : (["drain", "drained"] as const);
    assert.equal(latest, !isOn ? "resume" : inFlight > 0 && !isCut ? under : over);
  }

  // ── Accounts ──

  /** The request is on the list again, before its lease ends. */
  #again(worker: Worker, elsewhere: boolean, restMs: number): void {
    this.#anew(worker, { server: worker.server as string, elsewhere, restsUntil: this.now + restMs });
  }

  #anew(worker: Worker, failed?: Worker["failed"]): void {
    const again = anotherAttempt(worker, this.workers.length, this.now, failed);
    this.workers.push(again);
    if (isStored(worker)) this.#ledger.renameDeferred(worker.id, again.id);
    this.#ask(again);
  }

  /** The object of a stored request says what it knows, as its pool has lost sight of it. */
  #answerPool(worker: Worker): void {
    // The pool has died when it heard of the end.
    if (worker.state === "gone") this.#ledger.deferred.delete(worker.id);
    if (worker.state === "lost touch") {
      if (!this.#has(worker)) this.countedTwice++;
      this.#anew(worker);
      this.#end(worker, { how: "unused", retried: true }, this.now);
    } else if (worker.state === "stored") {
      this.#anew(worker);
      worker.state = "gone";
    }
    this.#settle();
  }

  /** A stored request that has no slot is on the list again, whatever became of it since that was written. */
  #restore(worker: Worker): void {
    const isWaiting = worker.state === "waiting" || worker.state === "stored";
    if (this.#ledger.hasSlot(worker.id)) {
      if (isWaiting) worker.state = "lost touch";
      worker.arrival.isKnown = false;
      return;
    }
    if (!isWaiting) this.countedTwice++;
    Object.assign(worker, { state: "waiting", failed: undefined, ended: undefined });
  }

  #ask(worker: Worker): void {
    worker.askedAt = this.now;
    this.#giveBackIfCut(worker);
    const regroupsUntil = this.#regroupsUntil;
    if (this.#returns(worker)) this.#regroupsUntil = Math.min(this.now + 500, this.#startedAt + 2_000);
    this.#newcomer = worker.token === undefined && !worker.failed ? worker : null;
    this.#enter(worker);
    this.#newcomer = null;
    // What is refused at once says nothing of others.
    if (worker.state === "gone") this.#regroupsUntil = regroupsUntil;
  }

  /** It asks as it never heard of its slot. Without a token it is taken in once more, and else as if it had not gone. */
  #giveBackIfCut(worker: Worker): void {
    const mine = this.#has(worker);
    if (!mine?.cut) return;
    Object.assign(mine, { until: this.now, closedAt: this.now, cut: false });
    if (worker.token !== undefined || worker.failed) this.#tally.abandoned--;
  }

  #enter(worker: Worker): void {
    const { id, token, since, expiresAt, failed } = worker;
    const retry = failed && {
      server: failed.server,
      restMs: Math.max(0, failed.restsUntil - this.now),
      avoid: failed.elsewhere,
    };
    const waitedMs = this.now - since;
    const told = token === undefined ? {} : { token };
    const expires = expiresAt === undefined ? {} : { expiresAt };
    const { patienceMs, deferAfterMs, arrival } = worker;
    const isolate = isolateOf(worker);
    const from = isolate === null ? {} : { caller: { isolate, call: this.#calls.size } };
    if (isolate !== null) this.#calls.set(`${isolate}/${this.#calls.size}`, worker);
    const request = {
      ...{ id, waitedMs, aheadMs: arrival.aheadMs, ...told, ...expires, ...keyOf(worker), ...from },
      ...(retry ? { retry } : {}),
      ...(patienceMs === undefined ? {} : { patienceMs }),
      ...(deferAfterMs === undefined ? {} : { deferAfterMs }),
    };
    this.scheduler.enter(request, this.now);
    this.#workedAt = this.now;
    this.#settle();
  }

  /** It waited before the pool's restart, a moment ago, and others may be on their way back as well. */
  #returns(worker: Worker): boolean {
    const { failed, token, since } = worker;
    if (failed || this.#has(worker) || this.now >= this.#startedAt + 2_000) return false;
    return token !== undefined || since < this.#startedAt;
  }

  /** Ledger first, then the answers, as the Pool does it. */
  #settle(refusesStored = false): void {
    // Up to now, as no time passes without it.
    if (this.#isAtWork) this.#workedAt = this.now;
    const changes = this.scheduler.takeChanges();
    this.#cutOff(changes.cuts);
    for (const decision of changes.decisions) this.#count(decision);
    this.#ledger.write(changes, this.scheduler, this.now);
    if (changes.drainChanged) this.#writeCounts();
    if (changes.decisions.length > 0 || changes.slots.size > 0) this.#beatAt ??= this.now + HEARTBEAT_MS;
    const refuses = changes.decisions.some((one) => one.kind === "refuse" && one.code === "no-server");
    for (const question of changes.questions) {
      if (question.kind === "wake") this.#wakes(question, refuses || refusesStored);
      else this.#asked(question);
    }
    for (const decision of changes.decisions) this.#answer(decision);
    for (const decision of changes.decisions)
      if (decision.kind === "grant" && !this.#tellsNobody) this.#checkNext(this.#workerOf(decision));
    if (this.#isAtWork) this.#workedAt = this.now;
  }

  /** These are not their holders' any more. Each slot stays closed just as long as if its holder were lost now. */
  #cutOff(leases: readonly string[]): void {
    const { servers } = this.scheduler;
    const due = servers.filter(
      ({ name, retired }) => !retired && (this.#cuts.get(name) ?? Infinity) <= this.now,
    );
    for (const id of leases) {
      const mine = this.#slots.lastOf(id);
      assert.ok(mine && mine.until > this.now && !mine.cut, `${id}, which is cut off, holds no slot`);
      const isDue = this.#drain.isCut || due.some(({ url }) => url === mine.url);
      assert.ok(isDue, `${id} is cut off, and nobody has said so`);
      if (mine.held) this.#tally.abandoned++;
      Object.assign(mine, { held: false, cut: true });
      // Written with the time that it has by now.
      delete mine.shortened;
      // In the very millisecond of a restart it cannot be told from one that the instance before has made.
      if (this.now === this.#startedAt) mine.closedAt = Math.max(mine.closedAt, this.now + LEASE_TTL_MS);
    }
    for (const { name, url } of due) {
      this.#cuts.delete(name);
      const held = this.#slots.on(url).filter((one) => one.held && one.until > this.now);
      assert.deepEqual(held, [], `what ${name} still has after its cut`);
    }
  }

  #writeCounts(): void {
    this.#ledger.writeCounts(this.scheduler.counters.counts);
    this.#writtenTally = this.#tally.copy();
  }

  #count(decision: Decision): void {
    const worker = this.#workerOf(decision);
    // It has waited as long as its client wanted to before it came here.
    const isTooLate =
      decision.kind === "defer" || (decision.kind === "refuse" && decision.code === "queue-timeout");
    if (isTooLate && this.#newcomer === worker) this.#accept(worker);
    if (decision.kind === "refuse") {
      this.#tally.refuse(decision.code);
      if (worker.accepted) this.refusedLate++;
      return;
    }
    if (decision.kind === "defer") {
      this.#tally.abandoned++;
      return;
    }
    const granted = decision.kind === "grant" ? this.#grantedBefore(worker, decision.slot) : undefined;
    if (granted) this.#found(granted);
    else if (decision.kind === "grant" && !worker.failed) this.#tally.waits++;
    if (!granted && this.#newcomer === worker) this.#accept(worker);
  }

  #accept(worker: Worker): void {
    this.#tally.accepted++;
    worker.accepted = true;
  }

  #answer(decision: Decision): void {
    const worker = this.#workerOf(decision);
    assert.equal(worker.state, "waiting", `${decision.kind} for ${worker.id}`);
    if ("token" in decision && worker.token !== undefined) {
      assert.equal(decision.token, worker.token, `the token of ${worker.id}`);
    }
    if (decision.kind === "grant") this.#grant(worker, decision);
    if (decision.kind === "refuse") this.#checkRefusal(worker, decision.code);
    if (decision.kind === "defer") this.#checkPatienceIsOver(worker);
    if (decision.kind === "refuse" && isStored(worker)) {
      // That is written, too.
      this.#ledger.deferred.delete(worker.id);
      worker.state = "gone";
    } else if (this.#tellsNobody) {
      if (decision.kind === "refuse" || decision.kind === "defer") {
        worker.state = "lost touch";
        // It does not know, asks again, and is counted again.
        this.lostCounts++;
      }
    } else if (decision.kind === "queued") {
      this.#checkQueued(worker);
      if (isStored(worker)) return;
      if (this.scheduler.currentDrain) this.#tellToken(worker, decision.token);
      else worker.notice = { token: decision.token, at: this.now + NOTICE_MS };
    } else if (decision.kind !== "grant") {
      worker.state = "gone";
      if (decision.kind === "defer") this.#tellToken(worker, decision.token);
      if (decision.kind === "defer") worker.toBeStored = decision.token;
    } else {
      worker.state = "holding";
      worker.waitedMs = this.now - worker.since;
      worker.server = decision.slot.server.name;
      this.#tellToken(worker, decision.token);
    }
  }

  /** Its isolate is told only of its own requests that wait, and of nobody who goes after somebody else. */
  #checkNext(worker: Worker): void {
    const isolate = isolateOf(worker);
    if (isolate === null) return;
    const listed = (this.scheduler.next(isolate)?.calls ?? []).map((call) =>
      this.#calls.get(`${isolate}/${call}`),
    );
    for (const one of listed) {
      assert.ok(one && one.state === "waiting" && !one.failed, `${one?.id} is next, and does not wait`);
      for (const other of this.#waiting) {
        if (listed.includes(other)) continue;
        assert.ok(mayGoBefore(one.arrival, other.arrival), `${one.id} is next, before ${other.id}`);
      }
    }
  }

  #tellToken(worker: Worker, token: number): void {
    worker.token = token;
    worker.notice = undefined;
  }

  #grant(worker: Worker, { slot }: Decision & { kind: "grant" }): void {
    const { url } = slot.server;
    if (this.#grantedBefore(worker, slot)) return;
    const server = this.scheduler.servers.find((one) => one.url === url);
    if (!server) throw new Error(`no such server: ${url}`);
    this.#checkGrant(worker, server.name);
    this.#checkChoice(worker, server);
    this.#checkNotOverdue(worker, url, slot.index);
    const flow = worker.flow ?? null;
    const taken = { url, id: worker.id, flow, since: this.now, until: 0, closedAt: 0, held: true };
    keep(taken, this.#settings, this.now);
    this.#slots.take(slot.index, server.slots, taken);
  }

  /** The slot that it was granted, and never heard of. */
  #grantedBefore({ id }: Worker, { server, index }: SlotRow): Occupied | undefined {
    const mine = this.#slots.at({ url: server.url, index });
    return mine?.id === id && mine.until > this.now ? mine : undefined;
  }

  #workerOf({ ticket }: Decision): Worker {
    const worker = this.workers.find(({ id }) => id === ticket);
    if (!worker) throw new Error(`an answer to nobody: ${ticket}`);
    return worker;
  }

  /** `refuses`: requests are refused as no server is there. */
  #wakes(question: WakeQuestion, refuses: boolean): void {
    const sinceMs = this.now - this.#wokenAt;
    assert.ok(
      sinceMs >= (this.#settings.wake?.everyMs ?? Number.POSITIVE_INFINITY),
      `called ${sinceMs} ms ago`,
    );
    assert.equal(this.wakes.length, 0, "a call that is not answered");
    assert.ok(this.#lacksServers, "servers are asked for, and there are some");
    assert.ok(question.queued > 0 || refuses, "servers are asked for that nobody needs");
    assert.equal(question.at, this.now);
    this.#wokenAt = this.now;
    this.wakes.push(question);
  }

  /** No server takes requests, and no operator wants it so. */
  get #lacksServers(): boolean {
    return this.scheduler.currentDrain === null && !this.scheduler.servers.some((one) => one.available);
  }

  #asked(question: ServerQuestion): void {
    this.questions.push(question);
    if (question.kind === "probe") return;
    const { origin } = new URL(question.url);
    const server = this.scheduler.servers.find(({ url }) => url === origin);
    const slot = [...(server?.occupiedSlots() ?? [])].find(({ lease }) => lease === question.id);
    if (!server) throw new Error(`a check of nobody: ${question.id}`);
    assert.equal(slot !== undefined, this.#checksTakeSlots, `a slot for ${question.id}`);
    assert.ok(!this.#checkIds.has(question.id), `${question.id} is the id of an earlier check`);
    this.#checkIds.add(question.id);
    this.#checkInterval(origin);
    if (!slot) {
      this.#beside.set(question.id, { server, url: origin, since: this.now });
      return;
    }
    const closedAt = this.now + (this.#settings.check?.timeoutMs ?? 0) + 1_000;
    this.#slots.take(slot.index, server.slots, {
      url: origin,
      id: question.id,
      since: this.now,
      held: false,
      checks: question.server,
      closedAt,
      until: closedAt + this.#settings.quarantine.maxMs,
    });
  }

  /** A server that was down, refused a connection and is up again has restarted: it knows nothing from before. */
  #well({ url }: ServerQuestion, server: string | undefined, wasDown: boolean): void {
    if (this.#isDown(server)) return;
    const { origin } = new URL(url);
    const refusedAt = this.#refusedAt.get(origin);
    this.#refusedAt.delete(origin);
    if (wasDown && refusedAt !== undefined) this.#slots.open(origin, this.now, refusedAt, this.now);
  }

  #isDown(name: string | undefined): boolean {
    return this.scheduler.servers.find((one) => one.name === name && !one.retired)?.health.status === "down";
  }

  /** Today's name of the server whose slot it has. */
  #serverOf(worker: Worker): string | undefined {
    return this.#nameAt(this.#has(worker)?.url);
  }

  #nameAt(url: string | undefined): string | undefined {
    return this.scheduler.servers.find((one) => !one.retired && one.url === url)?.name;
  }

  #checkGrant(worker: Worker, server: string): void {
    assert.equal(this.scheduler.currentDrain, null, "a grant in a drain");
    if (worker.failed?.server === server) {
      const restsUntil = Math.min(worker.failed.restsUntil, worker.askedAt + 1_000);
      assert.ok(restsUntil <= this.now, `a server that rests until ${restsUntil}, at ${this.now}`);
    }
    assert.ok(this.#regroupsUntil <= this.now, "a grant while tickets regroup");
    const { maxInFlightPerFlow } = this.#settings;
    const flow = this.#flowOf(worker);
    const atWork = this.#atWorkFor(flow);
    assert.ok(
      !this.#isAtLimit(flow),
      `${worker.id} gets one more than ${atWork} slots of ${maxInFlightPerFlow}`,
    );
    for (const other of this.workers) {
      if (other === worker || other.state !== "waiting" || this.#has(other)) continue;
      if (this.#flowOf(other) !== flow) continue;
      assert.ok(mayGoBefore(worker.arrival, other.arrival), `${worker.id} overtakes ${other.id}`);
    }
  }

  /** Nobody is sent to a server of weight 0, nor past a server that is before this one in the order of its key. */
  #checkChoice({ id, hashKey, failed }: Worker, server: Server): void {
    const { balance, slowStartMs } = this.#settings;
    assert.notEqual(server.weight, 0, `the weight of ${server.name}, which gets ${id}`);
    if (typeof balance === "string" || hashKey === undefined) return;
    const available = this.scheduler.servers.filter(
      (one) => !one.retired && one.state === "ready" && one.weight > 0 && !this.#isDown(one.name),
    );
    const shareAt = (one: Server) => {
      const times = {
        setAt: this.#setAt.get(one.name) ?? null,
        passedAt: this.#health.upSince(one.name),
        cameAt: this.#registrations.cameAt(one.name),
      };
      return shareOf(one, times, slowStartMs, this.now);
    };
    const alike = available.filter(({ backup }) => backup === server.backup);
    const order = orderOf(hashKey, alike, shareAt);
    for (const { name, hasFreeSlot } of order.slice(0, order.indexOf(server))) {
      assert.ok(!hasFreeSlot || name === failed?.server, `${id} goes to ${server.name}, past ${name}`);
    }
  }

  /** A refusal has its reason. */
  #checkRefusal(worker: Worker, code: string): void {
    const { maxQueue, maxQueuePerFlow } = this.#settings;
    if (code === "queue-timeout") {
      assert.ok(!isToBeStored(worker, this.#settings), `${worker.id} is to be stored instead`);
      const deadline = deadlineOf(worker, this.#settings);
      assert.ok(deadline <= this.now, `${worker.id} is given up at ${this.now}, and not at ${deadline}`);
    } else if (code === "stopped") {
      assert.ok(this.#drain.stops && !isStored(worker), `${worker.id} is refused as in a stop`);
    } else if (code === "no-server") {
      assert.ok(this.#mayNotWait(worker), `no server for ${worker.id}`);
    } else if (code === "flow-queue-full") {
      assert.ok(!isStored(worker), `its flow's list is full for ${worker.id}, which is stored`);
      const before = this.#waitingOf(this.#flowOf(worker)) - 1;
      assert.ok(before >= (maxQueuePerFlow ?? NEVER), `its flow's list is full for ${worker.id}: ${before}`);
    } else {
      assert.ok(!isStored(worker), `the list is full for ${worker.id}, which is stored`);
      const before = this.#directWaiting - 1;
      assert.ok(before >= maxQueue, `the list is full for ${worker.id}: ${before}`);
    }
  }

  /** A list that is full takes in nobody new, but those who are stored. */
  #checkQueued(worker: Worker): void {
    if (worker !== this.#newcomer || isStored(worker) || worker.since < this.#startedAt) return;
    const waiting = this.#directWaiting;
    assert.ok(waiting <= this.#settings.maxQueue, `${waiting} wait with ${worker.id}`);
    const ofFlow = this.#waitingOf(this.#flowOf(worker));
    assert.ok(!this.#limitsFlows || ofFlow <= this.#mostOfFlow, `${ofFlow} wait of the flow of ${worker.id}`);
  }

  #checkPatienceIsOver(worker: Worker): void {
    const deadline = deadlineOf(worker, this.#settings);
    assert.ok(deadline <= this.now, `${worker.id} is to be stored at ${this.now}, and not at ${deadline}`);
    assert.ok(isToBeStored(worker, this.#settings), `${worker.id} is to be stored, and does not want to`);
  }

  /** Why a request may not be stored now. `newcomer`: `null`, it has waited before. */
  #deferRefusal(newcomer: Worker | null): DeferRefusal | null {
    const { deferred } = this.#settings;
    if (this.#drain.stops) return "stopped";
    if (this.#isRefusing && deferred?.when !== "drained") return "no-server";
    if (!deferred || this.#ledger.deferred.size >= deferred.max) return "deferred-full";
    if (!newcomer || !this.#limitsFlows) return null;
    return this.#waitingOf(this.#flowOf(newcomer)) < this.#mostOfFlow ? null : "flow-queue-full";
  }

  #mayNotWait(worker: Worker): boolean {
    return this.#isRefusing && !(isStored(worker) && this.#settings.deferred?.when === "drained");
  }

  /** Nobody is to wait, as there is no server to wait for. */
  get #isRefusing(): boolean {
    if (this.#settings.whenDown !== "refuse" || this.scheduler.currentDrain) return false;
    return this.scheduler.servers.every(
      ({ name, retired, state }) => retired || state === "maint" || this.#health.isSurelyDown(name, this.now),
    );
  }

  get #waiting(): Worker[] {
    return this.workers.filter(({ state }) => state === "waiting");
  }

  get #directWaiting(): number {
    return this.#waiting.filter((worker) => !isStored(worker)).length;
  }

  #flowOf(worker: Worker): string | null {
    return flowOf(worker, this.#settings);
  }

  #waitingOf(flow: string | null): number {
    return this.#waiting.filter((worker) => this.#flowOf(worker) === flow).length;
  }

  get #limitsFlows(): boolean {
    return this.#settings.flow !== null && this.#settings.maxQueuePerFlow !== null;
  }

  get #mostOfFlow(): number {
    return this.#settings.maxQueuePerFlow ?? NEVER;
  }

  /** The slots whose servers may be at work on requests, for their flows. */
  get #atWork(): Occupied[] {
    return this.#slots.all.filter(({ flow, until }) => flow !== undefined && until > this.now);
  }

  #atWorkFor(flow: string | null): number {
    return this.#atWork.filter((one) => one.flow === flow).length;
  }

  /** It may hold no more slots. */
  #isAtLimit(flow: string | null): boolean {
    const { flow: shares, maxInFlightPerFlow } = this.#settings;
    return shares !== null && this.#atWorkFor(flow) >= (maxInFlightPerFlow ?? NEVER);
  }

  /** A retry of this flow may wait for another server than the free one. */
  #waitsForAnother(flow: string | null): boolean {
    return this.#waiting.some((worker) => {
      return worker.failed && worker.askedAt + 1_000 >= this.now && this.#flowOf(worker) === flow;
    });
  }

  /** Somebody waits for a server. In a drain, who is stored waits for its end. */
  get #isAwaited(): boolean {
    return this.#directWaiting > 0 || (this.#waiting.length > 0 && !this.scheduler.currentDrain);
  }

  /** Somebody waits for a server, or was at one up to now. */
  get #isAtWork(): boolean {
    return (
      this.#isAwaited || this.#slots.all.some(({ id, until }) => until >= this.now && !this.#checkIds.has(id))
    );
  }

  /** One check an interval, and one at a time. */
  #checkInterval(url: string): void {
    const last = this.#checkedAt.get(url) ?? Number.NEGATIVE_INFINITY;
    const idleMs = this.#isAtWork ? 0 : this.now - this.#workedAt;
    assert.ok(idleMs < ATTENTION_MS, `${idleMs} ms since there was work for ${url}`);
    const sinceMs = this.now - last;
    assert.ok(sinceMs >= this.#intervalMs, `${sinceMs} ms between checks of ${url}`);
    const isBeside = [...this.#beside.values()].some((one) => one.url === url);
    const isUnderWay = isBeside || this.#slots.on(url).some((one) => one.checks);
    assert.ok(!isUnderWay, `another check of ${url} is under way`);
    this.#checkedAt.set(url, this.now);
  }

  get #checksTakeSlots(): boolean {
    return this.#settings.check?.slot ?? true;
  }

  /** How long a slot stays closed after a check that was answered. */
  #restAfter(cutOff: boolean): number {
    const { cooldownMs, quarantine } = this.#settings;
    return cutOff ? Math.max(cooldownMs, quarantine.cancelMs) : cooldownMs;
  }

  get #intervalMs(): number {
    return this.#settings.check?.intervalMs ?? Number.POSITIVE_INFINITY;
  }

  /** Whoever has waited lets the overdue check of the server go first, unless a slot has just come back from one. */
  #checkNotOverdue(worker: Worker, url: string, index: number): void {
    if (!this.#checksTakeSlots) return;
    const before = this.#slots.at({ url, index });
    if (before && this.#checkIds.has(before.id)) this.#yieldedAt.set(url, this.now);
    const back = this.#slots.on(url).some(({ id, until }) => this.#checkIds.has(id) && until === this.now);
    if (back || this.#yieldedAt.get(url) === this.now || worker.askedAt === this.now) return;
    // Its other slots were free before, and the check that has just brought it up may still have its own.
    const cameUp = this.scheduler.servers.some((one) => one.url === url && one.healthSince === this.now);
    if (cameUp) return;
    if (this.questions.length >= 4 || this.questions.some((one) => one.url.startsWith(`${url}/`))) return;
    const sinceMs = this.now - (this.#checkedAt.get(url) ?? this.now);
    const text = `${sinceMs} ms since ${url} was checked, which gets ${worker.id}`;
    assert.ok(sinceMs < this.#intervalMs, text);
  }

  /** Nobody waits who may have a slot while a server that may be asked has a free one. */
  #checkNoSlotIsLeftIdle(): void {
    const { currentDrain, regrouping, servers } = this.scheduler;
    const isWanted = this.#waiting.some((worker) => {
      const flow = this.#flowOf(worker);
      return !this.#isAtLimit(flow) && !this.#waitsForAnother(flow);
    });
    if (!isWanted || currentDrain || regrouping) return;
    const available = servers.filter((server) => server.available);
    const regular = available.filter((server) => !server.backup);
    const idle = (regular.length > 0 ? regular : available).filter((server) => server.hasFreeSlot);
    assert.deepEqual(
      idle.map((server) => server.name),
      [],
      "servers with nothing to do",
    );
  }

  /** The lease of this request is over; its server may be busy with it until then. */
  #end(worker: Worker, end: LeaseEnd, until: number): void {
    const mine = this.#has(worker);
    if (mine) {
      // It was counted as abandoned when it was cut off.
      if (mine.cut) this.#tally.abandoned--;
      this.#tally.end(end, mine.held || mine.cut === true);
      mine.pauses = end.how === "done" || end.how === "busy";
      if (mine.pauses || ("retried" in end && end.retried)) mine.flow = undefined;
    }
    this.#free(worker, until);
    worker.ended = end;
    this.scheduler.end(worker.id, end, this.now);
  }

  /** Its holder has come forward. */
  #found(mine: Occupied): void {
    if (!mine.held) this.#tally.abandoned--;
    mine.held = true;
    keep(mine, this.#settings, this.now);
  }

  #free(worker: Worker, until: number): void {
    const mine = this.#has(worker);
    // Nobody may count on a slot longer than it was promised to the one who stayed silent.
    if (mine) {
      Object.assign(mine, { until, closedAt: this.now, held: false, cut: false });
      delete mine.shortened;
    }
    this.#gone(worker);
  }

  #gone(worker: Worker): void {
    worker.state = "gone";
    if (!this.#tellsNobody) this.#ledger.deferred.delete(worker.id);
  }

  #has({ id }: Worker): Occupied | undefined {
    return this.#slots.of(id, this.now);
  }
}

/** Where it waits; `null`: in a Worker that passes no leases on, or it is stored. */
function isolateOf(worker: Worker): string | null {
  const kind = worker.arrival.nth % 8;
  return isStored(worker) || kind === 7 ? null : kind < 6 ? "one" : "two";
}

/** Where it goes, and whose it is. */
function keyOf({ hashKey, flow }: Worker): { hashKey?: number; flow?: string } {
  return { ...(hashKey === undefined ? {} : { hashKey }), ...(flow === undefined ? {} : { flow }) };
}
