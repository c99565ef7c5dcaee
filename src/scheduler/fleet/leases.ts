import type { PoolConfig } from "../../config/types.ts";
import { PriorityQueue } from "../collections/priority-queue.ts";
import type { Outbox } from "../record/outbox.ts";
import { isHeld, isInFlight, type SlotRow, type SlotState } from "../terms/rows.ts";
import type { Server } from "./server.ts";
import type { Slot } from "./slot.ts";

/** A lease that is not renewed for this long has lost its Worker: three renewals. */
export const LEASE_TTL_MS = 30_000;

/** A server that is busy for somebody else is left alone as long as it asks for, within these bounds. */
const [LEAST_REST_MS, LONGEST_REST_MS] = [50, 10_000];

/** Why a slot is closed though no lease holds it. */
export type ClosedState = "quarantined" | "recovering" | "cooling" | "resting";

/** The slots that are taken, each under the id of its lease, and when its state ends by itself. */
export class Leases {
  readonly #outbox: Outbox;
  /** Only for finding: slots are counted apart, for two of them may have one id. */
  readonly #slots = new Map<string, Slot<Server>>();
  readonly #timers = new SlotTimers<Slot<Server>>();
  #taken = 0;
  #inFlight = 0;

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  get size(): number {
    return this.#taken;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get(id: string): Slot<Server> | undefined {
    return this.#slots.get(id);
  }

  /** Gives a slot, just taken from its server, to the ticket of this id. */
  grant(slot: Slot<Server>, id: string, now: number): void {
    this.#take(slot, id, now);
    this.#set(slot, "leased", now + LEASE_TTL_MS, now);
  }

  /** The holder has been heard of. */
  renew(slot: Slot<Server>, now: number): void {
    // Only a change of state is worth a write: after a restart the time to live begins anew anyway.
    if (slot.state === "leased") this.#timers.set(slot, now + LEASE_TTL_MS);
    else this.#set(slot, "leased", now + LEASE_TTL_MS, now);
  }

  /** Keeps the slot from everyone for a while. */
  close(slot: Slot<Server>, state: ClosedState, forMs: number, now: number): void {
    this.#set(slot, state, now + forMs, now);
  }

  /** Lends the slot to a health check, for no longer than `forMs`. */
  check(slot: Slot<Server>, id: string, now: number, forMs: number): void {
    this.#take(slot, id, now);
    this.#set(slot, "checking", now + forMs, now);
  }

  free(slot: Slot<Server>): void {
    this.#timers.clear(slot);
    if (this.#slots.get(slot.lease) === slot) this.#slots.delete(slot.lease);
    this.#taken--;
    if (isInFlight(slot)) this.#inFlight--;
    slot.server.give(slot);
    this.#outbox.slotChanged(slot);
  }

  /** After a restart, perhaps with another configuration. Nobody knows whether the holder of a lease still lives. */
  restore(server: Server, row: SlotRow, now: number, settings: PoolConfig): void {
    const slot = server.restore(row.index);
    this.#take(slot, row.lease, row.since);
    // Once for all the restarts to come, or a pool that crashes again and again would wait for the lost for ever.
    if (row.state === "leased") this.#set(slot, "orphaned", now + LEASE_TTL_MS, now);
    // It went down with the instance that made it, and its server may still be at it.
    else if (row.state === "checking")
      this.#set(slot, "recovering", Math.min(row.until, now) + settings.quarantine.maxMs, now);
    else {
      this.#enter(slot, row.state, now);
      // Nobody knows any more: most are.
      slot.lost = row.state === "quarantined";
      // What it was closed for may have been longer than its operator now thinks right.
      const longest = longestMs(row.state, settings);
      this.#timers.set(slot, Math.min(row.until, now + longest));
    }
  }

  /** Takes out, one a call, the slots whose state ends now. */
  takeDue(now: number): Slot<Server> | undefined {
    return this.#timers.takeDue(now);
  }

  next(): number {
    return this.#timers.next();
  }

  #take(slot: Slot<Server>, id: string, since: number): void {
    slot.lease = id;
    slot.since = since;
    const namesake = this.#slots.get(id);
    if (!namesake || !isHeld(namesake)) this.#slots.set(id, slot);
    this.#taken++;
    if (isInFlight(slot)) this.#inFlight++;
  }

  #set(slot: Slot<Server>, state: SlotState, until: number, now: number): void {
    this.#enter(slot, state, now);
    this.#timers.set(slot, until);
    this.#outbox.slotChanged(slot);
  }

  #enter(slot: Slot<Server>, state: SlotState, now: number): void {
    if (isInFlight(slot)) this.#inFlight--;
    slot.state = state;
    slot.stateSince = now;
    if (isInFlight(slot)) this.#inFlight++;
  }
}

/** How long a slot may be in that state, as its operator now thinks right. */
function longestMs(state: SlotState, { quarantine, cooldownMs }: PoolConfig): number {
  if (state === "orphaned") return Number.POSITIVE_INFINITY;
  if (state === "cooling") return cooldownMs;
  return state === "resting" ? restMs(LONGEST_REST_MS, cooldownMs) : quarantine.maxMs;
}

/** How long a slot rests whose server asked for that much. */
export function restMs(wantedMs: number, cooldownMs: number): number {
  return Math.max(LEAST_REST_MS, cooldownMs, Math.min(wantedMs, LONGEST_REST_MS));
}

interface Timer<S> {
  readonly slot: S;
  readonly at: number;
}

/** When each taken slot's state ends by itself. A slot has one timer, the last one set; the others count no more. */
export class SlotTimers<S extends Slot> {
  readonly #timers = new PriorityQueue<Timer<S>>(
    (a, b) => a.at < b.at,
    (timer) => timer.slot.timer !== timer,
  );

  set(slot: S, at: number): void {
    if (slot.timer?.at === at) return;
    this.clear(slot);
    const timer = { slot, at };
    slot.timer = timer;
    slot.until = at;
    this.#timers.push(timer);
  }

  clear(slot: S): void {
    if (!slot.timer) return;
    slot.timer = null;
    this.#timers.bury();
  }

  /** Takes out, one a call, the slots whose time has come. */
  takeDue(now: number): S | undefined {
    const first = this.#timers.peek();
    if (!first || first.at > now) return undefined;
    this.#timers.pop();
    first.slot.timer = null;
    return first.slot;
  }

  next(): number {
    return this.#timers.peek()?.at ?? Number.POSITIVE_INFINITY;
  }
}
