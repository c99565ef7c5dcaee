import type { Journal, Sent } from "./journal.ts";

/** A request that Sluice has accepted and works later, as its client knows it. Times are ms since the run began. */
export interface Stored {
  /** A secret: who has it may read and cancel the request. */
  id: string;
  /** When its 202 was here: it was on the waiting list by then. */
  acceptedAt: number;
  /** When its object was crashed, between these moments. */
  crashes: Crash[];
  /** The client has sent a DELETE, and no server may get it any more after this. */
  stoppedAt: number | null;
  /** How often an operator has had it tried again. */
  retries: number;
  /** It had ended, and its client has had it forgotten. */
  isForgotten: boolean;
  /** How it ended, in the words of `summaryOf`: later it must be the same. */
  end: string | null;
  /** Asks Sluice: true if it waits for its first slot. */
  isQueued: () => Promise<boolean>;
}

export interface Crash {
  from: number;
  /** Infinite while it is under way. */
  to: number;
}

/** Its object is gone in the meantime. */
export async function crashing(stored: Stored, journal: Journal, crash: () => Promise<void>): Promise<void> {
  const one = { from: journal.now(), to: Number.POSITIVE_INFINITY };
  stored.crashes.push(one);
  await crash();
  one.to = journal.now();
}

/** What was under way in a crash may come to its server so much later. */
const UNDER_WAY_MS = 50;

/** A crash of its object, or of all of them, may have cut off what came to a server at this moment, or later. */
export function wasInterrupted({ stored }: Sent, since: number, { kills, slackMs }: Journal): boolean {
  const lateMs = UNDER_WAY_MS + slackMs;
  const killed = kills.filter(({ isolates }) => isolates.includes(0));
  return [...(stored?.crashes ?? []), ...killed].some(({ to }) => to + lateMs >= since);
}
