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
