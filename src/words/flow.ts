/** Flows in words, for the page and the command alike. */
import type { FlowSnapshot, Snapshot } from "../scheduler/snapshot.ts";

/** The hash by which the log has it, or that its requests have none. */
export function flowName({ key }: Pick<FlowSnapshot, "key">): string {
  return key ?? "no key";
}

/** `42 %`. */
export function shareWords(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** Of fewer requests that wait nobody has most. */
const LEAST_CROWD = 5;

/** The flow that more than half of the requests that wait belong to; `null`: there is none. */
export function crowdOf({ queued, flows = [] }: Pick<Snapshot, "queued" | "flows">): FlowSnapshot | null {
  if (queued < LEAST_CROWD) return null;
  return flows.find((flow) => flow.queued > queued / 2) ?? null;
}
