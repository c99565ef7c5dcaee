import type { PoolConfig } from "../../config/types.ts";
import { durationText } from "../../config/units.ts";
import type { Target } from "./target.ts";

/** What a deploy may well take where nobody has said how long one takes. */
const USUAL_DRAIN_MS = 120_000;

/** A request that comes when a drain begins must be able to wait for its end. */
export function checkDrains(target: Target, pools: readonly PoolConfig[], longestDrainMs?: number): void {
  for (const { name, queueTimeoutMs, drainExpiresMs } of pools) {
    const says = target.own("vars", "POOLS", name, "drain_expires") !== undefined;
    const [longest, source] =
      longestDrainMs !== undefined
        ? [longestDrainMs, "the longest drain expected"]
        : says
          ? [drainExpiresMs, "drain_expires"]
          : [USUAL_DRAIN_MS, "what a deploy may well take"];
    if (queueTimeoutMs >= longest) continue;
    target.warn(
      ["vars", "POOLS", name, "queue_timeout"],
      `${durationText(queueTimeoutMs)} is shorter than ${source}, ${durationText(longest)}: ` +
        "in such a drain the requests that wait from its beginning are refused with 503",
    );
  }
}
