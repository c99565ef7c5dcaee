import assert from "node:assert/strict";
import type { PoolConfig } from "../../../src/config/types.ts";
import { acquireLease, ClientLeft, type Turn } from "../../../src/link/acquire.ts";
import type { Env } from "../../../src/link/env.ts";
import type { HeldLease } from "../../../src/link/held-lease.ts";
import { type Line, lineOf, type Pass, type PassableLease, Place } from "../../../src/link/line.ts";
import type { Ended, EnterRequest, PassingReport } from "../../../src/link/protocol.ts";
import type { LeaseHandle, TicketHandle } from "../../../src/pool/handles.ts";
import { Refusal } from "../../../src/refusals/refusal.ts";
import { LEASE_TTL_MS } from "../../../src/scheduler/fleet/leases.ts";
import type { Decision, Question } from "../../../src/scheduler/record/outbox.ts";
import { snapshotOf } from "../../../src/scheduler/snapshot.ts";
import type { LeaseEnd } from "../../../src/scheduler/terms/lease-end.ts";
import { type Next, passesOn } from "../../../src/scheduler/terms/passing.ts";
import { leaseName, leaseNamed, type ServerState } from "../../../src/scheduler/terms/rows.ts";
import { LedgerModel } from "../ledger-model.ts";
import { type Arrival, mayGoBefore } from "../waiting/arrival.ts";
import { type Audience, PoolModel } from "./pool-model.ts";
import { type Caller, Clockwork, chance, type StubState, Wire } from "./wire.ts";

/** An end of a holder, a repeated call and a restart may be so late, in ms. */
const SLACK_MS = 5_000;
const HEARTBEAT_MS = 5_000;

/** An isolate of the Worker. In what the Workers' code keeps by the pool's name, it has a name of its own. */
interface Isolate {
  readonly name: string;
  readonly id: string;
  /** Of a version that passes nothing on. */
  readonly isOld: boolean;
  isDead: boolean;
  /** The version of the last list that it has heard. */
  heard: number;
}

/** A request, as its own Worker knows it, or a stored one. */
interface Sent extends Caller {
  readonly nth: number;
  /** `null`: it is stored, and its object is never gone. */
  readonly isolate: Isolate | null;
  readonly client: AbortController;
  arrival: Arrival;
  token: number | undefined;
  /** The object has taken it in. */
  isAccepted: boolean;
  /** The lease that it has. */
  holds: string | null;
  outcome: string | null;
}

/** One attempt of a request to get a slot. */
interface Attempt {
  readonly ticket: string;
  readonly sent: Sent;
  /** The number of its last call that the object has got. */
  call: number;
  isRetry: boolean;
  arrival: Arrival;
  /** The place to which a lease was passed. */
  place: Place | null;
  /** The object has refused it, after it had taken it in. */
  isRefusedLate: boolean;
}

/** Who was next when an isolate was told so. */
interface List {
  readonly pool: PoolModel;
  readonly calls: ReadonlySet<number>;
  /** All who waited. */
  readonly waiting: readonly Attempt[];
}

/** What a server works on, as it knows itself. */
interface Work {
  /** `null`: a check. */
  readonly lease: string | null;
  /** It is done by itself then, whoever is gone. */
  readonly until: number;
}

/** What operators do. */
export type Wanted = { forMs: number; cutMs?: number | undefined; stops: boolean };

/**
 * Plays isolates of the Worker, the wire, the servers and operators around a pool. The Workers run the Worker's own code, by
 * a clock of ours. Judged is what happens at the servers and in the Workers, by accounts that know nothing of the
 * scheduler's.
 */
