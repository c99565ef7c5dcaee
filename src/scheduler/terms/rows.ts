/** The rows that the ledger keeps. Times are milliseconds since the epoch. */
import type { SlotState } from "./slot-state.ts";

/** One slot of one server. */
export interface SlotRow {
  server: { name: string; url: string };
  index: number;
  state: SlotState;
  /** The id of the lease that holds, or last held, the slot. */
  lease: string;
  /** When it was taken. */
  since: number;
  /** When its state ends by itself; `Infinity` while it is free. */
  until: number;
}

/** The operator's will for one server; only an operator changes it. */
export type ServerState = "ready" | "drain" | "maint";

/** What the server's own behaviour shows; only checks and traffic change it. */
export type Health = "up" | "down" | "unchecked";

/** The operator's changes to one server; absent means "as configured". */
export interface ServerOverride {
  state?: ServerState | undefined;
  /** Who gave it that state, where that was said. */
  owner?: string | undefined;
  slots?: number | undefined;
  weight?: number | undefined;
}

/** What an operator wants changed; `null`: as configured again. */
export interface ServerPatch {
  state?: ServerState | undefined;
  /** Who gives it that state. */
  owner?: string | undefined;
  slots?: number | null | undefined;
  weight?: number | null | undefined;
}

/** One server, beside its slots. */
export interface ServerRow {
  name: string;
  override: ServerOverride;
  health: Health;
  /** When the operator last changed its state, and when its health last changed; `null`: never. */
  stateSince: number | null;
  healthSince: number | null;
}
