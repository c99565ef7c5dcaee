/** Timeouts that are of no use because another limit comes first. */
import type { PoolConfig } from "../../config/types.ts";
import { durationText } from "../../config/units.ts";
import { poolPath } from "./pools.ts";
import { isPrivate } from "./servers.ts";
import type { Target } from "./target.ts";
import type { Path } from "./tree.ts";

/** Cloudflare's Proxy Read Timeout (developers.cloudflare.com/fundamentals/reference/connection-limits, 2026-07-23). */
const CLOUDFLARE_MS = 120_000;

/** The length of a usual deploy, unless the operators say another one. */
const USUAL_DRAIN_MS = 120_000;

export function checkTimeouts(target: Target, pools: readonly PoolConfig[]): void {
  for (const pool of pools) {
    warnOfCloudflare(target, pool);
    for (const [key, ms, before, beforeMs] of pairsOf(pool)) {
      const [path, other] = [pathOfKey(target, pool, key), pathOfKey(target, pool, before)];
      // A default is there for all pools, so only two that are both in the file are compared.
      if (path === null || other === null || beforeMs === null || ms === null || ms < beforeMs) continue;
      target.warn(
        path,
        `${durationText(ms)} is never over first: ${before} is, after ${durationText(beforeMs)}`,
      );
    }
  }
}

type Key = "connect_timeout" | "server_timeout" | "longest" | "websocket_idle";

/** A timeout, and one that makes it useless unless it is longer. */
function pairsOf({ connectTimeoutMs, serverTimeout, longestMs, websocketIdleMs }: PoolConfig) {
  return [
    ["connect_timeout", connectTimeoutMs, "server_timeout", serverTimeout.firstByteMs],
    ["connect_timeout", connectTimeoutMs, "longest", longestMs],
    ["server_timeout", serverTimeout.firstByteMs, "longest", longestMs],
    ["websocket_idle", websocketIdleMs, "longest", longestMs],
  ] satisfies [Key, number | null, Key, number | null][];
}

/** `null`: the key is not in the file. */
function pathOfKey(target: Target, { name }: PoolConfig, key: Key): Path | null {
  const path = [...poolPath(target, name), key];
  const given = target.own(...path);
  if (key !== "server_timeout" || typeof given !== "object") return given === undefined ? null : path;
  const firstByte = [...path, "first_byte"];
  return target.own(...firstByte) === undefined ? null : firstByte;
}

function warnOfCloudflare(target: Target, pool: PoolConfig): void {
  const { firstByteMs } = pool.serverTimeout;
  const path = pathOfKey(target, pool, "server_timeout");
  if (path === null || firstByteMs < CLOUDFLARE_MS || pool.servers.every(isOutside)) return;
  target.warn(
    path,
    `${durationText(firstByteMs)}, but where a server's name is proxied by Cloudflare (an orange cloud in its DNS), ` +
      `${CLOUDFLARE_MS / 1_000} s of silence is answered with 524 in the server's place, while it works on; only an ` +
      "Enterprise plan can raise that; DNS-only names are not concerned",
  );
}

/** Cloudflare proxies public names only. */
function isOutside({ url }: { url: string }): boolean {
  return isPrivate(new URL(url).hostname);
}

/** A request that arrives as a drain begins must be able to wait for the end of the drain. */
export function checkDrains(target: Target, pools: readonly PoolConfig[], longestDrainMs?: number): void {
  for (const { name, queueTimeoutMs, drainExpiresMs, deferred } of pools) {
    const isSet = target.own(...poolPath(target, name), "drain_expires") !== undefined;
    const [longest, source] =
      longestDrainMs !== undefined
        ? [longestDrainMs, "the longest drain expected"]
        : isSet
          ? [drainExpiresMs, "drain_expires"]
          : [USUAL_DRAIN_MS, "what a deploy may well take"];
    const isShort = (ms: number, key: string[], what: string) => {
      if (ms >= longest) return;
      target.warn(
        [...poolPath(target, name), ...key],
        `${durationText(ms)} is shorter than ${source}, ${durationText(longest)}: in such a drain the requests that ` +
          what,
      );
    };
    isShort(queueTimeoutMs, ["queue_timeout"], "wait from its beginning are refused with 503");
    if (deferred) isShort(deferred.expiresMs, ["deferred", "expires"], "are stored at its beginning fail");
  }
}