export class PassingWorld implements Audience {
  readonly clock = new Clockwork();
  readonly isolates: Isolate[] = [];
  readonly sent: Sent[] = [];
  /** Something was lost that nobody can count. */
  isCalm = true;
  pool: PoolModel;
  readonly #settings: PoolConfig;
  readonly #random: () => number;
  readonly #wire: Wire;
  readonly #ledger = new LedgerModel();
  readonly #byTicket = new Map<string, Attempt>();
  readonly #work = new Map<string, Set<Work>>();
  readonly #down = new Set<string>();
  /** By isolate and version. */
  readonly #lists = new Map<string, Map<number, List>>();
  /** Leases that holders have attached to. */
  readonly #attached = new Set<string>();
  /** How often each lease was really passed on, and who has it. */
  readonly #holders = new Map<string, { hop: number; sent: Sent; grantedAt: number; by: PoolModel }>();
  /** When a living Worker last had the lease, or a message of it was under way. */
  readonly #seenAlive = new Map<string, number>();
  /** When an operator's act was answered that took back all permissions of before: of the leases that were there then. */
  #recalledAt = { act: 0, by: null as PoolModel | null };
  /** Since when that drain is on of which all isolates have heard. */
  #drainedSince = 0;
  #crashedAt = 0;
  readonly #names: string[] = [];
  /** The leases, by the names that operators know, whose requests have been at a server. */
  readonly #begun = new Set<string>();
  #failed: Error | null = null;

