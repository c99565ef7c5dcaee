import type { Where } from "./report.ts";

/** Where the rehearsal takes place: Sluice and its servers, running. */
export interface Stage {
  readonly where: Where;
  /** An origin. */
  readonly url: string;
  readonly token: string;
  /** Deploys Sluice again, as this revision of its configuration; `null`: cannot be done here. */
  readonly deployAgain: ((revision: string) => Promise<void>) | null;
  /** Kills Sluice, and starts it again on what it has on disk; `null`: cannot be done here. */
  readonly crash: (() => Promise<void>) | null;
}

/** The pool of every stage; src/rehearsal/env.ts has the same name. */
export const POOL = "rehearsal";

/** Which isolate of the Worker has given an answer; src/rehearsal/messages.ts has the same name. */
export const ISOLATE_HEADER = "x-rehearsal-isolate";

/** When its request came to the Worker, in ms since the epoch; src/rehearsal/messages.ts has the same name. */
export const CAME_HEADER = "x-rehearsal-came";

/** How many servers tell at once what they did; src/rehearsal/messages.ts has the same number. */
export const SERVERS_AT_ONCE = 40;
