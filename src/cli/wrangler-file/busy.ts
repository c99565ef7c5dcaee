/** The keys for servers that are busy with another request. */
import type { PoolConfig } from "../../config/types.ts";
import { durationText } from "../../config/units.ts";
import { poolPath } from "./pools.ts";
import type { Target } from "./target.ts";

export function checkBusy(target: Target, pools: readonly PoolConfig[]): void {
  for (const pool of pools) {
    warnOfEndlessRetries(target, pool);
    warnOfEarlyOpening(target, pool);
  }
}

/** A busy answer does not count against health, so only a health check notices a server that always gives one. */
function warnOfEndlessRetries(target: Target, { name, retryOn, check, queueTimeoutMs }: PoolConfig): void {
  const any = retryOn.find(({ begins }) => begins === "");
  if (any === undefined || check !== null) return;
  target.warn(
    [...poolPath(target, name), "retry_on"],
    `${any.status} of a server that is not busy but broken counts too, and its requests are repeated until ` +
      `queue_timeout, ${durationText(queueTimeoutMs)}; set a check, which takes it out, or how the busy answer's body ` +
      `begins: "${any.status} already processing"`,
  );
}

function warnOfEarlyOpening(target: Target, pool: PoolConfig): void {
  const { name, onClientAbort, quarantine, cooldownMs } = pool;
  if (onClientAbort !== "cancel" || quarantine.probe !== null) return;
  if (quarantine.cancelMs > 0 || cooldownMs > 0) return;
  target.warn(
    [...poolPath(target, name), "quarantine", "cancel"],
    'opens a slot at once when its client leaves, while the server may still be stopping: set "1s", or what your ' +
      "server needs, or a probe",
  );
}