  /** `stub`: puts these globals in place, for as long as this world is played. */
  constructor(
    settings: PoolConfig,
    seed: number,
    isolates: number,
    stub: (globals: Record<string, unknown>) => void,
  ) {
    stub(this.clock.globals);
    this.#settings = settings;
    this.#random = chance(seed);
    this.#wire = new Wire(this.clock, this.#random);
    for (const { name } of settings.servers) this.#work.set(name, new Set());
    for (let n = 0; n < isolates; n++) this.addIsolate(n === 3);
    playing = this;
    this.pool = new PoolModel(settings, this.#ledger, this, this.#random);
    this.#beat();
  }

  get now(): number {
    return this.clock.now;
  }

  in(ms: number, run: () => void): number {
    return this.clock.in(ms, run);
  }

  // ── What happens ──

  addIsolate(isOld = false): void {
    const id = `i${this.isolates.length}`;
    this.isolates.push({ name: `${id} of ${++worlds}`, id, isOld, isDead: false, heard: 0 });
  }

  arrive(where: number, wants: { aheadMs?: number | undefined; patienceMs?: number | undefined } = {}): void {
    const living = this.isolates.filter(({ isDead }) => !isDead);
    const isolate = living[where % living.length];
    if (!isolate) return;
    const { aheadMs = 0, patienceMs } = wants;
    const sent = this.#newSent(isolate, aheadMs);
    const turn: Turn = { waitedMs: 0, aheadMs, ...(patienceMs === undefined ? {} : { patienceMs }) };
    this.#carry(sent, turn).catch((error) => this.#fail(error));
  }

  /** A request is stored, and its object takes the slot that it gets. */
  defer(): void {
    const sent = this.#newSent(null, 0);
    const { ticket } = this.#attemptOf(sent, `stored ${sent.nth}`);
    const expiresAt = this.now + 3_600_000;
    this.#arrives(ticket, 0, undefined);
    sent.token = this.pool.defer({ id: ticket, expiresAt });
    const row = { token: sent.token as number, since: this.now, expiresAt, aheadMs: 0 };
    if (sent.holds === null && sent.outcome === null) this.#ledger.deferred.set(ticket, row);
  }

  leave(who: number): void {
    this.sent[who % this.sent.length]?.client.abort();
  }

  /** Its invocation is gone, without a word. */
  vanish(who: number): void {
    const sent = this.sent[who % this.sent.length];
    if (sent?.isolate && !sent.isGone) this.#gone(sent);
  }

  killIsolate(which: number): void {
    const isolate = this.isolates[which % this.isolates.length];
    if (!isolate || isolate.isDead) return;
    isolate.isDead = true;
    for (const sent of this.sent) if (sent.isolate === isolate && !sent.isGone) this.#gone(sent);
    this.addIsolate(isolate.isOld);
  }

  /** The object is gone, and comes back at once or in a moment. */
  crash(downMs: number): void {
    if (this.pool.isDead) return;
    this.isCalm = false;
    this.#wire.died(this.pool);
    this.in(downMs, () => {
      this.#crashedAt = this.now;
      for (const { arrival, sent } of this.#byTicket.values()) arrival.isKnown ||= sent.isolate === null;
      this.pool = new PoolModel(this.#settings, this.#ledger, this, this.#random);
    });
  }

  drain({ forMs, cutMs, stops }: Wanted): void {
    const { pool } = this;
    if (pool.isDead) return;
    const cut = cutMs === undefined ? {} : { cutAt: this.now + cutMs };
    const stop = stops ? { stop: { message: null } } : {};
    const request = { owner: "me", by: "me", reason: null, expiresAt: this.now + forMs, ...cut, ...stop };
    this.#acted(pool, pool.drain(request), true);
  }

  resume(): void {
    if (!this.pool.isDead) this.pool.resume({ owner: "me", by: "me", force: "any" });
  }

  changeServer(name: string, state: ServerState, cut?: number): void {
    const { pool } = this;
    if (!pool.isDead)
      this.#acted(pool, pool.changeServer(name, { state, ...(cut === undefined ? {} : { cut }) }));
  }

  /** How many heirs have gone on with the leases that they were passed. */
  get passes(): number {
    return [...this.#byTicket.values()].filter(({ place }) => place?.state === "served").length;
  }

  /** From then on it answers checks so. */
  setUp(name: string, isUp: boolean): void {
    if (isUp) this.#down.delete(name);
    else this.#down.add(name);
  }

  /** An operator looks at the leases. */
  look(): void {
    if (this.pool.isDead) return;
    const { servers } = snapshotOf("web", this.pool.scheduler, this.now);
    for (const { leases } of servers) for (const { id } of leases) this.#names.push(id);
  }

  /** And frees one that was seen, whose request was at a server and is there no more. */
  freeLease(which: number): void {
    const name = this.#names[which % this.#names.length];
    if (name === undefined || this.pool.isDead || !this.#begun.has(name) || this.#isAtServer(name)) return;
    this.isCalm = false;
    this.#free(name, this.now).catch((error) => this.#fail(error));
  }

  /** As the admin side does: it repeats the call where the object has restarted. */
  async #free(name: string, askedAt: number): Promise<void> {
    const freed = () =>
      assert.ok(!this.#isAtServer(name, true), `${name} is freed, and another request has the slot`);
    for (;;) {
      const isSaid = await this.pool.freeLease(name, () => this.#check(freed), this.now - askedAt);
      if (isSaid) return;
      while (this.pool.isDead) await new Promise<void>((resolve) => this.in(20, resolve));
    }
  }

  async pass(ms: number): Promise<void> {
    await this.clock.pass(ms, () => this.#judge());
    if (this.#failed) throw this.#failed;
  }

  /** Nothing new comes, operators let the pool work, and all must be over in time. */
  async comeToRest(): Promise<void> {
    await this.pass(1_000);
    this.resume();
    for (const { name } of this.#settings.servers) {
      this.setUp(name, true);
      this.changeServer(name, "ready");
    }
    for (let n = 0; n < 60 && !this.#isAtRest; n++) await this.pass(5_000);
    const left = this.sent.filter((one) => !one.isGone && one.outcome === null);
    assert.deepEqual(
      left.map(({ nth }) => nth),
      [],
      "who is not answered",
    );
    const { queued, inFlight } = this.pool.scheduler;
    assert.deepEqual({ queued, inFlight }, { queued: 0, inFlight: 0 });
    await this.pass(60_000);
    const closed = [...this.#ledger.slots.values()].filter(({ lease }) => !lease.startsWith("check:"));
    assert.deepEqual(
      closed.map(({ lease }) => lease),
      [],
      "slots that stay closed",
    );
    if (this.isCalm) this.#compareTotals();
  }

  // ── The Workers ──

  #newSent(isolate: Isolate | null, aheadMs: number): Sent {
    const nth = this.sent.length;
    const arrival = { at: this.now, aheadMs, nth, instance: 0, isKnown: false, byWait: false };
    const sent: Sent = {
      ...{ nth, isolate, arrival, client: new AbortController(), token: undefined },
      ...{ isAccepted: false, holds: null, outcome: null },
      ...{ isGone: false, handles: new Set<() => void>() },
    };
    this.sent.push(sent);
    return sent;
  }

  /** As `carry` does: attempt after attempt. */
  async #carry(sent: Sent, turn: Turn): Promise<void> {
    const isolate = sent.isolate as Isolate;
    const later: Promise<unknown>[] = [];
    const context = {
      pool: { ...this.#settings, name: isolate.name },
      client: sent.client.signal,
      inBackground: (work: Promise<unknown>) => void later.push(work),
    };
    const env = this.#envOf(sent, isolate);
    for (let attempts = 1; sent.outcome === null; attempts++) {
      let lease: HeldLease;
      try {
        lease = await acquireLease(env, context, turn);
      } catch (error) {
        if (sent.isGone) return;
        if (error instanceof ClientLeft) sent.outcome = "left";
        else if (error instanceof Refusal) sent.outcome = error.code;
        else throw error;
        break;
      }
      if (sent.isGone) return;
      const end = await this.#atServer(sent, lease, attempts);
      if (sent.isGone) return;
      sent.holds = null;
      this.#seenAlive.set(lease.id, this.now);
      if (end.how === "busy" || ("retried" in end && end.retried)) {
        turn.failed = { lease, end, restsUntil: this.now + 20 };
        continue;
      }
      sent.outcome = end.how;
      later.push(lease.end(end));
    }
    for (let n = 0; n < later.length; n++) await later[n];
    if (!sent.isGone) this.#wire.gone(sent);
  }

  /** Resolves with how its request ends. */
  #atServer(sent: Sent, lease: HeldLease, attempts: number): Promise<LeaseEnd> {
    const { name } = lease.server;
    const kind = this.#random();
    const part = this.#random();
    const ms = Math.ceil(kind < 0.75 ? 1 + part * 60 : kind < 0.93 ? part * 900 : 1_000 + part * 14_000);
    sent.holds = lease.id;
    this.#took(sent, lease.id);
    const { promise, resolve } = Promise.withResolvers<LeaseEnd>();
    const luck = this.#random();
    if (luck < 0.02) {
      resolve({ how: "unused" });
      return promise;
    }
    const work = this.#begin(name, lease.id, ms);
    lease.onLost = (why) => resolve({ how: why });
    sent.client.signal.addEventListener("abort", () => resolve({ how: "client" }));
    const over = (end: LeaseEnd) => {
      this.#work.get(name)?.delete(work);
      resolve(end);
    };
    if (luck < 0.06 && attempts < 3) this.in(ms / 2, () => over({ how: "broken", retried: true }));
    else if (luck < 0.08 && attempts < 3) this.in(1, () => over({ how: "busy", restMs: 100 }));
    else if (luck < 0.1) this.in(ms / 2, () => over({ how: "broken" }));
    else this.in(ms, () => over({ how: "done", status: 200 }));
    return promise;
  }

  #gone(sent: Sent): void {
    this.isCalm = false;
    if (sent.holds !== null) this.#seenAlive.set(sent.holds, this.now);
    this.#wire.gone(sent);
  }

  #envOf(sent: Sent, { id, isOld }: Isolate): Env {
    const getByName = () => {
      const state: StubState = { lastAt: 0 };
      const call = <T>(run: (pool: PoolModel) => T | Promise<T>) =>
        this.#wire.call(sent, state, () => this.pool, run);
      const report = (one: PassingReport | undefined) =>
        isOld || !one ? undefined : { ...structuredClone(one), isolate: id };
      return {
        enter: (request: EnterRequest) => {
          const { caller, passed, ...rest } = structuredClone(request);
          const where = caller && !isOld ? { caller: { ...caller, isolate: id } } : {};
          const message = { ...rest, ...where, ...(passed && !isOld ? { passed } : {}) };
          this.#attemptOf(sent, message.id);
          return call(async (pool) => {
            this.#entered(message);
            const answer = await pool.enter(message);
            if (answer.granted || answer.code !== "queued") return answer;
            return { ...answer, ticket: this.#ticketStub(sent, pool, answer.ticket as TicketHandle) };
          });
        },
        leave: (ticket: string) => call((pool) => pool.leave(ticket)),
        end: (ended: Ended[], passing?: PassingReport) => {
          const [ends, passes] = [structuredClone(ended), report(passing)];
          for (const one of ends) this.#seenAlive.set(one.id, this.now);
          const end = (pool: PoolModel) => {
            for (const one of ends) this.#seenAlive.set(one.id, this.now);
            for (const one of passes?.passed ?? []) this.#seenAlive.set(one.lease, this.now);
            return pool.end(ends, passes);
          };
          // The runtime repeats a call whose answer it did not see.
          if (this.#random() < 0.05)
            void this.#wire.call(sent, { lastAt: 0 }, () => this.pool, end).catch(() => {});
          return call(end);
        },
        attach: (lease: string, hop?: number) => {
          this.#attached.add(lease);
          return call((pool) => {
            const handle = pool.attach(lease, hop);
            return handle && this.#leaseStub(sent, pool, handle);
          });
        },
      };
    };
    return { POOL: { getByName } } as unknown as Env;
  }

  #ticketStub(sent: Sent, pool: PoolModel, handle: TicketHandle) {
    const call = this.#handleCall(sent, pool);
    return {
      turn: () => call(() => handle.turn()),
      leave: () => call(() => handle.leave()),
      ...this.#disposable(sent, pool, handle),
    };
  }

  #leaseStub(sent: Sent, pool: PoolModel, handle: LeaseHandle) {
    const call = this.#handleCall(sent, pool);
    return {
      renew: () => call(() => handle.renew()),
      untilCut: () => call(() => handle.untilCut()),
      ...this.#disposable(sent, pool, handle),
    };
  }

  #handleCall(sent: Sent, pool: PoolModel) {
    const state: StubState = { lastAt: 0 };
    const callee = () => (this.pool === pool ? pool : null);
    return <T>(run: () => T | Promise<T>) => this.#wire.call(sent, state, callee, run);
  }

  #disposable(sent: Sent, pool: PoolModel, handle: Disposable) {
    const dispose = () => {
      if (!pool.isDead) handle[Symbol.dispose]();
    };
    // One that was on its way to a caller which has gone is never disposed.
    if (!sent.isGone) sent.handles.add(dispose);
    return {
      [Symbol.dispose]: () => {
        if (sent.handles.delete(dispose)) this.in(this.#wire.latency, dispose);
      },
    };
  }

  // ── What the pool does ──

  asked(question: Question): void {
    if (question.kind === "wake") return;
    const { pool } = this;
    const { server } = question;
    if (question.kind === "probe") {
      const { identity, askedAt } = question;
      const isIdle = this.#worksOn(server).length === 0;
      this.in(5, () => pool.heard((scheduler, now) => scheduler.probed(identity, isIdle, askedAt, now)));
      return;
    }
    const ms = 1 + this.#random() * 30;
    // With `slot = false` it answers checks beside its work.
    const work = this.#settings.check?.slot === false ? null : this.#begin(server, null, ms);
    this.in(ms, () => {
      if (work) this.#work.get(server)?.delete(work);
      const result = this.#down.has(server) ? "failed" : "passed";
      pool.heard((scheduler, now) =>
        scheduler.checked(question.id, { result, got: result, cutOff: false }, now),
      );
    });
  }

  told(isolate: string, next: Next): void {
    this.#check(() => this.#judgeList(isolate, next));
  }

  decided(decision: Decision): boolean {
    const attempt = this.#byTicket.get(decision.ticket);
    if (!attempt) throw new Error(`an answer to nobody: ${decision.ticket}`);
    const { sent } = attempt;
    // One that has waited as long as its client wanted to before it comes is taken in all the same.
    if (decision.kind !== "refuse" || decision.code === "queue-timeout") sent.isAccepted = true;
    if (decision.kind === "refuse" && sent.isAccepted) attempt.isRefusedLate = true;
    if ("token" in decision) sent.token = decision.token;
    if (decision.kind === "grant") {
      this.#holders.set(decision.ticket, { hop: 0, sent, grantedAt: this.now, by: this.pool });
      this.#seenAlive.set(decision.ticket, this.now + SLACK_MS);
    }
    if (sent.isolate !== null) return false;
    if (decision.kind === "grant") this.#atObject(sent, decision.ticket, decision.slot.server.name);
    if (decision.kind === "refuse") {
      sent.outcome = decision.code;
      this.#ledger.deferred.delete(decision.ticket);
    }
    return true;
  }

  /** The stored request's object has the slot at once, and repeats until it is heard. */
  #atObject(sent: Sent, ticket: string, server: string): void {
    if (sent.holds !== null || sent.outcome !== null) return;
    sent.holds = ticket;
    const ms = 1 + this.#random() * 500;
    const work = this.#begin(server, ticket, ms);
    const tell = () => {
      this.#seenAlive.set(ticket, this.now);
      if (this.pool.isDead) this.in(100, tell);
      else void this.pool.end([{ id: ticket, end: { how: "done", status: 200 } }]);
    };
    this.in(ms, () => {
      this.#work.get(server)?.delete(work);
      sent.holds = null;
      sent.outcome = "done";
      this.#ledger.deferred.delete(ticket);
      tell();
    });
  }

  #beat(): void {
    if (!this.pool.isDead) this.pool.writeCounts();
    this.in(HEARTBEAT_MS, () => this.#beat());
  }

  #acted(pool: PoolModel, act: Promise<boolean>, isDrain = false): void {
    const at = this.now;
    act.then(
      (isRecalled) => {
        if (!isRecalled || pool.isDead) return;
        this.#recalledAt = { act: at, by: pool };
        const since = pool.scheduler.currentDrain?.since ?? 0;
        // One that began in the same moment has a recall of its own.
        if (isDrain || since < at) this.#drainedSince = since;
      },
      (error) => this.#fail(error),
    );
  }

  // ── Judgement ──

  #attemptOf(sent: Sent, ticket: string): Attempt {
    let attempt = this.#byTicket.get(ticket);
    if (!attempt) {
      attempt = {
        ticket,
        sent,
        call: 0,
        isRetry: false,
        arrival: sent.arrival,
        place: null,
        isRefusedLate: false,
      };
      this.#byTicket.set(ticket, attempt);
    }
    return attempt;
  }

  #entered({ id, caller, waitedMs = 0, token, retry }: EnterRequest): void {
    const attempt = this.#byTicket.get(id) as Attempt;
    attempt.call = caller?.call ?? 0;
    attempt.isRetry = retry !== undefined;
    this.#arrives(id, waitedMs, token);
  }

  /** By what its pool knows of it from now on. */
  #arrives(ticket: string, waitedMs: number, token: number | undefined): void {
    const attempt = this.#byTicket.get(ticket) as Attempt;
    const { sent } = attempt;
    const instance = this.pool.startedAt;
    if (token !== undefined) {
      // By a token an instance knows it as well as the one that gave it, to the millisecond.
      if (sent.arrival.instance !== instance)
        sent.arrival = { ...sent.arrival, at: token, instance: Number.NaN };
    } else {
      arrivals++;
      const at = this.now - waitedMs;
      sent.arrival = { ...sent.arrival, at, nth: arrivals, instance, byWait: waitedMs > 0 };
    }
    attempt.arrival = sent.arrival;
  }

