/** Limits of time that something else comes before. */
import type { PoolConfig } from "../../config/types.ts";
import { durationText } from "../../config/units.ts";
import { isPrivate } from "./servers.ts";
import type { Target } from "./target.ts";
import type { Path } from "./tree.ts";

/** Cloudflare's Proxy Read Timeout (developers.cloudflare.com/fundamentals/reference/connection-limits, 2026-07-23). */
const CLOUDFLARE_MS = 120_000;

export function checkTimeouts(target: Target, pools: readonly PoolConfig[]): void {
  for (const pool of pools) {
    warnOfCloudflare(target, pool);
    for (const [key, ms, before, beforeMs] of pairsOf(pool)) {
      const [path, other] = [placeOf(target, pool, key), placeOf(target, pool, before)];
      // Of two that are not both written down, one is there for all pools.
      if (path === null || other === null || beforeMs === null || ms === null || ms < beforeMs) continue;
      target.warn(
        path,
        `${durationText(ms)} is never over first: ${before} is, after ${durationText(beforeMs)}`,
      );
    }
  }
}

type Key = "connect_timeout" | "server_timeout" | "longest" | "websocket_idle";

/** A limit, and one that makes it useless if it is not longer. */
function pairsOf({ connectTimeoutMs, serverTimeout, longestMs, websocketIdleMs }: PoolConfig) {
  return [
    ["connect_timeout", connectTimeoutMs, "server_timeout", serverTimeout.firstByteMs],
    ["connect_timeout", connectTimeoutMs, "longest", longestMs],
    ["server_timeout", serverTimeout.firstByteMs, "longest", longestMs],
    ["websocket_idle", websocketIdleMs, "longest", longestMs],
  ] satisfies [Key, number | null, Key, number | null][];
}

/** Where it is written down; `null`: nowhere. */
function placeOf(target: Target, { name }: PoolConfig, key: Key): Path | null {
  const path = ["vars", "POOLS", name, key];
  const given = target.own(...path);
  if (key !== "server_timeout" || typeof given !== "object") return given === undefined ? null : path;
  const firstByte = [...path, "first_byte"];
  return target.own(...firstByte) === undefined ? null : firstByte;
}

function warnOfCloudflare(target: Target, pool: PoolConfig): void {
  const { firstByteMs } = pool.serverTimeout;
  const path = placeOf(target, pool, "server_timeout");
  if (path === null || firstByteMs < CLOUDFLARE_MS || pool.servers.every(isOutside)) return;
  target.warn(
    path,
    `${durationText(firstByteMs)}, but where a server's name is proxied by Cloudflare (an orange cloud in its DNS), ` +
      `${CLOUDFLARE_MS / 1_000} s of silence is answered with 524 in the server's place, while it works on; only an ` +
      "Enterprise plan can raise that; DNS-only names are not concerned",
  );
}

/** Cloudflare's proxy stands before public names only. */
function isOutside({ url }: { url: string }): boolean {
  return isPrivate(new URL(url).hostname);
}
