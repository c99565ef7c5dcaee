import { expect } from "vitest";
import type { PoolConfig } from "../../src/config/types.ts";
import type { CheckResult } from "../../src/scheduler/fleet/health.ts";
import { LEASE_TTL_MS, type SlotRow } from "../../src/scheduler/fleet/leases.ts";
import type { ServerOverride, ServerRow } from "../../src/scheduler/fleet/server.ts";
import type { PoolEvent } from "../../src/scheduler/record/events.ts";
import type { Decision, Question } from "../../src/scheduler/record/outbox.ts";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { snapshotOf } from "../../src/scheduler/snapshot.ts";
import type { CutOff } from "../../src/scheduler/terms/lease-end.ts";
import { HealthModel } from "./fleet/health-model.ts";

/** A request's Worker: what it knows of itself. */
interface Worker {
  id: string;
  state: "lost touch" | "waiting" | "holding" | "gone";
  /** That it was sent to. */
  server?: string;
  seq?: number;
  since: number;
  /** When it last asked for a slot. */
  askedAt: number;
  /** Its client left before it could ask a new instance of the pool, which never heard of it. */
  leftUnheard: boolean;
  /** This is a further attempt: the server that failed the last one gets it no sooner. */
  failed?: { server: string; elsewhere: boolean; restsUntil: number };
}

/** A slot of a real server, and until when its last request may keep the server busy, as far as anyone knows. */
interface Occupied {
  id: string;
  /** Since when it is taken. */
  since: number;
  until: number;
  /** When it was cut off; in the future, if nobody hears of it until then. */
  closedAt: number;
  /** Its holder has not been heard of since a restart. */
  orphaned?: boolean;
  /** A check that has not ended yet: of which server. */
  checks?: string;
}

/**
 * Plays the Workers, the servers, the ledger and the clock around a scheduler, keeps accounts of its own, and
 * fails as soon as the scheduler does what it promised not to do.
 */
export class World {
  now = 1_000_000;
  readonly workers: Worker[] = [];
  /** Refusals of tickets that had been accepted, and waited. */
  refusedLate = 0;
  scheduler: Scheduler;
  #settings: PoolConfig;
  #rows = new Map<string, SlotRow>();
  readonly questions: Question[] = [];
  /** Checks that have timed out; their servers may still answer. */
  readonly lateChecks: Question[] = [];
  #servers = new Map<string, ServerRow>();
  #drain: Scheduler["drained"] = null;
  #events: PoolEvent[] = [];
  #regrouping = false;
  #toldSeq = 0;
  #occupied = new Map<string, Occupied>();
  #startedAt = Number.NEGATIVE_INFINITY;
  /** Until then those who waited before a restart may still be on their way back. */
  #regroupsUntil = Number.NEGATIVE_INFINITY;

  /** Until then a retry may wait for another server than the one that is free. */
  #avoidsUntil = Number.NEGATIVE_INFINITY;

  #health: HealthModel;
  /** When the last check that was refused was made, by URL, of servers that were not well since. */
  readonly #refusedAt = new Map<string, number>();
  readonly #checkIds = new Set<string>();
  /** When its last check was made, and when a request was last given the slot of one, by URL. */
  readonly #checkedAt = new Map<string, number>();
  readonly #yieldedAt = new Map<string, number>();

  constructor(settings: PoolConfig) {
    this.#settings = settings;
    this.#health = new HealthModel(settings, new Map());
    this.scheduler = new Scheduler(settings, null, this.now);
    this.#settle();
  }

  // ── What Workers do ──

  /** `lateMs`: it has tried to reach the pool for so long. */
  arrive(lateMs = 0): Worker {
    const worker: Worker = {
      id: `t${this.workers.length}`,
      state: "waiting",
      since: this.now - lateMs,
      askedAt: this.now,
      leftUnheard: false,
    };
    this.workers.push(worker);
    this.#ask(worker);
    return worker;
  }

  /** A Worker that lost touch asks again. */
  comeBack(worker: Worker): void {
    if (worker.state !== "lost touch") return;
    worker.state = "waiting";
    // Whom another one is waited for, it is so anew.
    if (worker.failed) this.#avoidsUntil = this.now + 1_000;
    this.#ask(worker);
  }

