import type { ServerSnapshot, Snapshot } from "../../scheduler/snapshot.ts";
import { listed, takesRequests } from "../../words/phrases.ts";
import { wholeSeconds } from "../../words/times.ts";

/** A problem and its cure. `key` stays the same for as long as the problem lasts. */
export interface Advice {
  key: string;
  weight: "bad" | "warn" | "plain";
  text: string;
}

/** Advice on servers that take no requests. */
export function adviceOnServers({ servers }: Snapshot, now: number): Advice[] {
  const down = servers.filter((server) => server.health === "down" && server.state !== "maint");
  if (servers.some(takesRequests)) return down.length === 0 ? [] : [someDown(down, now)];
  if (down.length === 0) {
    const text = "No server takes requests: all are set to drain or maintenance. Set one to ready.";
    return [{ key: "none-ready", weight: "bad", text }];
  }
  const text =
    `No server takes requests: ${downWords(down, now)}. Start or mend them; ` +
    "each is used again by itself once its health checks pass.";
  return [{ key: "all-down", weight: "bad", text }];
}

function someDown(down: readonly ServerSnapshot[], now: number): Advice {
  const them = down.length === 1 ? "it runs and answers its" : "they run and answer their";
  const text = `${downWords(down, now)}. The others serve on; look whether ${them} health check.`;
  return { key: "some-down", weight: "bad", text };
}

function downWords(down: readonly ServerSnapshot[], now: number): string {
  const since = down.flatMap((server) => (server.healthSince ? [Date.parse(server.healthSince)] : []));
  const names = listed(down.map((server) => server.name));
  const first =
    since.length === 0
      ? ""
      : `, ${down.length === 1 ? "" : "the first "}for ${wholeSeconds(now - Math.min(...since))}`;
  return `${names} ${down.length === 1 ? "is" : "are"} down${first}`;
}
