import type { PoolConfig } from "../../config/types.ts";

/** True if the requests of a flow are counted, which one object alone can do: they wait there, and get its slots only. */
export function countsFlows({
  maxQueuePerFlow,
  maxInFlightPerFlow,
}: Pick<PoolConfig, "maxQueuePerFlow" | "maxInFlightPerFlow">): boolean {
  return maxQueuePerFlow !== null || maxInFlightPerFlow !== null;
}
