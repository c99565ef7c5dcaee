import type { Revision } from "../../scheduler/snapshot.ts";

/** True if the snapshot with `one` is earlier than that with `other`, of the same pool. */
export function isEarlier(one: Revision, other: Revision): boolean {
  return one.since === other.since ? one.number < other.number : one.since < other.since;
}
