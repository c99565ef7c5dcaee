import type { PoolConfig } from "../../config/types.ts";
import type { ServerQuestion } from "../record/outbox.ts";
import { isCheck, type SlotState } from "../terms/rows.ts";
import type { Leases } from "./leases.ts";
import type { Server } from "./server.ts";
import type { Slot } from "./slot.ts";

/** How long after the pool's last work its servers are still checked, in ms. */
export const ATTENTION_MS = 60_000;
/** Checks and probes at a time. An object may have six connections that wait for headers; timed-out checks use two. */
const MOST_QUESTIONS = 4;
/**
 * Pause before a probe, in ms. `least` is long enough for the request that was cut off, and for the end of its
 * connection, to reach the server: a server that has not received the request yet says that it is idle.
 */
const PAUSE_MS = { least: 250, most: 1_000 };
/** How long after its timeout a check counts as timed out even if that was not reported, in ms. */
const CHECK_GRACE_MS = 1_000;

export interface CheckUnderWay {
  readonly server: Server;
  /** When it was sent. */
  readonly askedAt: number;
}

/**
 * Decides which servers to ask how they are (a health check), or whether they are idle again (a probe, of a server with
 * a slot in quarantine).
 *
 * A check is a request, so it occupies a slot, and is overdue while its server has none free. An overdue check gets the
 * next free slot, ahead of the waiting tickets, at most once per interval. Then one ticket goes first,
 * even if the next check is due by then. A slot in quarantine is not checked: if all slots of a server are in
 * quarantine, the failures of its requests show its health.
 *
 * With `slot = false` the server answers checks beside its work: a check takes no slot, is sent at each interval however
 * busy the server is, and no ticket ever waits for one. Nothing of it outlives this instance of the pool.
 *
 * A pool that has had no work for a minute sends no checks, so that it sleeps and costs nothing.
 */
export class Checks {
  readonly #settings: PoolConfig;
  readonly #leases: Leases;
  readonly #newId: () => string;
  /** Checks under way, by id. */
  readonly #running = new Map<string, CheckUnderWay>();
  /** Servers whose slot was just freed by a check: a ticket gets it before the next check. */
  readonly #yielding = new Set<Server>();
  #overdue = false;
  #probing = 0;
  #lastWorkAt = Number.NEGATIVE_INFINITY;

  /** `newId` returns an id that is unique across all instances of the pool. */
  constructor(settings: PoolConfig, leases: Leases, newId: () => string) {
    this.#settings = settings;
    this.#leases = leases;
    this.#newId = newId;
  }

  /** True if a slot was freed whose server is overdue for a check. */
  get overdue(): boolean {
    return this.#overdue;
  }

