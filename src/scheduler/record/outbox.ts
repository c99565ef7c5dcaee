import type { Server, Slot } from "../fleet/server.ts";

/** Why the scheduler itself turns a request away; the names are those of the refusals' table. */
export type SchedulerRefusal = "queue-full" | "queue-timeout" | "no-server";

export type Decision =
  /** The lease has the ticket's id. */
  | { kind: "grant"; ticket: string; slot: Slot; seq: number | null }
  | { kind: "queued"; ticket: string; seq: number }
  | { kind: "refuse"; ticket: string; code: SchedulerRefusal };

/** Something to ask a server, whose answer comes back as an event. Times in ms since the epoch. */
export type Question =
  /** Is it well? Holds a slot, under this id, until it is answered. */
  | { kind: "check"; id: string; server: string; url: string }
  /** Is it idle again? */
  | { kind: "probe"; askedAt: number; server: string; url: string };

/**
 * What one or more events led to, and what of it the ledger must hold before anyone is told. One is made for
 * every turn with events, mostly for a single decision: what stays empty is not made at all.
 */
export class Outbox {
  drainChanged = false;
  regroupChanged = false;
  #decisions: Decision[] | null = null;
  #questions: Question[] | null = null;
  #slots: Set<Slot> | null = null;
  #servers: Set<Server> | null = null;

  get decisions(): readonly Decision[] {
    return this.#decisions ?? NONE;
  }

  get questions(): readonly Question[] {
    return this.#questions ?? NONE;
  }

  get slots(): ReadonlySet<Slot> {
    return this.#slots ?? NONE_CHANGED;
  }

  get servers(): ReadonlySet<Server> {
    return this.#servers ?? NONE_CHANGED;
  }

  decided(decision: Decision): void {
    // The first into an empty array would make room for 17 (V8 of Node 26).
    if (this.#decisions) this.#decisions.push(decision);
    else this.#decisions = [decision];
  }

  asks(questions: Question[]): void {
    if (questions.length > 0) this.#questions = [...this.questions, ...questions];
  }

  slotChanged(slot: Slot): void {
    this.#slots ??= new Set();
    this.#slots.add(slot);
  }

  serverChanged(server: Server): void {
    this.#servers ??= new Set();
    this.#servers.add(server);
  }
}

const NONE: readonly never[] = [];
const NONE_CHANGED: ReadonlySet<never> = new Set<never>();
