import type { IdentifiedServer } from "../../config/types.ts";
/** The rows that the ledger keeps, and their words. Times are in ms since the epoch. */

/**
 * free         can be granted
 * leased       a request holds it
 * orphaned     leased before the pool's object restarted; its holder has neither renewed nor ended the lease since
 * quarantined  its request was cut off, and its server may still be busy with it
 * cut          leased until an operator's drain had waited for it as long as it was to; its holder has been told to close
 *              its connection, and has not reported the end yet
 * cooling      its request is answered to the last byte, and the cooldown is not over
 * resting      its server refused the request, because it was busy for somebody else
 * checking     a health check holds it
 * recovering   a health check held it, and its server may still be busy with the check
 */
export type SlotState =
  | "free"
  | "leased"
  | "orphaned"
  | "quarantined"
  | "cut"
  | "cooling"
  | "resting"
  | "checking"
  | "recovering";

/** Stands in place of a slot's flow while the slot is on no flow's account, as its request goes on without it. */
export const NOBODY = "";

/** One slot of one server. */
export interface SlotRow {
  /** `registration`: not of the configuration's; not in the row itself. */
  server: IdentifiedServer & { registration?: RegisteredRow | null };
  index: number;
  state: SlotState;
  /** The id of the lease or health check that holds the slot, or held it last. */
  lease: string;
  /**
   * The flow of the request that holds the slot, or held it last; `null`: nothing tells it, or the pool knows no flows. Or
   * `NOBODY`.
   */
  flow: string | null;
  /** How often the lease has been passed on, as far as is known. */
  hop: number;
  /** When that lease or check got the slot. */
  since: number;
  /** When the state ends by itself; `Infinity` while the slot is free. */
  until: number;
  /** True in quarantine if the end is unknown: the request's holder was presumed lost, or the check timed out. */
  lost: boolean;
}

/** What the operator wants of a server. Nothing but an operator changes it. */
export type ServerState = "ready" | "drain" | "maint";

/** How a server behaves. Nothing but health checks and requests changes it. */
export type Health = "up" | "down" | "unchecked";

/** The operator's changes to one server; absent means "as configured". */
export interface ServerOverride extends ServerSettings {
  /** Whose change of the state it is, such as a roll's, if they said so. */
  owner?: string | undefined;
  /** The operator who made the latest of these changes. */
  by?: string | undefined;
  /** Only while the server is not `ready`: when the leases that are still held are cut off; ms since the epoch. */
  cutAt?: number | undefined;
  /** They were. */
  isCut?: true | undefined;
  /** How many they were. */
  cutLeases?: number | undefined;
}

/** What an operator can change of a server. */
export interface ServerSettings {
  state?: ServerState | undefined;
  slots?: number | undefined;
  weight?: number | undefined;
}

/** A change by an operator; absent: leave as it is; `null`: back to the configuration. */
export interface ServerPatch {
  state?: ServerState | undefined;
  owner?: string | undefined;
  slots?: number | null | undefined;
  weight?: number | null | undefined;
  /** With a state that is not `ready`: after how long the leases that are still held are cut off, in ms. */
  cut?: number | undefined;
}

/** One server, without its slots. */
export interface ServerRow {
  name: string;
  override: ServerOverride;
  health: Health;
  /** When the operator last changed the state; `null`: never. */
  stateSince: number | null;
  /** When the health last changed; `null`: never. */
  healthSince: number | null;
}

/** A server that has registered. The row stays until the server has left and its last slot is free. */
export interface RegisteredRow extends IdentifiedServer {
  /** `null`: as many as the pool's servers have. */
  slots: number | null;
  weight: number;
  backup: boolean;
  since: number;
  /** The operator who registered it last. */
  by: string;
  /** `Infinity`: it stays until it is taken out. 0: it has left. */
  expiresAt: number;
}

/** Such a row after a restart. */
export interface RestoredRegistration extends RegisteredRow {
  /** The present configuration lets the server register, too. */
  allowed: boolean;
}

/** Ends the name of a lease of which it is not known which request has it, as the pool's object has restarted. */
const RESTARTED = "restarted";

/**
 * Returns what operators call a lease: its id, and how often it has been passed on, or that this is not known any more. So one
 * who means a request does not take the slot from the next one.
 */
export function leaseName({
  lease,
  hop,
  isHopUnsure,
}: {
  lease: string;
  hop: number;
  isHopUnsure: boolean;
}): string {
  if (isHopUnsure) return `${lease}.${RESTARTED}`;
  return hop === 0 ? lease : `${lease}.${hop}`;
}

const LEASE_NAME = new RegExp(`^(.*)\\.(\\d+|${RESTARTED})$`);

/** Takes such a name apart. `hop: null`: it says that this is not known. */
export function leaseNamed(name: string): { lease: string; hop: number | null } {
  const [, lease = name, hop = "0"] = LEASE_NAME.exec(name) ?? [];
  return { lease, hop: hop === RESTARTED ? null : Number(hop) };
}

/** True if a request holds the slot, as far as the pool knows. */
export function isHeld(slot: { state: SlotState }): boolean {
  return slot.state === "leased" || slot.state === "orphaned";
}

/** True if the holder of the lease may still come forward, though it was presumed lost. */
export function isPresumedLost(slot: { state: SlotState; lost: boolean }): boolean {
  return slot.state === "quarantined" && slot.lost;
}

/** True if the server may be at work on a request. No other slot delays a drain, or can be freed by an operator. */
export function isInFlight(slot: { state: SlotState }): boolean {
  return slot.state !== "free" && slot.state !== "resting" && !isCheck(slot);
}

/** True if a health check holds the slot, or held it last. */
export function isCheck(slot: { state: SlotState }): boolean {
  return slot.state === "checking" || slot.state === "recovering";
}

/** True if the slot is in quarantine, after a request or a check: its server may still be busy with that. */
export function isInQuarantine(slot: { state: SlotState }): boolean {
  return slot.state === "quarantined" || slot.state === "cut" || slot.state === "recovering";
}
