/** Rules like `tcp-request content reject if { avg_queue(web) gt 200 }`: they limit the waiting list. */
import { MAX_QUEUE } from "../../../config/limits.ts";
import { type Acls, soleCriterion } from "./conditions.ts";
import type { Line } from "./sections.ts";

export const REFUSES =
  /^((http-request (deny|reject|return|tarpit|silent-drop))|(tcp-request (content|connection) reject)|block|reqi?deny)\b/;

export interface QueueLimit {
  /** `null`: the proxy's own. */
  backend: string | null;
  most: number;
  /** For each server, or for all together. */
  isPerServer: boolean;
}

/** `null`: the line is none. */
export function queueLimitOf(line: Line, acls: Acls): QueueLimit | null {
  if (!REFUSES.test(line.words.join(" "))) return null;
  const [fetch = "", operator, value = ""] = soleCriterion(line, acls) ?? [];
  const [, kind, backend = ""] = /^(avg_queue|queue)(?:\(([^()]*)\))?$/.exec(fetch) ?? [];
  if (kind === undefined || !/^\d{1,7}$/.test(value) || (operator !== "gt" && operator !== "ge")) return null;
  const most = Math.max(0, Number(value) - (operator === "ge" ? 1 : 0));
  return { backend: backend === "" ? null : backend, most, isPerServer: kind === "avg_queue" };
}

export function inAll({ most, isPerServer }: QueueLimit, servers: number): number {
  return Math.min(MAX_QUEUE[1], isPerServer ? most * servers : most);
}