  leave(worker: Worker): void {
    if (worker.state === "waiting") this.scheduler.leave(worker.id);
    if (worker.state === "lost touch") worker.leftUnheard = true;
    if (worker.state === "waiting" || worker.state === "lost touch") worker.state = "gone";
    this.#settle();
  }

  release(worker: Worker): void {
    if (worker.state !== "holding") return;
    const server = this.#serverOf(worker);
    if (server) this.#health.requestAnswered(server);
    this.#free(worker, this.now + this.#settings.cooldownMs);
    this.scheduler.end(worker.id, { how: "done", status: 200 }, this.now);
    this.#settle();
  }

  giveBack(worker: Worker): void {
    if (worker.state !== "holding") return;
    this.#free(worker, this.now);
    this.scheduler.end(worker.id, { how: "unused" }, this.now);
    this.#settle();
  }

  cutOff(worker: Worker, cause: CutOff): void {
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
    const server = this.#serverOf(worker);
    if (server && ["broken", "unreachable", "timeout"].includes(cause)) this.#health.requestFailed(server);
    this.#free(worker, this.now + closedMs);
    this.scheduler.end(worker.id, { how: cause }, this.now);
    this.#settle();
  }

  /** Its server broke the connection; the request goes to another one, or to any that does not rest. */
  retry(worker: Worker, elsewhere: boolean, restMs: number): void {
    // One whose slot has gone to another since is counted as lost, and its retry as well: rare enough.
    const mine = this.#slotOf(worker);
    if (worker.state !== "holding" || !mine || mine.until <= this.now) return;
    this.#again(worker, elsewhere, restMs);
    // Only then: what this sets free finds the retry on the list.
    const failing = this.#serverOf(worker);
    if (failing) this.#health.requestFailed(failing);
    this.#free(worker, this.now + this.#settings.quarantine.brokenMs);
    this.scheduler.end(worker.id, { how: "broken", retried: true }, this.now);
    this.#settle();
  }

  /** Its server is busy for somebody else; the request goes to another one, or to any that does not rest. */
  busy(worker: Worker, elsewhere: boolean, restMs: number): void {
    const mine = this.#slotOf(worker);
    if (worker.state !== "holding" || !mine || mine.until <= this.now) return;
    this.#again(worker, elsewhere, restMs);
    const { cooldownMs } = this.#settings;
    this.#free(worker, this.now + Math.max(cooldownMs, Math.min(restMs, 10_000)));
    this.scheduler.end(worker.id, { how: "busy", restMs: restMs }, this.now);
    this.#settle();
    // Nothing of it is at the server, and no drain waits for it.
    expect(
      snapshotOf("web", this.scheduler, this.now).servers.flatMap(({ leases }) => leases),
    ).not.toContainEqual(expect.objectContaining({ id: worker.id }));
  }

  // ── What servers do ──

