import type { Ticket } from "./ticket.ts";

/** A slot, as far as shares go. */
export interface UsedSlot {
  readonly flow: string | null;
  /** When it was granted, in ms since the epoch. */
  readonly since: number;
  /** What its flow was charged for it so far, in ms; `null`: it is not (any more) held for a request of a flow. */
  charged: number | null;
  /** For how long it has been held, in ms, up to when that was last looked at; ms since the epoch. */
  heldMs: number;
  countedAt: number;
}

/** In which order tickets get slots. */
export interface Order {
  push(ticket: Ticket): void;
  /** The next in line; `undefined`: nobody waits who may have a slot. */
  peek(): Ticket | undefined;
  /** The first in line, at most so many; none if that takes long to tell. */
  first(most: number): Ticket[];
  /** Takes the next in line off, which gets this slot. */
  pop(slot: UsedSlot): Ticket | undefined;
  /** To be called once for each ticket that left before its turn. */
  bury(ticket: Ticket): void;
}
