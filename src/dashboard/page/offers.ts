import type { Me } from "../../admin/operator.ts";
import type { Right } from "../../config/rights.ts";
import type { Snapshot } from "../../scheduler/snapshot.ts";
import { isOwn } from "./acts.ts";

/** The acts that the page offers on a pool as it is: what one may not do is not offered. */
export interface Offers {
  drain: boolean;
  extend: boolean;
  /** `by force`: ends another drain than one's own, and is asked about first. */
  resume: "at once" | "by force" | null;
  servers: boolean;
  slots: boolean;
  deferred: boolean;
}

/** `me`: who has signed in; `null`: that is not known yet. */
export function offersOn({ name, drain }: Pick<Snapshot, "name" | "drain">, me: Me | null): Offers {
  const rights = me?.pools[name] ?? [];
  const may = (right: Right) => rights.includes(right);
  return {
    drain: may("drain") && drain === null,
    extend: may("drain") && me !== null && isOwn(drain, me.name),
    resume: may("drain") && me !== null ? resumeOf(drain, me.name, may("force")) : null,
    servers: may("servers"),
    slots: may("slots"),
    deferred: may("deferred"),
  };
}

function resumeOf(drain: Snapshot["drain"], operator: string, mayForce: boolean): Offers["resume"] {
  if (drain === null) return null;
  if (isOwn(drain, operator)) return "at once";
  // A deploy of theirs has another owner. Ending it takes the force, and not the right to it.
  return mayForce || drain.by === operator ? "by force" : null;
}
