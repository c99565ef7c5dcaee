import type { SchedulerRefusal } from "../terms/lease-end.ts";
import type { Outlook } from "../terms/outlook.ts";
import type { RegisteredRow, ServerRow, SlotRow } from "../terms/rows.ts";

/** The answer to a ticket. */
export type Decision =
  /** The lease gets the ticket's id. `token`: for a retry. */
  | { kind: "grant"; ticket: string; slot: SlotRow; token: number }
  | { kind: "queued"; ticket: string; token: number }
  /** `message`: what an operator has to say to the client, in place of our own words. */
  | {
      kind: "refuse";
      ticket: string;
      code: SchedulerRefusal;
      message?: string | undefined;
      outlook?: Outlook | undefined;
    }
  /** It has waited as long as its client wanted to (`deferAfterMs`), and is off the list. With the token it keeps its turn. */
  | { kind: "defer"; ticket: string; token: number }
  /** It is to wait at another shard; `to`: at this one, `null`: at any that it has not asked. `hasPlace`: it had one on the list here. `isFull`: there was none. */
  | { kind: "elsewhere"; ticket: string; to: number | null; hasPlace: boolean; isFull: boolean }
  /** It is a deferred request's, and may get a slot of this shard. */
  | { kind: "borrow"; ticket: string; of: number }
  /** A lease was passed on to it. */
  | { kind: "passed"; ticket: string; token: number };

/** A ticket that its isolate was told is next. */
export interface ListedTicket {
  readonly id: string;
  readonly token: number;
}

/** A question, whose answer comes back as an event. Times are in ms since the epoch. */
export type Question = ServerQuestion | WakeQuestion;

/** Requests wait, and no server is there for them: asks for servers. */
export interface WakeQuestion {
  kind: "wake";
  queued: number;
  oldestWaitMs: number;
  at: number;
}

/** A question to a server. */
export type ServerQuestion =
  /** How is the server? Unless `slot = false`, it holds a slot under this id until it is answered. */
  | ({ kind: "check"; id: string } & Asked)
  /** Is the server idle again? */
  | ({ kind: "probe"; askedAt: number } & Asked);

interface Asked {
  /** By name. */
  server: string;
  identity: string;
  /** It is not one of the configuration's. */
  registered: boolean;
  url: string;
  /** See `ServerAddress`. */
  binding: string | null;
}

/** What follows from one or more events. The rows must be in the ledger before any decision is sent. */
export interface Changes {
  decisions: readonly Decision[];
  questions: readonly Question[];
  slots: ReadonlySet<SlotRow>;
  servers: ReadonlyMap<string, ServerRow>;
  /** Names of servers whose rows are to be deleted, before any is written: they have left. */
  left: ReadonlySet<string>;
  /** By identity. `null`: nothing of the server is left, its free slots' rows included. */
  registered: ReadonlyMap<string, RegisteredRow | null>;
  /** The leases that were cut off, whose holders are to be told. */
  cuts: readonly string[];
  /** The isolates that are to pass nothing on, with those of their tickets that they may have been told are next. */
  recalls: ReadonlyMap<string, readonly ListedTicket[]>;
  drainChanged: boolean;
  regroupChanged: boolean;
  wakeChanged: boolean;
}

/**
 * Collects what follows from events until `take`. That runs once in every turn with events, mostly for a single
 * decision, so collections are not allocated before they are needed.
 */
export class Outbox {
  drainChanged = false;
  regroupChanged = false;
  wakeChanged = false;
  #decisions: Decision[] | null = null;
  #questions: Question[] | null = null;
  #slots: Set<SlotRow> | null = null;
  #servers: Map<string, ServerRow> | null = null;
  #left: Set<string> | null = null;
  #registered: Map<string, RegisteredRow | null> | null = null;
  #cuts: string[] | null = null;
  #recalls: Map<string, readonly ListedTicket[]> | null = null;

  /** True if there are questions to send. */
  get hasQuestions(): boolean {
    return this.#questions !== null;
  }

  decided(decision: Decision): void {
    // V8 would reserve 17 elements for a push into an empty array (Node 26).
    if (this.#decisions) this.#decisions.push(decision);
    else this.#decisions = [decision];
  }

  ask(questions: Question[]): void {
    if (questions.length > 0) this.#questions = [...(this.#questions ?? NONE), ...questions];
  }

  /** Rows are kept by reference and read when they are written: several changes until then are one write. */
  slotChanged(slot: SlotRow): void {
    this.#slots ??= new Set();
    this.#slots.add(slot);
  }

  serverChanged(server: ServerRow): void {
    this.#servers ??= new Map();
    this.#servers.set(server.name, server);
  }

  registrationChanged(row: RegisteredRow): void {
    this.#registered ??= new Map();
    this.#registered.set(row.identity, row);
  }

  /** The server's name may be another's from now on. */
  serverLeft(name: string): void {
    this.#servers?.delete(name);
    this.#left ??= new Set();
    this.#left.add(name);
  }

  /** The last slot of a server that has left is free. */
  serverGone(identity: string): void {
    this.#registered ??= new Map();
    this.#registered.set(identity, null);
  }

  cutOff(lease: string): void {
    this.#cuts ??= [];
    this.#cuts.push(lease);
  }

  recalled(isolate: string, tickets: readonly ListedTicket[]): void {
    this.#recalls ??= new Map();
    this.#recalls.set(isolate, tickets);
  }

  /** Returns and clears what was collected. */
  take(): Changes {
    const changes = {
      decisions: this.#decisions ?? NONE,
      questions: this.#questions ?? NONE,
      slots: this.#slots ?? NO_SLOTS,
      servers: this.#servers ?? NO_SERVERS,
      left: this.#left ?? NO_SLOTS,
      registered: this.#registered ?? NO_SERVERS,
      cuts: this.#cuts ?? NONE,
      recalls: this.#recalls ?? NO_SERVERS,
      drainChanged: this.drainChanged,
      regroupChanged: this.regroupChanged,
      wakeChanged: this.wakeChanged,
    };
    this.#decisions = null;
    this.#questions = null;
    this.#slots = null;
    this.#servers = null;
    this.#left = null;
    this.#registered = null;
    this.#cuts = null;
    this.#recalls = null;
    this.drainChanged = false;
    this.regroupChanged = false;
    this.wakeChanged = false;
    return changes;
  }
}

const NONE: readonly never[] = [];
const NO_SLOTS: ReadonlySet<never> = new Set<never>();
const NO_SERVERS: ReadonlyMap<never, never> = new Map<never, never>();
