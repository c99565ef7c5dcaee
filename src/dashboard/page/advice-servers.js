/** @import { ServerSnapshot, Snapshot } from "../../scheduler/snapshot.ts" */
import { listed, serves, whole } from "./words.js";

/**
 * One thing to know, and what to do about it. `key` stays the same while it goes on.
 * @typedef {{ key: string, weight: "bad" | "warn" | "plain", text: string }} Advice
 */

/**
 * What to do about servers that take nothing.
 * @param {Snapshot} pool
 * @param {number} now
 * @returns {Advice[]}
 */
export function unserved({ servers }, now) {
  const down = servers.filter((server) => server.health === "down" && server.state !== "maint");
  const working = servers.some(serves);
  if (working) return down.length === 0 ? [] : [someDown(down, now)];
  if (down.length === 0) {
    const text = "No server takes requests: all are set to drain or maintenance. Set one to ready.";
    return [{ key: "none-ready", weight: "bad", text }];
  }
  const text =
    `No server takes requests: ${sinceWhen(down, now)}. Start or mend them; ` +
    "each is used again by itself once its health checks pass.";
  return [{ key: "all-down", weight: "bad", text }];
}

/**
 * @param {ServerSnapshot[]} down
 * @param {number} now
 * @returns {Advice}
 */
function someDown(down, now) {
  const them = down.length === 1 ? "it runs and answers its" : "they run and answer their";
  const text = `${sinceWhen(down, now)}. The others serve on; look whether ${them} health check.`;
  return { key: "some-down", weight: "bad", text };
}

/**
 * @param {ServerSnapshot[]} down
 * @param {number} now
 */
function sinceWhen(down, now) {
  const since = down.flatMap((server) => (server.healthSince ? [Date.parse(server.healthSince)] : []));
  const names = listed(down.map((server) => server.name));
  const first =
    since.length === 0
      ? ""
      : `, ${down.length === 1 ? "" : "the first "}for ${whole(now - Math.min(...since))}`;
  return `${names} ${down.length === 1 ? "is" : "are"} down${first}`;
}
