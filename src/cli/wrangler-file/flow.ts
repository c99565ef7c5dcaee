/** Keys for fair shares and for those who wait that have no effect, or leave one client with the others' places. */
import type { PoolConfig } from "../../config/types.ts";
import { durationText } from "../../config/units.ts";
import { counted } from "../../words/phrases.ts";
import { poolPath } from "./pools.ts";
import type { Target } from "./target.ts";
import type { Path } from "./tree.ts";

export function checkFlow(target: Target, pools: readonly PoolConfig[]): void {
  for (const pool of pools) {
    const path = poolPath(target, pool.name);
    warnOfSharedQueue(target, path, pool);
    warnOfLimitWithoutEffect(target, path, pool);
    warnOfLatePage(target, path, pool);
  }
}

/** The share of service time is a flow's own; the places on the waiting list are everybody's. */
function warnOfSharedQueue(
  target: Target,
  path: Path,
  { flow, maxQueue, maxQueuePerFlow }: PoolConfig,
): void {
  if (flow === null || maxQueue === 0) return;
  if (maxQueuePerFlow !== null && maxQueuePerFlow < maxQueue) return;
  const [key, may] =
    maxQueuePerFlow === null
      ? ["flow", "without max_queue_per_flow one client may"]
      : ["max_queue_per_flow", `${maxQueuePerFlow} lets one client`];
  target.warn(
    [...path, key],
    `${may} fill max_queue, ${maxQueue}, and all others are refused then; set max_queue_per_flow to a part of it`,
  );
}

/** Servers that register may bring any number of slots. */
function warnOfLimitWithoutEffect(
  target: Target,
  path: Path,
  { maxInFlightPerFlow: most, servers, register }: PoolConfig,
): void {
  const slots = servers.reduce((sum, server) => sum + server.slots, 0);
  if (most === null || register !== null || most < slots) return;
  target.warn(
    [...path, "max_in_flight_per_flow"],
    `${most} has no effect: the pool has ${counted(slots, "slot")}`,
  );
}

function warnOfLatePage(target: Target, path: Path, { waitingPageMs, queueTimeoutMs }: PoolConfig): void {
  if (waitingPageMs === null || waitingPageMs < queueTimeoutMs) return;
  target.warn(
    [...path, "waiting_page"],
    `${durationText(waitingPageMs)} is never over first: queue_timeout is, after ${durationText(queueTimeoutMs)}`,
  );
}
