import type { PoolConfig } from "../../config/types.ts";
import type { Question } from "../record/outbox.ts";
import { isCheck, type SlotState } from "../terms/rows.ts";
import type { Leases } from "./leases.ts";
import type { Server } from "./server.ts";
import type { Slot } from "./slot.ts";

/** How long after its last request a pool's servers are still looked after. */
const ATTENTION_MS = 60_000;
/** Questions under way at once: an object may have six connections that wait for headers. */
const MOST_QUESTIONS = 4;
/**
 * Between two questions whether a server with a closed slot is idle. The first is not asked before the request that was
 * cut off, and its end, have surely come to the server: one that has not heard of it yet would say that it is idle.
 */
const PROBE_MS = { least: 250, most: 1_000 };
/** What a check may take beyond its own timeout before its slot is closed for good measure. */
const CHECK_GRACE_MS = 1_000;

/**
 * Which servers are to be asked now, how they are (health checks) or whether they are idle again (probes).
 * A check is a request too: it takes a slot, and while its server has none it is overdue. Then it goes before the
 * next waiting request, on one slot, at most once an interval; and that request before the next check, however long
 * a check takes. A slot in quarantine is left alone: a server whose slots all are is known by its requests' failures.
 * Nobody is asked while the pool has had no work for a minute, so that an idle pool sleeps and costs nothing.
 */
export class Checks {
  readonly #settings: PoolConfig;
  readonly #leases: Leases;
  readonly #newId: () => string;
  readonly #running = new Map<string, Server>();
  /** Their slots have just come back from a check: whoever waits for one goes first. */
  readonly #yielding = new Set<Server>();
  #overdue = false;
  #probing = 0;
  #lastWorkAt = Number.NEGATIVE_INFINITY;

  /** `newId` never gives an id twice, in no instance of the pool. */
  constructor(settings: PoolConfig, leases: Leases, newId: () => string) {
    this.#settings = settings;
    this.#leases = leases;
    this.#newId = newId;
  }

  /** A slot came free whose server should have been asked already. */
  get overdue(): boolean {
    return this.#overdue;
  }

  /** The pool has work: its servers matter. */
  work(servers: readonly Server[], now: number): void {
    this.#lastWorkAt = now;
    if (!this.#settings.check) return;
    for (const server of servers) {
      const forgotten = server.nextCheckAt === Number.POSITIVE_INFINITY;
      if (forgotten && !server.retired && server.state !== "maint") server.nextCheckAt = now;
    }
  }

  /** A slot of the server was closed for so long: is it idle before? */
  closed(server: Server, forMs: number, now: number): void {
    if (this.#settings.quarantine.probe === null) return;
    this.#probeIn(server, Math.min(Math.max(PROBE_MS.least, forMs / 4), PROBE_MS.most), now);
  }

  /** The slot is free, and was in that state. */
  freed({ server, lost }: Slot<Server>, state: SlotState, now: number): void {
    if (!isCheck({ state })) this.#lastWorkAt = now;
    // One that was never answered yields to nobody: the next request would most likely not be either.
    else if (!lost) this.#yielding.add(server);
    if (server.nextCheckAt <= now) this.#overdue = true;
  }

  /** Those who wait have been given what they could. */
  requestsHadTheirTurn(): void {
    this.#yielding.clear();
  }

  /** Whom to ask now. `busy`: there are requests, waiting or in flight. */
  due(servers: readonly Server[], busy: boolean, now: number): Question[] {
    this.#overdue = false;
    if (busy) this.work(servers, now);
    const questions: Question[] = [];
    // Who is longest overdue first: else those at the end of a long list would never be asked.
    const due = servers
      .filter((server) => this.#dueAt(server) <= now)
      .sort((a, b) => this.#dueAt(a) - this.#dueAt(b));
    for (const server of due) {
      if (this.#full) break;
      const question = this.#probeDue(server, now) ?? this.#checkDue(server, now);
      if (question) questions.push(question);
    }
    return questions;
  }

  /** When `due` has something next; `Infinity`: never, or not before a question is answered or a slot is free. */
  next(servers: readonly Server[]): number {
    let next = Number.POSITIVE_INFINITY;
    if (this.#full || (!this.#settings.check && this.#settings.quarantine.probe === null)) return next;
    for (const server of servers) next = Math.min(next, this.#dueAt(server));
    return next;
  }

  checkEnded(id: string): void {
    this.#running.delete(id);
  }

  /** `again`: some of its slots are still closed. */
  probeEnded(server: Server | undefined, again: boolean, now: number): void {
    this.#probing--;
    if (server && again) this.#probeIn(server, Math.min(2 * server.probePauseMs, PROBE_MS.most), now);
  }

  get #full(): boolean {
    return this.#running.size + this.#probing >= MOST_QUESTIONS;
  }

  #dueAt(server: Server): number {
    return Math.min(
      server.nextProbeAt,
      this.#canCheck(server) ? server.nextCheckAt : Number.POSITIVE_INFINITY,
    );
  }

  #canCheck(server: Server): boolean {
    return server.hasFreeSlot && !this.#yielding.has(server) && !this.#isChecked(server);
  }

  #isChecked(server: Server): boolean {
    for (const checked of this.#running.values()) if (checked === server) return true;
    return false;
  }

  #checkDue(server: Server, now: number): Question | null {
    const { check } = this.#settings;
    if (!check || server.nextCheckAt > now || !this.#canCheck(server)) return null;
    server.nextCheckAt = Number.POSITIVE_INFINITY;
    const attentive = now - this.#lastWorkAt < ATTENTION_MS;
    const slot = attentive && !server.retired && server.state !== "maint" ? server.take() : undefined;
    if (!slot) return null;
    server.nextCheckAt = now + check.intervalMs;
    const id = `check:${this.#newId()}`;
    this.#running.set(id, server);
    this.#leases.check(slot, id, now, check.timeoutMs + CHECK_GRACE_MS);
    return { kind: "check", id, server: server.name, url: server.url + check.path };
  }

  #probeIn(server: Server, ms: number, now: number): void {
    server.probePauseMs = ms;
    server.nextProbeAt = Math.min(server.nextProbeAt, now + ms);
  }

  #probeDue(server: Server, now: number): Question | null {
    const { probe } = this.#settings.quarantine;
    if (probe === null || server.nextProbeAt > now) return null;
    server.nextProbeAt = Number.POSITIVE_INFINITY;
    if (!server.hasClosed) return null;
    this.#probing++;
    return { kind: "probe", askedAt: now, server: server.name, url: server.url + probe };
  }
}