  #onList({ scheduler }: PoolModel): Attempt[] {
    return [...this.#byTicket.values()].filter(({ ticket }) => scheduler.isQueued(ticket));
  }

  #judgeList(id: string, { version, calls, notBefore }: Next): void {
    const { pool } = this;
    const lists = this.#lists.get(id) ?? new Map<number, List>();
    this.#lists.set(id, lists);
    const waiting = this.#onList(pool);
    lists.set(version, { pool, calls: new Set(calls), waiting });
    assert.ok(notBefore <= version, "a list that is older than the last recall");
    if (calls.length === 0) return;
    assert.ok(passesOn(this.#settings), "leases of this pool are never passed on");
    assert.equal(pool.scheduler.currentDrain, null, "who is next, in a drain");
    assert.ok(calls.length <= 64, `${calls.length} are next`);
    for (const { state, lease } of this.#ledger.slots.values()) {
      if (state !== "leased" && state !== "orphaned") continue;
      const { isolate } = (this.#byTicket.get(lease) as Attempt).sent;
      // Long ones go back to the pool, as do those of stored requests.
      if (!isolate || this.#attached.has(lease)) continue;
      assert.ok(
        isolate.id === id && !isolate.isOld,
        `${id} is told who is next, and ${isolate.id} has ${lease}`,
      );
    }
    const listed = calls.map((call) => {
      const attempt = waiting.find((one) => one.sent.isolate?.id === id && one.call === call);
      assert.ok(attempt, `call ${call} is next, and does not wait`);
      assert.ok(!attempt.isRetry, `call ${call} is next, which may have to avoid the server`);
      return attempt;
    });
    for (const [place, one] of listed.entries())
      for (const other of waiting) {
        const isBefore = listed.indexOf(other) >= 0 && listed.indexOf(other) <= place;
        // A retry may be there before the object has heard of the lease that its first attempt was passed.
        if (isBefore || other.sent === one.sent) continue;
        assert.ok(
          mayGoBefore(one.arrival, other.arrival),
          `${one.sent.nth} is next, before ${other.sent.nth}`,
        );
      }
  }

  heard(line: Line, { version }: Next): void {
    const isolate = this.#isolateOf(line);
    if (isolate && version > isolate.heard) isolate.heard = version;
  }

  /** A lease was passed on. */
  passed(line: Line, { lease, end, to }: Pass): void {
    this.#check(() => this.#judgePass(line, lease, end, to));
  }

  #judgePass(line: Line, { id, hop }: PassableLease, end: LeaseEnd, to: Place): void {
    const isolate = this.#isolateOf(line);
    const heir = this.#byTicket.get(to.ticket);
    const list = isolate && this.#lists.get(isolate.id)?.get(isolate.heard);
    assert.ok(isolate && heir && list, `${id} is passed on, and nobody was told so`);
    heir.place = to;
    const isInOrder = end.how === "done" || (end.how === "unused" && !end.retried);
    assert.ok(isInOrder, `${id} is passed on after ${end.how}`);
    assert.ok(!this.#attached.has(id), `${id} is passed on, which has attached`);
    assert.equal(heir.sent.isolate, isolate, "in one isolate");
    assert.ok(list.calls.has(to.call) || list.calls.has(heir.call), `${heir.sent.nth} is next by no list`);
    const before = this.#holders.get(id);
    assert.ok(before && (hop === before.hop + 1 || hop === before.hop), `${id} is passed on for time ${hop}`);
    const { pool } = this;
    const isOnList = ({ ticket }: Attempt) =>
      !pool.isDead && list.pool === pool && pool.scheduler.isQueued(ticket);
    const { act, by } = this.#recalledAt;
    if (by === pool && before.grantedAt < act && isOnList(heir))
      assert.fail(
        `${id}, granted at ${before.grantedAt}, is passed on to ${heir.sent.nth}, after the recall of ${act}`,
      );
    const isDrain = pool.scheduler.currentDrain?.since === this.#drainedSince;
    assert.ok(!isDrain || by !== pool || !isOnList(heir), `${id} is passed on in a drain`);
    for (const other of list.waiting) {
      if (other.sent === heir.sent || !isOnList(other)) continue;
      // It is served, or leaves, or its own call is on its way.
      const isOut = other.place !== null && other.place.state !== "waits";
      const sent: Sent = other.sent;
      if (sent.isolate === isolate && (isOut || sent.client.signal.aborted || sent.isGone)) continue;
      assert.ok(mayGoBefore(heir.arrival, other.arrival), `${heir.sent.nth} overtakes ${sent.nth}`);
    }
    before.hop = hop;
  }

  /** The invocation of the place goes on with the lease, or is gone. */
  isGone(place: Place): boolean {
    return this.#byTicket.get(place.ticket)?.sent.isGone ?? false;
  }

  /** In so many ms the invocation goes on that was passed a lease. */
  get slowness(): number {
    return this.#random() < 0.9 ? 0 : this.#random() * 25;
  }

  #took(sent: Sent, lease: string): void {
    const holder = this.#holders.get(lease);
    assert.ok(holder, `${sent.nth} has ${lease}, which was never granted`);
    holder.sent = sent;
    this.#seenAlive.set(lease, this.now);
  }

  #worksOn(server: string): Work[] {
    return [...(this.#work.get(server) ?? [])].filter(({ until }) => until > this.now);
  }

  /** Something begins at a server. */
  #begin(server: string, lease: string | null, ms: number): Work {
    const slots = this.#settings.servers.find(({ name }) => name === server)?.slots ?? 0;
    const others = this.#worksOn(server);
    const work = { lease, until: this.now + ms };
    this.#check(() => {
      assert.ok(others.length < slots, `${server} works on ${others.length} when ${lease} comes`);
      assert.ok(!others.some((one) => lease !== null && one.lease === lease), `two requests have ${lease}`);
    });
    if (lease !== null) {
      const hop = this.#holders.get(lease)?.hop ?? 0;
      for (const isHopUnsure of [true, false]) this.#begun.add(leaseName({ lease, hop, isHopUnsure }));
    }
    this.#work.get(server)?.add(work);
    return work;
  }

