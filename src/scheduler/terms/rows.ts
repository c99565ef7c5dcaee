/** The rows that the ledger keeps. Times are milliseconds since the epoch. */

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

/**
 * free         may be given out
 * leased       a Worker holds it
 * orphaned     taken before a restart of the pool; its holder has not come forward yet
 * quarantined  its request was cut off, its server may still be busy
 * cooling      its response ended, the cooldown has not
 * resting      its server was busy for somebody else, and refused the request
 * checking     a health check has it
 * recovering   a health check had it, and its server may still be busy with that
 */
export type SlotState =
  | "free"
  | "leased"
  | "orphaned"
  | "quarantined"
  | "cooling"
  | "resting"
  | "checking"
  | "recovering";

/** Somebody holds it, as far as we know. */
export function isHeld(slot: { state: SlotState }): boolean {
  return slot.state === "leased" || slot.state === "orphaned";
}

/** Its server may be at work for a request. What is not in flight holds up no drain, and no operator frees it. */
export function isInFlight(slot: { state: SlotState }): boolean {
  return slot.state !== "free" && slot.state !== "resting" && !isCheck(slot);
}

/** A health check has it, or had it last. */
export function isCheck(slot: { state: SlotState }): boolean {
  return slot.state === "checking" || slot.state === "recovering";
}

/** Its server may still be busy with what it was given there. */
export function isClosed(slot: { state: SlotState }): boolean {
  return slot.state === "quarantined" || slot.state === "recovering";
}
