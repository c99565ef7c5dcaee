import type { Snapshot } from "../../scheduler/snapshot.ts";
import { isOwn } from "./acts.ts";

/** The acts that the page offers on a pool as it is. */
export interface Offers {
  drain: boolean;
  extend: boolean;
  /** `by force`: ends somebody else's drain, and is asked about first. */
  resume: "at once" | "by force" | null;
  servers: boolean;
  slots: boolean;
  deferred: boolean;
}

export function offersOn({ drain }: Snapshot): Offers {
  return {
    drain: drain === null,
    extend: isOwn(drain),
    resume: drain === null ? null : isOwn(drain) ? "at once" : "by force",
    servers: true,
    slots: true,
    deferred: true,
  };
}