  answer(question: Question, result: CheckResult): void {
    this.questions.splice(this.questions.indexOf(question), 1);
    const { maxMs, brokenMs } = this.#settings.quarantine;
    if (question.kind === "probe") {
      // Idle, but for what came to it since it was asked.
      const { askedAt } = question;
      if (result === "passed") this.#opened(new URL(question.url).origin, askedAt, askedAt);
      this.scheduler.probed(question.server, result === "passed", question.askedAt, this.now);
    } else {
      const mine = [...this.#occupied.values()].find((one) => one.id === question.id);
      const { cooldownMs } = this.#settings;
      const [answered, unanswered] = [cooldownMs, brokenMs];
      const after = {
        passed: answered,
        failed: answered,
        refused: unanswered,
        broken: unanswered,
        timeout: maxMs,
      }[result];
      if (result === "timeout") this.lateChecks.push(question);
      const wasDown = this.#isDown(question.server);
      // Later than that it counts as a check that timed out, whatever comes.
      const inTime = mine && mine.closedAt > this.now ? mine : null;
      if (inTime) Object.assign(inTime, { until: this.now + after, closedAt: this.now, checks: undefined });
      if (inTime) this.#health.checked(question.server, result);
      if (inTime && result === "refused") this.#refusedAt.set(new URL(question.url).origin, inTime.since);
      this.scheduler.checked(question.id, result, this.now);
      if (inTime && result === "passed") this.#well(question, wasDown);
    }
    this.#settle();
  }

  /** Its server answers a check that has timed out, or breaks off. */
  answerLate(question: Question, result: CheckResult): void {
    if (question.kind !== "check") return;
    this.lateChecks.splice(this.lateChecks.indexOf(question), 1);
    const mine = [...this.#occupied.values()].find((one) => one.id === question.id);
    const { cooldownMs, quarantine } = this.#settings;
    const after = result === "broken" || result === "refused" ? quarantine.brokenMs : cooldownMs;
    if (mine && mine.until > this.now && result !== "timeout")
      Object.assign(mine, { until: this.now + after, closedAt: this.now });
    this.scheduler.checkedLate(question.id, result, this.now);
    this.#settle();
  }

  /** Without it a lease runs out: then its Worker is as good as dead. */
  renew(worker: Worker): void {
    if (worker.state !== "holding") return;
    if (this.scheduler.renew(worker.id, this.now)) this.#keep(worker);
    else worker.state = "gone";
    this.#settle();
  }

  // ── What operators and time do ──

  drain(owner: string, forMs: number): void {
    this.scheduler.drain({ owner, reason: null, expiresAt: this.now + forMs }, this.now);
    this.#settle();
  }

  resume(owner: string, force: boolean): void {
    this.scheduler.resume(owner, force, this.now);
    this.#settle();
  }

  changeServer(name: string, patch: ServerOverride): void {
    this.scheduler.changeServer(name, patch, this.now);
    this.#settle();
  }

  freeLease(worker: Worker): void {
    if (this.scheduler.freeLease(worker.id, this.now)) {
      this.#free(worker, this.now);
      worker.state = "gone";
    }
    this.#settle();
  }

  /** Lets time pass, waking the scheduler whenever it wants to be woken. */
  advance(ms: number): void {
    const end = this.now + ms;
    for (let ticks = 0; this.scheduler.nextTick() <= end; ticks++) {
      expect(ticks, "ticks without an end").toBeLessThan(10_000);
      this.now = Math.max(this.now, this.scheduler.nextTick());
      this.#tick();
    }
    this.now = end;
    this.#tick();
    this.#checkNoSlotIsLeftIdle();
  }

  #tick(): void {
    for (const one of this.#occupied.values()) {
      if (!one.checks || one.closedAt > this.now) continue;
      this.#health.checked(one.checks, "timeout");
      delete one.checks;
    }
    this.scheduler.tick(this.now);
    this.#settle();
  }

  /** The object dies and comes back with what the ledger holds, perhaps with another configuration. */
  restart(settings = this.#settings): void {
    const waiting = this.workers.filter(({ state }) => state === "waiting");
    // What the ledger shows lets think of those who waited.
    const expected =
      settings === this.#settings && waiting.length > 0 && !waiting.some(({ failed }) => failed);
    if (expected) this.#regroupsUntil = Math.max(this.#regroupsUntil, this.now + 500);
    for (const worker of this.workers) {
      if (worker.state === "waiting") worker.state = "lost touch";
      // The new instance gives every holder that was not in quarantine a whole time to live to come forward; once.
      const mine = this.#slotOf(worker);
      const held = (mine?.until ?? 0) - this.#settings.quarantine.maxMs > this.now;
      if (worker.state !== "holding" || !mine || !held || mine.orphaned) continue;
      this.#keep(worker);
      mine.orphaned = true;
    }
    this.#settings = settings;
    this.#startedAt = this.now;
    this.#health = new HealthModel(settings, this.#servers);
    this.#refusedAt.clear();
    this.#checkedAt.clear();
    // Whatever was asked, its answer reaches nobody.
    for (const { id } of this.questions.splice(0).filter((question) => question.kind === "check")) {
      const mine = [...this.#occupied.values()].find((one) => one.id === id);
      if (!mine) continue;
      delete mine.checks;
      mine.closedAt = Math.min(mine.closedAt, this.now);
      mine.until = Math.min(mine.until, this.now + this.#settings.quarantine.maxMs);
    }
    this.lateChecks.length = 0;
    for (const [key, { state }] of this.#rows) {
      const mine = this.#occupied.get(key);
      if (state === "cooling" && mine) mine.until = Math.min(mine.until, this.now + settings.cooldownMs);
      const restMs = Math.max(settings.cooldownMs, 10_000);
      if (state === "resting" && mine) mine.until = Math.min(mine.until, this.now + restMs);
    }
    const restored = {
      slots: [...this.#rows.values()],
      servers: this.#servers,
      drain: this.#drain && { ...this.#drain },
      regrouping: this.#regrouping,
      nextSeq: this.#toldSeq,
      counts: this.scheduler.counters.counts,
      events: structuredClone(this.#events),
    };
    this.scheduler = new Scheduler(settings, restored, this.now);
    this.#settle();
  }

  checkOldest(): void {
    const waits = this.workers.filter(({ state }) => state === "waiting").map(({ since }) => since);
    expect(this.scheduler.oldestSince).toBe(waits.length === 0 ? undefined : Math.min(...waits));
  }

  checkHealth(): void {
    this.#health.compare(this.scheduler.servers);
  }

  /** What the scheduler shows is what the ledger would bring back. */
  checkLedger(): void {
    const shown = snapshotOf("web", this.scheduler, this.now).servers.flatMap((server) => server.leases);
    const kept = [...this.#rows.values()].filter(
      ({ lease, state }) => !lease.startsWith("check:") && state !== "resting",
    );
    expect(shown.map((lease) => lease.id).sort()).toEqual(kept.map((row) => row.lease).sort());
  }

  /** The events that the ledger would bring back are those that are told, and fit to what there is to see. */
  checkEvents(): void {
    const { journal, drained, inFlight } = this.scheduler;
    expect(journal.since(-1)).toEqual(this.#events);
    expect(this.#events.every(({ id }, index) => id > (this.#events[index - 1]?.id ?? 0))).toBe(true);
    const latest = journal.latest("drain", "drained", "resume")?.kind ?? "resume";
    expect(latest).toBe(drained === null ? "resume" : inFlight > 0 ? "drain" : "drained");
  }

  // ── Accounts ──

  /** The request is on the list again, before its lease ends. */
  #again(worker: Worker, elsewhere: boolean, restMs: number): void {
    this.#avoidsUntil = this.now + 1_000;
    const failed = { server: worker.server as string, elsewhere, restsUntil: this.now + restMs };
    const id = `t${this.workers.length}`;
    const again: Worker = { ...worker, id, state: "waiting", leftUnheard: false, failed };
    this.workers.push(again);
    this.#ask(again);
  }

  #ask(worker: Worker): void {
    worker.askedAt = this.now;
    const regroupsUntil = this.#regroupsUntil;
    if (this.#returns(worker)) this.#regroupsUntil = Math.min(this.now + 500, this.#startedAt + 2_000);
    const { failed } = worker;
    const retry = failed && {
      avoid: failed.elsewhere ? failed.server : null,
      rest: { server: failed.server, ms: Math.max(0, failed.restsUntil - this.now) },
    };
    this.scheduler.enter(
      {
        id: worker.id,
        ...(worker.seq === undefined ? {} : { seq: worker.seq }),
        waitedMs: this.now - worker.since,
        ...(retry ? { retry } : {}),
      },
      this.now,
    );
    this.#settle();
    // What is refused at once says nothing of others.
    if (worker.state === "gone") this.#regroupsUntil = regroupsUntil;
  }

  /** It waited before the pool's restart, a moment ago, and others may be on their way back as well. */
  #returns({ failed, seq, since }: Worker): boolean {
    return !failed && (seq !== undefined || since < this.#startedAt) && this.now < this.#startedAt + 2_000;
  }

  /** Ledger first, then the answers, as the Pool does it. */
  #settle(): void {
    const outbox = this.scheduler.takeChanges();
    for (const slot of outbox.slots) {
      const key = `${slot.server.url}/${slot.index}`;
      const { index, state, lease, since, until } = slot;
      if (state === "free") this.#rows.delete(key);
      else
        this.#rows.set(key, {
          server: slot.server.name,
          url: slot.server.url,
          index,
          state,
          lease,
          since,
          until,
        });
    }
    for (const { name, override, health, stateSince, healthSince } of outbox.servers) {
      this.#servers.set(name, { override, health: health.status, stateSince, healthSince });
    }
    const { written, dropped } = this.scheduler.journal.take(this.now);
    this.#events = this.#events.filter(({ id }) => !dropped.includes(id));
    for (const event of written) {
      const known = this.#events.findIndex(({ id }) => id === event.id);
      this.#events.splice(known < 0 ? this.#events.length : known, 1, event);
    }
    for (const question of outbox.questions) this.#asked(question);
    if (outbox.drainChanged) this.#drain = this.scheduler.currentDrain;
    if (outbox.regroupChanged) this.#regrouping = this.scheduler.regrouping;
    for (const decision of outbox.decisions) this.#answer(decision);
  }

  #answer(decision: Decision): void {
    const worker = this.workers.find((one) => one.id === decision.ticket);
    if (!worker) throw new Error(`an answer to nobody: ${decision.ticket}`);
    expect(worker.state, `${decision.kind} for ${worker.id}`).toBe("waiting");
    if (decision.kind === "queued") {
      worker.seq = decision.seq;
      this.#toldSeq = Math.max(this.#toldSeq, this.scheduler.nextSeq);
    } else if (decision.kind === "refuse") {
      if (worker.seq !== undefined) this.refusedLate++;
      worker.state = "gone";
    } else {
      const { server, index } = decision.slot;
      this.#checkGrant(worker, server, index);
      worker.state = "holding";
      worker.server = server.name;
      if (decision.seq !== null) worker.seq = decision.seq;
      this.#toldSeq = Math.max(this.#toldSeq, this.scheduler.nextSeq);
      this.#occupied.set(`${server.url}/${index}`, {
        id: worker.id,
        since: this.now,
        until: Number.POSITIVE_INFINITY,
        closedAt: Number.POSITIVE_INFINITY,
      });
      this.#keep(worker);
    }
  }

