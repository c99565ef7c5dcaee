import type { PoolConfig } from "../config/types.ts";
import { isCheck, type Server, type Slot, type SlotState } from "./server.ts";
import { SlotTimers } from "./slot-timers.ts";

/** A lease that is not renewed for this long has lost its Worker: three renewals. */
export const LEASE_TTL_MS = 30_000;

/** A taken slot as the ledger keeps it. Times are milliseconds since the epoch. */
export interface SlotRow {
  server: string;
  url: string;
  index: number;
  state: SlotState;
  lease: string;
  since: number;
  until: number;
}

/** The slots that are taken, each under the id of its lease, and when its state ends by itself. */
export class Leases {
  readonly #slots = new Map<string, Slot>();
  readonly #timers = new SlotTimers();
  readonly #changed: (slot: Slot) => void;
  readonly #freed: (slot: Slot, state: SlotState, now: number) => void;
  #checks = 0;

  /**
   * `changed` is told of every slot that the ledger has to write anew, `freed` of every one that is free again, with
   * the state that it had.
   */
  constructor(changed: (slot: Slot) => void, freed: (slot: Slot, state: SlotState, now: number) => void) {
    this.#changed = changed;
    this.#freed = freed;
  }

  get size(): number {
    return this.#slots.size;
  }

  /** Those that requests have, or had last. */
  get ofRequests(): number {
    return this.#slots.size - this.#checks;
  }

  get(id: string): Slot | undefined {
    return this.#slots.get(id);
  }

  /** Gives a slot, just taken from its server, to the ticket of this id. */
  grant(slot: Slot, id: string, now: number): void {
    slot.lease = id;
    slot.since = now;
    this.#slots.set(id, slot);
    this.#set(slot, "leased", now + LEASE_TTL_MS, now);
  }

  /** The holder has been heard of. */
  renew(slot: Slot, now: number): void {
    // Only a change of state is worth a write: after a restart the time to live begins anew anyway.
    if (slot.state === "leased") this.#timers.set(slot, now + LEASE_TTL_MS);
    else this.#set(slot, "leased", now + LEASE_TTL_MS, now);
  }

  /** Keeps the slot from everyone for a while; for no time at all, it is free at once. */
  close(slot: Slot, state: "quarantined" | "recovering" | "cooling", forMs: number, now: number): void {
    if (forMs <= 0) this.free(slot, now);
    else this.#set(slot, state, now + forMs, now);
  }

  /** Lends the slot to a health check, for no longer than `forMs`. */
  check(slot: Slot, id: string, now: number, forMs: number): void {
    slot.lease = id;
    slot.since = now;
    this.#slots.set(id, slot);
    this.#set(slot, "checking", now + forMs, now);
  }

  free(slot: Slot, now: number): void {
    const { state } = slot;
    this.#timers.clear(slot);
    this.#slots.delete(slot.lease);
    if (isCheck(slot)) this.#checks--;
    slot.server.give(slot);
    this.#freed(slot, state, now);
    this.#changed(slot);
  }

  /** After a restart, perhaps with another configuration. Nobody knows whether the holder of a lease still lives. */
  restore(server: Server, row: SlotRow, now: number, { quarantine, cooldownMs }: PoolConfig): void {
    const slot = server.restore(row.index);
    slot.lease = row.lease;
    slot.since = row.since;
    this.#slots.set(row.lease, slot);
    // Once for all the restarts to come, or a pool that crashes again and again would wait for the lost for ever.
    if (row.state === "leased") this.#set(slot, "orphaned", now + LEASE_TTL_MS, now);
    // It went down with the instance that made it, and its server may still be at it.
    else if (row.state === "checking")
      this.#set(slot, "recovering", Math.min(row.until, now) + quarantine.maxMs, now);
    else {
      slot.state = row.state;
      slot.stateSince = now;
      // Nobody knows any more: most are.
      slot.lost = row.state === "quarantined";
      if (isCheck(slot)) this.#checks++;
      // What it was closed for may have been longer than its operator now thinks right.
      const longest = row.state === "cooling" ? cooldownMs : quarantine.maxMs;
      this.#timers.set(slot, row.state === "orphaned" ? row.until : Math.min(row.until, now + longest));
    }
  }

  /** Takes out, one a call, the slots whose state ends now. */
  takeDue(now: number): Slot | undefined {
    return this.#timers.takeDue(now);
  }

  next(): number {
    return this.#timers.next();
  }

  #set(slot: Slot, state: SlotState, until: number, now: number): void {
    const wasCheck = isCheck(slot);
    slot.state = state;
    slot.stateSince = now;
    if (isCheck(slot) !== wasCheck) this.#checks += wasCheck ? -1 : 1;
    this.#timers.set(slot, until);
    this.#changed(slot);
  }
}