  /** The request that operators know by this name is at a server. `another`: or another one with its slot. */
  #isAtServer(name: string, another = false): boolean {
    const { lease, hop } = leaseNamed(name);
    const holder = this.#holders.get(lease);
    if (!holder) return false;
    const isThere = [...this.#work.values()].some((all) =>
      [...all].some((one) => one.lease === lease && one.until > this.now),
    );
    return isThere && (another || hop === null || holder.hop === hop);
  }

  #isolateOf(line: Line): Isolate | undefined {
    return this.isolates.find(({ name }) => lineOf(name) === line);
  }

  #judge(): void {
    this.#check(() => {
      const { pool } = this;
      const { scheduler } = pool;
      if (pool.isDead) return;
      if (scheduler.isDrained && !scheduler.currentDrain?.isCut) {
        for (const [server] of this.#work) {
          const leases = this.#worksOn(server).filter(({ lease }) => lease !== null);
          assert.deepEqual(leases, [], `drained, and ${server} works`);
        }
      }
      this.#judgeClosed();
    });
  }

  /** No slot stays closed for nobody. */
  #judgeClosed(): void {
    const crashed = this.#crashedAt > 0 ? LEASE_TTL_MS : 0;
    const longest = LEASE_TTL_MS + this.#settings.quarantine.maxMs + crashed + SLACK_MS;
    for (const { lease, state } of this.#ledger.slots.values()) {
      if (state === "checking" || state === "recovering") continue;
      const holder = this.#holders.get(lease)?.sent;
      const isHeld = holder?.holds === lease && !holder.isGone;
      const ms = this.now - (this.#seenAlive.get(lease) ?? this.now);
      assert.ok(isHeld || ms <= longest, `${lease} has been closed for ${ms} ms for nobody`);
    }
  }

  get #isAtRest(): boolean {
    const { scheduler } = this.pool;
    const isOver = this.sent.every(({ isGone, outcome }) => isGone || outcome !== null);
    return isOver && !this.pool.isDead && scheduler.queued === 0 && scheduler.inFlight === 0;
  }

  #compareTotals(): void {
    const { accepted, completed, abandoned, passedOn, refused } = this.pool.scheduler.totals;
    const count = (...outcomes: string[]) =>
      this.sent.filter(({ outcome }) => outcomes.includes(outcome ?? "")).length;
    const failed = (refused["bad-gateway"] ?? 0) + (refused["cut-off"] ?? 0);
    assert.equal(completed, count("done"), "completed");
    assert.equal(accepted, this.sent.filter(({ isAccepted }) => isAccepted).length, "accepted");
    // One that was passed a lease, and of which the object has heard too late, it counts as refused and as served.
    const refusedLate = [...this.#byTicket.values()].filter(({ isRefusedLate }) => isRefusedLate);
    const twice = refusedLate.filter(({ place }) => place?.state === "served").length;
    const ended = completed + abandoned + failed + refusedLate.length - twice;
    assert.equal(ended, accepted, "of all that were accepted");
    assert.equal(passedOn, this.passes, "passed on");
  }

  #check(judgement: () => void): void {
    try {
      judgement();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#failed ??= error as Error;
  }
}

