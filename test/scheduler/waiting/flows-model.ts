import assert from "node:assert/strict";
import type { PoolConfig } from "../../../src/config/types.ts";
import type { Occupied } from "../fleet/slots-model.ts";
import { flowOf, type Waits } from "./waiting-model.ts";

/** What a scheduler tells of flows. */
interface Told {
  readonly longestFlow: number | null;
  flows(
    now: number,
  ):
    | { key: string | null; queued: number; inFlight: number; oldestSince: number | null; share: number }[]
    | null;
  readonly admission: { outlook(flow: string | null, now: number): { queued: number } };
}

interface Flow {
  queued: number;
  inFlight: number;
  oldestSince: number | null;
}

/** The flows as who waits and the real servers' slots have them. `occupied`: of requests, and not free by now. */
function flowsOf(
  waits: readonly Waits[],
  occupied: readonly Occupied[],
  settings: PoolConfig,
): Map<string | null, Flow> {
  const flows = new Map<string | null, Flow>();
  const at = (key: string | null) => {
    const flow = flows.get(key) ?? { queued: 0, inFlight: 0, oldestSince: null };
    flows.set(key, flow);
    return flow;
  };
  for (const one of waits) {
    const flow = at(flowOf(one, settings));
    flow.queued++;
    flow.oldestSince = Math.min(flow.oldestSince ?? one.since, one.since);
  }
  for (const { flow } of occupied) if (flow !== undefined) at(flow).inFlight++;
  return flows;
}

/**
 * The scheduler tells of exactly those flows that have something, and their shares are of one whole. A new request of each
 * is told of those of its flow that wait, and of some others' at most.
 */
export function compareFlows(
  waits: readonly Waits[],
  occupied: readonly Occupied[],
  told: Told,
  { settings, now }: { settings: PoolConfig; now: number },
): void {
  const flows = flowsOf(waits, occupied, settings);
  for (const [key, { queued }] of flows) {
    const before = told.admission.outlook(key, now).queued;
    const isThere = before >= queued && before <= waits.length && (settings.flow || before === waits.length);
    assert.ok(isThere, `a new request of ${key} is told of ${before}, of whom ${queued} are its own`);
  }
  const shown = told.flows(now);
  if (!settings.flow) {
    assert.deepEqual([shown, told.longestFlow], [null, null], "flows in a pool without");
    return;
  }
  const withoutShares = new Map(shown?.map(({ key, share, ...flow }) => [key, flow]));
  assert.deepEqual(inOrder(withoutShares), inOrder(flows), "flows");
  assert.equal(
    told.longestFlow,
    Math.max(0, ...[...flows.values()].map(({ queued }) => queued)),
    "the longest",
  );
  const shares = (shown ?? []).map(({ share }) => share);
  const sum = shares.reduce((total, share) => total + share, 0);
  assert.ok(shares.every((share) => share >= 0) && sum <= 1 + 1e-9, `shares of ${shares.join(", ")}`);
}

function inOrder(flows: ReadonlyMap<string | null, Flow>): [string | null, Flow][] {
  return [...flows].sort(([a], [b]) => `${a}`.localeCompare(`${b}`));
}