  /** To be called when the pool has work: schedules the checks of servers that have none. */
  work(servers: readonly Server[], now: number): void {
    this.#lastWorkAt = now;
    if (!this.#settings.check) return;
    for (const server of servers) {
      const isUnscheduled = server.nextCheckAt === Number.POSITIVE_INFINITY;
      if (isUnscheduled && !server.retired && !server.away && server.state !== "maint")
        server.nextCheckAt = now;
    }
  }

  /** To be called when a slot went into quarantine for `forMs`: schedules a probe, which may end that early. */
  quarantined(server: Server, forMs: number, now: number): void {
    if (this.#settings.quarantine.probe === null) return;
    this.#scheduleProbe(server, Math.min(Math.max(PAUSE_MS.least, forMs / 4), PAUSE_MS.most), now);
  }

  /** To be called when a slot was freed. `state`: the slot's state before. */
  freed({ server, lost }: Slot<Server>, state: SlotState, now: number): void {
    if (!isCheck({ state })) this.#lastWorkAt = now;
    // After a check that timed out, the next check goes first: a request would most likely time out as well.
    else if (!lost) this.#yielding.add(server);
    if (this.#takesSlot && server.nextCheckAt <= now) this.#overdue = true;
  }

  /** To be called after each round of grants, in which tickets could get the slots that checks have freed. */
  grantsMade(): void {
    this.#yielding.clear();
  }

  /** Returns the checks and probes to send now. `busy`: there are requests, waiting or in flight. */
  due(servers: readonly Server[], busy: boolean, now: number): ServerQuestion[] {
    this.#overdue = false;
    if (busy) this.work(servers, now);
    const questions: ServerQuestion[] = [];
    // The longest overdue first: otherwise the servers at the end of a long list would never have their turn.
    const due = servers
      .filter((server) => this.#dueAt(server) <= now)
      .sort((a, b) => this.#dueAt(a) - this.#dueAt(b));
    for (const server of due) {
      if (this.#isAtLimit) break;
      const question = this.#startProbe(server, now) ?? this.#startCheck(server, now);
      if (question) questions.push(question);
    }
    return questions;
  }

  /** Returns when `due` has something next; `Infinity`: never, or only after an answer or a freed slot. */
  next(servers: readonly Server[]): number {
    let next = Number.POSITIVE_INFINITY;
    if (this.#isAtLimit || (!this.#settings.check && this.#settings.quarantine.probe === null)) return next;
    for (const server of servers) next = Math.min(next, this.#dueAt(server));
    return next;
  }

  /** When the next check of the server is due that takes a slot of it; `Infinity`: none is. */
  nextInSlot(server: Server): number {
    return this.#takesSlot ? server.nextCheckAt : Number.POSITIVE_INFINITY;
  }

  /** Returns the check that has ended; `undefined`: it was none, or had ended before. */
  checkEnded(id: string): CheckUnderWay | undefined {
    const check = this.#running.get(id);
    this.#running.delete(id);
    return check;
  }

  /** `server`: `undefined` if it is gone. `again`: it still has slots in quarantine. */
  probeEnded(server: Server | undefined, again: boolean, now: number): void {
    this.#probing--;
    if (server && again) this.#scheduleProbe(server, Math.min(2 * server.probePauseMs, PAUSE_MS.most), now);
  }

  get #isAtLimit(): boolean {
    return this.#running.size + this.#probing >= MOST_QUESTIONS;
  }

  #dueAt(server: Server): number {
    return Math.min(
      server.nextProbeAt,
      this.#canCheck(server) ? server.nextCheckAt : Number.POSITIVE_INFINITY,
    );
  }

  get #takesSlot(): boolean {
    return this.#settings.check?.slot !== false;
  }

  #canCheck(server: Server): boolean {
    if (this.#hasCheckRunning(server)) return false;
    return !this.#takesSlot || (server.hasFreeSlot && !this.#yielding.has(server));
  }

  #hasCheckRunning(server: Server): boolean {
    // It may have left, and come again.
    for (const { server: busy } of this.#running.values()) if (busy.identity === server.identity) return true;
    return false;
  }

  #startCheck(server: Server, now: number): ServerQuestion | null {
    const { check } = this.#settings;
    if (!check || server.nextCheckAt > now || !this.#canCheck(server)) return null;
    server.nextCheckAt = Number.POSITIVE_INFINITY;
    const hadWork = now - this.#lastWorkAt < ATTENTION_MS;
    if (!hadWork || server.retired || server.away || server.state === "maint") return null;
    const slot = this.#takesSlot ? server.take() : null;
    if (slot === undefined) return null;
    server.nextCheckAt = now + check.intervalMs;
    const id = `check:${this.#newId()}`;
    this.#running.set(id, { server, askedAt: now });
    if (slot) this.#leases.check(slot, id, now, check.timeoutMs + CHECK_GRACE_MS);
    return { kind: "check", id, ...questionTo(server, check.path) };
  }

  #scheduleProbe(server: Server, ms: number, now: number): void {
    server.probePauseMs = ms;
    server.nextProbeAt = Math.min(server.nextProbeAt, now + ms);
  }

  #startProbe(server: Server, now: number): ServerQuestion | null {
    const { probe } = this.#settings.quarantine;
    if (probe === null || server.nextProbeAt > now) return null;
    server.nextProbeAt = Number.POSITIVE_INFINITY;
    if (!server.hasQuarantine) return null;
    this.#probing++;
    return { kind: "probe", askedAt: now, ...questionTo(server, probe) };
  }
}

function questionTo({ name, identity, url, binding, registration }: Server, path: string) {
  return { server: name, identity, registered: registration !== null, url: url + path, binding };
}
