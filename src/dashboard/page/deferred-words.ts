import type { Snapshot } from "../../scheduler/snapshot.ts";
import { grouped } from "../../words/phrases.ts";

/** Why deferred requests fail, by their refusals' codes. */
export const FAILURES: Record<string, string> = {
  "queue-timeout": "no server became free before they expired",
  "no-server": "no server was available",
  "bad-gateway": "the server could not be reached or broke off",
  "server-timeout": "the server did not answer in time",
  "cut-off": "a drain waited no longer",
  "fate-unknown": "Sluice was interrupted meanwhile, and what the server did is unknown",
  "response-too-large": "the answer was larger than any that is stored",
};

/** What helps against those that neither servers nor their number are to blame for. */
export const AGAINST_FAILURES: Record<string, string> = {
  "cut-off": "a drain waited for them no longer, as an operator had asked",
  stopped: "an operator had stopped the pool",
  "fate-unknown": "Sluice was interrupted while servers worked on them. Find out what these did",
  "response-too-large": "their answers are too large to store. Raise max_response",
};

/** What of the waiting list is stored, as in “12 requests, 10 of them stored”; empty if nothing is. */
export function ofThemStored({ queued, deferred }: Pick<Snapshot, "queued" | "deferred">): string {
  const stored = deferred?.queued ?? 0;
  if (stored === 0) return "";
  if (stored < queued) return `, ${grouped(stored)} of them stored,`;
  return stored === 1 ? ", stored," : ", all of them stored,";
}
