import type { Me } from "../../admin/operator.ts";
import type { Right } from "../../config/rights.ts";
import type { Snapshot } from "../../scheduler/snapshot.ts";
import { isDrained } from "../../words/drain.ts";
import { isOwn } from "./acts.ts";

/** The acts that the page offers on a pool as it is: what one may not do is not offered. */
export interface Offers {
  drain: boolean;
  extend: boolean;
  /** Cut off what a drain or a stop of one's own still waits for. */
  cut: boolean;
  stop: boolean;
  /** `by force`: ends another drain than one's own, and is asked about first. */
  resume: "at once" | "by force" | null;
  servers: boolean;
  /** Remove a server that has registered. */
  register: boolean;
  slots: boolean;
  deferred: boolean;
}

/** `me`: who has signed in; `null`: that is not known yet. */
export function offersOn(pool: Pick<Snapshot, "name" | "drain" | "state">, me: Me | null): Offers {
  const { name, drain } = pool;
  const rights = me?.pools[name] ?? [];
  const may = (right: Right) => rights.includes(right);
  const isTheirs = may("drain") && me !== null && isOwn(drain, me.name);
  return {
    // One's own stop can be turned into a drain, and the other way round.
    drain: may("drain") && (drain === null || (isTheirs && drain.stop !== null)),
    extend: isTheirs,
    cut: isTheirs && may("slots") && !isDrained(pool),
    stop: may("drain") && (drain === null || (isTheirs && drain.stop === null)),
    resume: may("drain") && me !== null ? resumeOf(drain, me.name, may("force")) : null,
    servers: may("servers"),
    register: may("register"),
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
