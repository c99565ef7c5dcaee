import type { SlotRow } from "../terms/rows.ts";

/** One slot of a server, and what of it only memory knows. Times are milliseconds since the epoch. */
export interface Slot<Of extends SlotRow["server"] = SlotRow["server"]> extends SlotRow {
  readonly server: Of;
  readonly index: number;
  /** When it came into its state. */
  stateSince: number;
  /** Closed because nothing was heard: of its holder, or of the server that was checked. */
  lost: boolean;
  /** What ends its state; `null`: nothing does. */
  timer: { readonly at: number } | null;
}
