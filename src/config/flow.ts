/** The keys `flow`, for clients that share the servers' time, its limits, and `waiting_page`. */
import { duration, text } from "./fields.ts";
import { TOKEN } from "./names.ts";
import type { Problem } from "./problem.ts";
import type { FlowPart, PoolConfig } from "./types.ts";

/** A query's parameter is named as it is once it is decoded. */
const FLOW = new RegExp(`^(?:address|(?:header|cookie):${TOKEN}|query:[!-~]{1,200})$`);
const FLOW_ALLOWED =
  '"address", "header:<name>", "cookie:<name>", "query:<name>", such as "header:x-api-key"';

export function flow() {
  return text(readFlow, "is nothing that tells clients apart", FLOW_ALLOWED, { pattern: FLOW });
}

function readFlow(given: string): FlowPart | undefined {
  if (!FLOW.test(given)) return undefined;
  const [part = "", ...rest] = given.split(":");
  const name = rest.join(":");
  return { part: part as FlowPart["part"], name: part === "header" ? name.toLowerCase() : name };
}

/** What is wrong with limits for each flow, where nobody could keep them; paths begin at the pool. */
export function limitsPerFlow(
  pool: Pick<PoolConfig, "flow" | "maxQueuePerFlow" | "maxInFlightPerFlow" | "shards" | "deferred">,
): Problem[] {
  return [...limitsWithoutFlow(pool), ...limitOverShards(pool)];
}

/** Deferred requests wait at the first shard, and others at their flow's. */
function limitOverShards({
  maxInFlightPerFlow: most,
  shards,
  deferred,
}: Pick<PoolConfig, "maxInFlightPerFlow" | "shards" | "deferred">): Problem[] {
  if (most === null || shards === 1 || deferred === null) return [];
  const text = `${most} is a limit that one object counts, and here several carry requests of a flow; allowed: without the key deferred, or with shards = 1`;
  return [{ path: ["max_in_flight_per_flow"], text }];
}

function limitsWithoutFlow(
  pool: Pick<PoolConfig, "flow" | "maxQueuePerFlow" | "maxInFlightPerFlow">,
): Problem[] {
  const limits = {
    max_queue_per_flow: pool.maxQueuePerFlow,
    max_in_flight_per_flow: pool.maxInFlightPerFlow,
  };
  return Object.entries(limits).flatMap(([key, most]) => {
    if (most === null || pool.flow !== null) return [];
    const text = `${most} is a limit for each flow, and without the key flow there is one for all; allowed: beside flow = ${FLOW_ALLOWED}`;
    return [{ path: [key], text }];
  });
}

export const waitingPage = () => duration("1s");