  #asked(question: Question): void {
    this.questions.push(question);
    if (question.kind === "probe") return;
    const { origin } = new URL(question.url);
    const server = this.scheduler.servers.find(({ url }) => url === origin);
    const slot = [...(server?.takenSlots() ?? [])].find(({ lease }) => lease === question.id);
    if (!server || !slot) throw new Error(`a check without a slot: ${question.id}`);
    expect(this.#checkIds.has(question.id), "the id of an earlier check").toBe(false);
    this.#checkIds.add(question.id);
    const key = `${origin}/${slot.index}`;
    const { slots } = server;
    this.#checkInterval(origin);
    this.#checkFree(question.id, origin, key, slots);
    const closedAt = this.now + (this.#settings.check?.timeoutMs ?? 0) + 1_000;
    this.#occupied.set(key, {
      id: question.id,
      since: this.now,
      checks: question.server,
      closedAt,
      until: closedAt + this.#settings.quarantine.maxMs,
    });
  }

  /** A server that was down, refused a connection and is up again has restarted: it knows nothing from before. */
  #well({ server, url }: Question, wasDown: boolean): void {
    if (this.#isDown(server)) return;
    const { origin } = new URL(url);
    const refusedAt = this.#refusedAt.get(origin);
    this.#refusedAt.delete(origin);
    if (wasDown && refusedAt !== undefined) this.#opened(origin, this.now, refusedAt);
  }

  #isDown(name: string): boolean {
    return this.scheduler.servers.find((one) => one.name === name && !one.retired)?.health.status === "down";
  }

  /** What the server was given before `takenBefore`, and cut off from before `closedBefore`, it works on no more. */
  #opened(url: string, closedBefore: number, takenBefore: number): void {
    for (const [key, one] of this.#occupied) {
      if (!key.startsWith(`${url}/`) || one.closedAt >= closedBefore || one.since >= takenBefore) continue;
      one.until = Math.min(one.until, this.now);
    }
  }

  /** Today's name of the server whose slot it has. */
  #serverOf(worker: Worker): string | undefined {
    const held = [...this.#occupied].find(([, one]) => one.id === worker.id && one.until > this.now);
    return this.scheduler.servers.find(({ url, retired }) => !retired && held?.[0].startsWith(`${url}/`))
      ?.name;
  }

  #checkGrant(
    worker: Worker,
    { name, url, slots }: { name: string; url: string; slots: number },
    index: number,
  ): void {
    const key = `${url}/${index}`;
    if (this.#occupied.get(key)?.id === worker.id) return; // asked again for what it was granted already
    this.#checkFree(worker.id, url, key, slots);
    this.#checkNotOverdue(worker, url, key);
    expect(this.scheduler.currentDrain, "a grant in a drain").toBeNull();
    if (worker.failed?.server === name) {
      const restsUntil = Math.min(worker.failed.restsUntil, worker.askedAt + 1_000);
      expect(restsUntil, "a server that rests").toBeLessThanOrEqual(this.now);
    }
    expect(this.#regroupsUntil, "a grant while tickets regroup").toBeLessThanOrEqual(this.now);
    for (const other of this.workers) {
      if (other.state !== "waiting" || other.seq === undefined || worker.seq === undefined) continue;
      expect(worker.seq, `${worker.id} overtakes ${other.id}`).toBeLessThanOrEqual(other.seq);
    }
  }

  /** One check an interval, and one at a time. */
  #checkInterval(url: string): void {
    const last = this.#checkedAt.get(url) ?? Number.NEGATIVE_INFINITY;
    expect(this.now - last, `between checks of ${url}`).toBeGreaterThanOrEqual(this.#intervalMs);
    const running = [...this.#occupied].filter(([key, one]) => key.startsWith(`${url}/`) && one.checks);
    expect(running, "checks under way").toEqual([]);
    this.#checkedAt.set(url, this.now);
  }

  get #intervalMs(): number {
    return this.#settings.check?.intervalMs ?? Number.POSITIVE_INFINITY;
  }

  /** Whoever has waited lets the overdue check of the server go first, unless a slot has just come back from one. */
  #checkNotOverdue(worker: Worker, url: string, key: string): void {
    const before = this.#occupied.get(key);
    if (before && this.#checkIds.has(before.id)) this.#yieldedAt.set(url, this.now);
    const back = [...this.#occupied].some(
      ([other, { id, until }]) => other.startsWith(`${url}/`) && this.#checkIds.has(id) && until === this.now,
    );
    if (back || this.#yieldedAt.get(url) === this.now || worker.askedAt === this.now) return;
    if (this.questions.length >= 4 || this.questions.some((one) => one.url.startsWith(`${url}/`))) return;
    const checkedAt = this.#checkedAt.get(url) ?? this.now;
    expect(this.now - checkedAt, `since ${url} was checked, which gets ${worker.id}`).toBeLessThan(
      this.#intervalMs,
    );
  }

  #checkFree(id: string, url: string, key: string, slots: number): void {
    const before = this.#occupied.get(key);
    expect(before?.until ?? 0, `${id} gets ${key} after ${before?.id}`).toBeLessThanOrEqual(this.now);
    const busy = [...this.#occupied].filter(
      ([other, one]) => other.startsWith(`${url}/`) && one.until > this.now,
    );
    expect(busy.length, `requests on ${url} before ${id}`).toBeLessThan(slots);
  }

  /** Nobody waits while a server that may be asked has a free slot. */
  #checkNoSlotIsLeftIdle(): void {
    const { queued, drained, regrouping, servers } = this.scheduler;
    if (queued === 0 || drained || regrouping || this.#avoidsUntil >= this.now) return;
    const available = servers.filter((server) => server.available);
    const regular = available.filter((server) => !server.backup);
    const idle = (regular.length > 0 ? regular : available).filter((server) => server.hasFreeSlot);
    expect(idle.map((server) => server.name)).toEqual([]);
  }

  /** Nobody may have the slot before its lease has run out and then its quarantine. */
  #keep(worker: Worker): void {
    const mine = this.#slotOf(worker);
    if (!mine || mine.until <= this.now) return;
    mine.orphaned = false;
    mine.closedAt = this.now + LEASE_TTL_MS;
    mine.until = mine.closedAt + this.#settings.quarantine.maxMs;
  }

  #free(worker: Worker, until: number): void {
    const mine = this.#slotOf(worker);
    // Nobody may count on a slot longer than it was promised to the one who stayed silent.
    if (mine && mine.until > this.now) Object.assign(mine, { until, closedAt: this.now });
    worker.state = "gone";
  }

  #slotOf(worker: Worker): Occupied | undefined {
    return [...this.#occupied.values()].find((one) => one.id === worker.id);
  }
}
