import type { Server, Slot } from "./server.ts";

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

/** What one or more events led to, and what of it the ledger must hold before anyone is told. */
export class Outbox {
  readonly decisions: Decision[] = [];
  readonly questions: Question[] = [];
  drainChanged = false;
  regroupChanged = false;
  // Most events change no server, and many no slot: a set costs as much as all else of an outbox.
  #slots: Set<Slot> | null = null;
  #servers: Set<Server> | null = null;

  get slots(): ReadonlySet<Slot> {
    return this.#slots ?? NONE;
  }

  get servers(): ReadonlySet<Server> {
    return this.#servers ?? NONE;
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

const NONE: ReadonlySet<never> = new Set<never>();
