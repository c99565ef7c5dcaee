import assert from "node:assert/strict";
import type { PoolConfig } from "../../../src/config/types.ts";
import type { Occupied } from "../fleet/slots-model.ts";
import { flowOf, type Waits } from "./waiting-model.ts";

/** What a scheduler tells of one flow. */
interface FlowTold {
  key: string | null;
  queued: number;
  inFlight: number;
  oldestSince: number | null;
  share: number;
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

/** The scheduler tells of exactly those flows that have something. Their shares are of one whole. */
export function compareFlows(
  waits: readonly Waits[],
  occupied: readonly Occupied[],
  told: readonly FlowTold[] | null,
  settings: PoolConfig,
): void {
  if (!settings.flow) {
    assert.equal(told, null, "flows in a pool without");
    return;
  }
  const shown = new Map(told?.map(({ key, share, ...flow }) => [key, flow]));
  assert.deepEqual(inOrder(shown), inOrder(flowsOf(waits, occupied, settings)), "flows");
  const shares = (told ?? []).map(({ share }) => share);
  const sum = shares.reduce((total, share) => total + share, 0);
  assert.ok(shares.every((share) => share >= 0) && sum <= 1 + 1e-9, `shares of ${shares.join(", ")}`);
}

function inOrder(flows: ReadonlyMap<string | null, Flow>): [string | null, Flow][] {
  return [...flows].sort(([a], [b]) => `${a}`.localeCompare(`${b}`));
}
