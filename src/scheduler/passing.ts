import type { PoolConfig } from "../config/types.ts";
import type { Fleet } from "./fleet/fleet.ts";
import { LEASE_TTL_MS } from "./fleet/leases.ts";
import type { Slot } from "./fleet/slot.ts";
import type { Outbox } from "./record/outbox.ts";
import { type Next, type PassPermit, passesOn } from "./terms/passing.ts";
import { goesBefore, type Ticket } from "./waiting/ticket.ts";
import type { WaitingList } from "./waiting/waiting-list.ts";

/** The most calls that an isolate is told. */
const MOST_LISTED = 64;
/** Of each slot, so many hand-overs are more than happen until the isolate is told who is next then. */
const LISTED_PER_SLOT = 2;
/** For how long a lease may be passed on, in ms, before the object sees it again: as often as a lease is renewed. */
const LONGEST_MS = LEASE_TTL_MS / 3;
/**
 * How much later than by the object's own clock a pass may be heard of, in ms: the holder's time begins when it hears of its
 * lease, and its report shares a batch and travels.
 */
const LATE_MS = 1_000;
/** Versions a millisecond, so that an instance of the object begins above all versions of the one before. */
const VERSIONS_PER_MS = 1_000;

interface Parts {
  settings: PoolConfig;
  waitingList: WaitingList;
  fleet: Fleet;
  outbox: Outbox;
  /** False in a drain, and in a regroup. */
  mayGrant: () => boolean;
}

/**
 * Who may pass leases on to whom. A Worker's isolate that alone holds leases of the pool, long ones aside, is told which of its requests
 * are at the head of the waiting list: a lease of theirs that ends goes to the next of them with no message before, and no
 * write, as its slot's row goes on saying that it is taken. So the order is the waiting list's, and a slot has one holder
 * whatever dies.
 *
 * `recall` takes all that back. The object learns of a pass a little later (`Scheduler.passed`).
 */
export class Passing {
  readonly #parts: Parts;
  readonly #isOn: boolean;
  #version: number;
  #notBefore: number;
  /** What isolates were told last, as long as somebody of it may wait. */
  readonly #told = new Map<string, readonly Ticket[]>();

  constructor(parts: Parts, now: number) {
    this.#parts = parts;
    this.#isOn = passesOn(parts.settings);
    this.#version = now * VERSIONS_PER_MS;
    this.#notBefore = this.#version;
  }

  /** The slot was granted just now. A recall that comes before its permit is one of its lease, too. */
  granted(slot: Slot): void {
    slot.passVersion = this.#version;
  }

  /** Permits the holder of a lease that was just granted to pass it on; `undefined`: it must not. */
  permit(slot: Slot, nextCheckAt: number, now: number): PassPermit | undefined {
    // A check that is due has to get the slot.
    const forMs = Math.min(LONGEST_MS, nextCheckAt - now);
    const isRecalled = slot.passVersion < this.#notBefore;
    if (!this.#isOn || isRecalled || slot.isolate === null || forMs <= 0) return undefined;
    slot.passUntil = now + forMs + LATE_MS;
    return { version: slot.passVersion, forMs };
  }

  /** Returns who is next, for an answer to this isolate; `undefined`: leases of this pool are never passed on. */
  next(isolate: string): Next | undefined {
    if (!this.#isOn) return undefined;
    const tickets = this.#listFor(isolate);
    if (tickets.length > 0) {
      this.#told.set(isolate, tickets);
      if (this.#told.size > 1) this.#forgetThoseDone();
    }
    const calls = tickets.map(({ caller }) => caller?.call as number);
    return { version: ++this.#version, calls, notBefore: this.#notBefore };
  }

  /** Nothing is to be passed on from now on, until isolates are told anew: of leases that are granted from now on. */
  recall(): void {
    if (!this.#isOn) return;
    this.#notBefore = ++this.#version;
    for (const [isolate, tickets] of this.#told) {
      const waiting = tickets.filter(({ left }) => !left);
      if (waiting.length > 0) this.#parts.outbox.recalled(isolate, waiting);
    }
    this.#told.clear();
  }

  /** A ticket has come. One that goes before others which another isolate was told of has them recalled. */
  entered(ticket: Ticket): void {
    for (const [isolate, tickets] of this.#told) {
      if (ticket.caller?.isolate === isolate || !tickets.some((one) => !one.left && goesBefore(ticket, one)))
        continue;
      this.recall();
      return;
    }
  }

  #listFor(isolate: string): readonly Ticket[] {
    const { waitingList, fleet, mayGrant } = this.#parts;
    if (waitingList.length === 0 || !mayGrant() || fleet.soleHolder !== isolate) return NOBODY;
    const listed: Ticket[] = [];
    for (const ticket of waitingList.first(Math.min(LISTED_PER_SLOT * fleet.inFlight, MOST_LISTED))) {
      // A retry waits for another server than the one that failed it, perhaps.
      if (ticket.caller?.isolate !== isolate || ticket.failed) break;
      listed.push(ticket);
    }
    return listed;
  }

  #forgetThoseDone(): void {
    for (const [isolate, tickets] of this.#told)
      if (tickets.every(({ left }) => left)) this.#told.delete(isolate);
  }
}

const NOBODY: readonly Ticket[] = [];
