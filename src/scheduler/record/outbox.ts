import type { SchedulerRefusal } from "../terms/lease-end.ts";
import type { ServerRow, SlotRow } from "../terms/rows.ts";

/** What a ticket is told. */
export type Decision =
  /** The lease has the ticket's id. `token`: for a retry. */
  | { kind: "grant"; ticket: string; slot: SlotRow; token: number }
  | { kind: "queued"; ticket: string; token: number }
  | { kind: "refuse"; ticket: string; code: SchedulerRefusal };

/** Something to ask a server, whose answer comes back as an event. Times in ms since the epoch. */
export type Question =
  /** Is it well? Holds a slot, under this id, until it is answered. */
  | { kind: "check"; id: string; server: string; url: string }
  /** Is it idle again? */
  | { kind: "probe"; askedAt: number; server: string; url: string };

/** What one or more events led to. The ledger must hold the rows before anyone is told a decision. */
export interface Changes {
  decisions: readonly Decision[];
  questions: readonly Question[];
  slots: ReadonlySet<SlotRow>;
  servers: ReadonlyMap<string, ServerRow>;
  drainChanged: boolean;
  regroupChanged: boolean;
}

/**
 * Collects what events lead to, until it is taken. It is taken in every turn with events, mostly with a single
 * decision in it: what stays empty is not made at all.
 */
export class Outbox {
  drainChanged = false;
  regroupChanged = false;
  #decisions: Decision[] | null = null;
  #questions: Question[] | null = null;
  #slots: Set<SlotRow> | null = null;
  #servers: Map<string, ServerRow> | null = null;

  /** There are servers to ask. */
  get hasQuestions(): boolean {
    return this.#questions !== null;
  }

  decided(decision: Decision): void {
    // The first into an empty array would make room for 17 (V8 of Node 26).
    if (this.#decisions) this.#decisions.push(decision);
    else this.#decisions = [decision];
  }

  ask(questions: Question[]): void {
    if (questions.length > 0) this.#questions = [...(this.#questions ?? NONE), ...questions];
  }

  /** The row is read when it is written: what changes until then is one write. */
  slotChanged(slot: SlotRow): void {
    this.#slots ??= new Set();
    this.#slots.add(slot);
  }

  serverChanged(server: ServerRow): void {
    this.#servers ??= new Map();
    this.#servers.set(server.name, server);
  }

  take(): Changes {
    const taken = {
      decisions: this.#decisions ?? NONE,
      questions: this.#questions ?? NONE,
      slots: this.#slots ?? NO_SLOTS,
      servers: this.#servers ?? NO_SERVERS,
      drainChanged: this.drainChanged,
      regroupChanged: this.regroupChanged,
    };
    this.#decisions = null;
    this.#questions = null;
    this.#slots = null;
    this.#servers = null;
    this.drainChanged = false;
    this.regroupChanged = false;
    return taken;
  }
}

const NONE: readonly never[] = [];
const NO_SLOTS: ReadonlySet<never> = new Set<never>();
const NO_SERVERS: ReadonlyMap<never, never> = new Map<never, never>();
