import {
  type FlowSnapshot,
  hundredths,
  isShownBefore,
  MOST_FLOWS,
  type Snapshot,
} from "../../scheduler/snapshot.ts";

type Part = Pick<Snapshot, "flows" | "longestFlow" | "inFlight">;

/**
 * Returns the flows of the whole pool, as far as its shards show them: a shard names ten at most, so what a flow has elsewhere
 * may be missing.
 */
export function mergedFlows(parts: readonly Part[]): Pick<Snapshot, "flows" | "longestFlow"> {
  if (parts.every(({ flows }) => flows === undefined)) return {};
  const busy = parts.reduce((sum, part) => sum + weightOf(part), 0);
  const found = new Map<string | null, FlowSnapshot>();
  for (const part of parts) {
    for (const { key, queued, inFlight, oldestWaitMs, share } of part.flows ?? []) {
      const before = found.get(key);
      found.set(key, {
        key,
        queued: queued + (before?.queued ?? 0),
        inFlight: inFlight + (before?.inFlight ?? 0),
        oldestWaitMs: Math.max(oldestWaitMs, before?.oldestWaitMs ?? 0),
        share: (share * weightOf(part)) / busy + (before?.share ?? 0),
      });
    }
  }
  const flows = [...found.values()].map((flow) => ({ ...flow, share: hundredths(flow.share) ?? 0 }));
  return {
    flows: flows.sort(isShownBefore).slice(0, MOST_FLOWS),
    longestFlow: Math.max(
      ...flows.map(({ queued }) => queued),
      ...parts.map(({ longestFlow = 0 }) => longestFlow),
    ),
  };
}

/**
 * A share is one of what the shard's servers did, and that is not told. What they do now stands for it; the one is for shards
 * that have just come to rest.
 */
function weightOf({ inFlight }: Part): number {
  return inFlight + 1;
}
