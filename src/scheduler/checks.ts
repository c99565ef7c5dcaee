import type { PoolConfig } from "../config/types.ts";
import type { Leases } from "./leases.ts";
import type { Question } from "./outbox.ts";
import type { Server } from "./server.ts";

/**
 * How a server took a question.
 * passed   it answered as it should
 * failed   it answered otherwise
 * refused  it took no connection: nothing listens there
 * broken   it could not be reached for another reason, or broke off
 * timeout  we gave up, and it may still be at it
 */
export type CheckResult = "passed" | "failed" | "refused" | "broken" | "timeout";

/** How long after its last request a pool's servers are still looked after. */
const ATTENTION_MS = 60_000;
/** Questions under way at once: an object may have six connections that wait for headers. */
const MOST_QUESTIONS = 4;
/** Between two questions whether a server with a closed slot is idle. */
const PROBE_EVERY_MS = 1_000;
/** What a check may take beyond its own timeout before its slot is closed for good measure. */
const CHECK_GRACE_MS = 1_000;

const dueAt = (server: Server) => Math.min(server.nextCheckAt, server.nextProbeAt);

/**
 * Which servers are to be asked now, how they are (health checks) or whether they are idle again (probes).
 * A check is a request too: it takes a slot, or is left out while there is none. Nobody is asked while the pool
 * has had no work for a minute, so that an idle pool sleeps and costs nothing.
 */
export class Checks {
  readonly #settings: PoolConfig;
  readonly #leases: Leases;
  readonly #running = new Set<string>();
  #checksMade = 0;
  #probing = 0;
  #lastWorkAt = Number.NEGATIVE_INFINITY;

  constructor(settings: PoolConfig, leases: Leases) {
    this.#settings = settings;
    this.#leases = leases;
  }

  /** The pool has work: its servers matter. */
  work(servers: readonly Server[], now: number): void {
    this.#lastWorkAt = now;
    this.resume(servers, now);
  }

  /** Looks after servers that were left out, if the pool has had work lately. */
  resume(servers: readonly Server[], now: number): void {
    if (!this.#settings.check || !this.#attentive(now)) return;
    for (const server of servers) {
      const forgotten = server.nextCheckAt === Number.POSITIVE_INFINITY;
      if (forgotten && !server.retired && server.state !== "maint") server.nextCheckAt = now;
    }
  }

  /** A slot of the server was closed: is it idle? */
  closed(server: Server, now: number): void {
    if (this.#settings.quarantine.probe === null) return;
    server.nextProbeAt = Math.min(server.nextProbeAt, now + PROBE_EVERY_MS);
  }

  /** Whom to ask now. `busy`: there are requests, waiting or in flight. */
  due(servers: readonly Server[], busy: boolean, now: number): Question[] {
    if (busy) this.work(servers, now);
    const questions: Question[] = [];
    // Who is longest overdue first: else those at the end of a long list would never be asked.
    const due = servers.filter((server) => dueAt(server) <= now).sort((a, b) => dueAt(a) - dueAt(b));
    for (const server of due) {
      if (this.#full) break;
      const question = this.#probeDue(server, now) ?? this.#checkDue(server, now);
      if (question) questions.push(question);
    }
    return questions;
  }

  /** When `due` has something next; `Infinity`: never, or not before a question is answered. */
  next(servers: readonly Server[]): number {
    let next = Number.POSITIVE_INFINITY;
    if (this.#full || (!this.#settings.check && this.#settings.quarantine.probe === null)) return next;
    for (const server of servers) next = Math.min(next, dueAt(server));
    return next;
  }

  checkEnded(id: string): void {
    this.#running.delete(id);
  }

  /** `again`: some of its slots are still closed. */
  probeEnded(server: Server | undefined, again: boolean, now: number): void {
    this.#probing--;
    if (server && again) this.closed(server, now);
  }

  get #full(): boolean {
    return this.#running.size + this.#probing >= MOST_QUESTIONS;
  }

  #attentive(now: number): boolean {
    return now - this.#lastWorkAt < ATTENTION_MS;
  }

  #checkDue(server: Server, now: number): Question | null {
    const { check } = this.#settings;
    if (!check || server.nextCheckAt > now) return null;
    server.nextCheckAt = Number.POSITIVE_INFINITY;
    if (server.retired || server.state === "maint" || !this.#attentive(now)) return null;
    server.nextCheckAt = now + check.intervalMs;
    const slot = server.take();
    if (!slot) return null;
    const id = `check:${server.name}/${slot.index}#${++this.#checksMade}`;
    this.#running.add(id);
    this.#leases.check(slot, id, now, check.timeoutMs + CHECK_GRACE_MS);
    return { kind: "check", id, server: server.name, url: server.url + check.path };
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
