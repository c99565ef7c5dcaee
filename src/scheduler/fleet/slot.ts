import type { SlotRow } from "../terms/rows.ts";

/** One slot of a server: its row, and what is kept in memory only. Times are in ms since the epoch. */
export interface Slot<Of extends SlotRow["server"] = SlotRow["server"]> extends SlotRow {
  readonly server: Of;
  readonly index: number;
  /** When the slot got its state, or when the pool's object started if that was later. */
  stateSince: number;
  /** See `FairShares`. */
  charged: number | null;
  heldMs: number;
  countedAt: number;
  /** The timer that ends the state, set by `SlotTimers`; `null`: none. */
  timer: { readonly at: number } | null;
}