let worlds = 0;
let arrivals = 0;
/** That is played now. */
let playing: PassingWorld | null = null;

/** Has the world hear what the Workers' lines do, and be slow to go on. Returns what undoes that. */
export function watchLines(lines: typeof Line): () => void {
  const { hear, pass } = lines.prototype;
  const { give, take } = Place.prototype;
  const { now } = Date;
  Date.now = () => playing?.now ?? now();
  lines.prototype.hear = function (next) {
    hear.call(this, next);
    if (next) playing?.heard(this, next);
  };
  lines.prototype.pass = function (lease, end) {
    const passed = pass.call(this, lease, end);
    if (passed) playing?.passed(this, passed);
    return passed;
  };
  Place.prototype.give = function (lease) {
    const ms = playing?.slowness ?? 0;
    if (ms === 0) {
      give.call(this, lease);
      return;
    }
    this.state = "given";
    playing?.in(ms, () => {
      // It may be somebody else's by now.
      const { state } = this;
      give.call(this, lease);
      this.state = state;
    });
  };
  Place.prototype.take = function () {
    return !playing?.isGone(this) && take.call(this);
  };
  return () => {
    Date.now = now;
    Object.assign(lines.prototype, { hear, pass });
    Object.assign(Place.prototype, { give, take });
  };
}
