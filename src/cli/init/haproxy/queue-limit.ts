/** Rules like `tcp-request content reject if { avg_queue(web) gt 200 }`: they limit the waiting list. */
import { MAX_QUEUE } from "../../../config/limits.ts";
import { type Acls, alternativesOf } from "./conditions.ts";
import type { Line } from "./sections.ts";

const REFUSES =
  /^((http-request (deny|reject|return|tarpit|silent-drop))|(tcp-request (content|connection) reject)|block|reqi?deny)\b/;

export interface QueueLimit {
  /** `null`: the proxy's own. */
  backend: string | null;
  most: number;
  /** For each server, or for all together. */
  isPerServer: boolean;
}

/** `null`: the line is none. */
export function queueLimitOf({ words }: Line, acls: Acls): QueueLimit | null {
  const at = words.indexOf("if");
  if (at < 0 || !REFUSES.test(words.join(" "))) return null;
  const [terms, ...others] = alternativesOf(words.slice(at + 1));
  const [term, ...more] = terms ?? [];
  if (term === undefined || term.negated || more.length > 0 || others.length > 0) return null;
  const lines = term.name === null ? [] : (acls.get(term.name) ?? []);
  const criterion =
    term.name === null ? term.words : lines.length === 1 ? (lines[0]?.words.slice(2) ?? []) : [];
  const [fetch = "", operator, value = ""] = criterion;
  const [, kind, backend = ""] = /^(avg_queue|queue)(?:\(([^()]*)\))?$/.exec(fetch) ?? [];
  if (kind === undefined || !/^\d{1,7}$/.test(value) || (operator !== "gt" && operator !== "ge")) return null;
  const most = Math.max(0, Number(value) - (operator === "ge" ? 1 : 0));
  return { backend: backend === "" ? null : backend, most, isPerServer: kind === "avg_queue" };
}

export function inAll({ most, isPerServer }: QueueLimit, servers: number): number {
  return Math.min(MAX_QUEUE[1], isPerServer ? most * servers : most);
}
