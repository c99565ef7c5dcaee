import type { SlotRow } from "../terms/rows.ts";

/** One slot of a server: its row, and what is kept in memory only. Times are in ms since the epoch. */
export interface Slot<Of extends SlotRow["server"] = SlotRow["server"]> extends SlotRow {
  readonly server: Of;
  readonly index: number;
  /** When the slot got its state, or when the pool's object started if that was later. */
  stateSince: number;
  /** The isolate of the Worker whose request holds it; `null`: it is not known. */
  isolate: string | null;
  /** Its holder has a handle of the lease: it holds it for long, or for a deferred request. */
  attached: boolean;
  /** The version of who is next, as of when it was granted; see `Next`. */
  passVersion: number;
  /** Until when its holder may pass it on; `-Infinity`: never. */
  passUntil: number;
  /** True if there may have been more passes before the object restarted: its holder has not said yet, by attaching or ending it. */
  isHopUnsure: boolean;
  /** The passes before the last one that nobody has told of yet, by their hops; `null`: none. */
  untold: Set<number> | null;
  /** See `FairShares`. */
  charged: number | null;
  heldMs: number;
  countedAt: number;
  /** The timer that ends the state, set by `SlotTimers`; `null`: none. */
  timer: { readonly at: number } | null;
}
