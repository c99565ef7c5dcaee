/** The keys of a pool, from the lines of a backend and of the frontends in front of it. */
import { MAX_QUEUE, MOST_BUSY_ANSWERS, RETRIES, USUAL_QUEUE_TIMEOUT } from "../../../config/limits.ts";
import { parseDuration } from "../../../config/units.ts";
import type { Value } from "../pool-table.ts";
import { balanceOf } from "./balance.ts";
import type { Asked } from "./check.ts";
import { checkOf } from "./check-key.ts";
import { clientLimitOf } from "./client-limit.ts";
import { readDuration, readTime } from "./durations.ts";
import { readHeaders } from "./headers.ts";
import { logHeadersOf } from "./log-headers.ts";
import { inAll, type QueueLimit } from "./queue-limit.ts";
import type { Remarks, Verdict } from "./remarks.ts";
import { type Line, last } from "./sections.ts";
import type { Server } from "./servers.ts";
import { prioritiesOf, type Scope } from "./set-priority.ts";

export interface Sources {
  head: Line;
  /** Of the backend, those of its defaults first. */
  backend: readonly Line[];
  /** Of all frontends in front of it likewise. */
  frontends: readonly Line[];
  /** Whose rules requests meet, the backend last. */
  scopes: readonly Scope[];
  /** How paths begin that are asked for. */
  prefixes: readonly string[];
  servers: readonly Server[];
  asked: Asked;
  limits: readonly { line: Line; limit: QueueLimit }[];
  /** The key `pages`. */
  pages: Record<string, string>;
}

export type Keys = [string, Value][];

/** With the spellings of HAProxy 1.x. */
const TIMES = {
  queue_timeout: ["timeout queue"],
  server_timeout: ["timeout server", "srvtimeout"],
  connect_timeout: ["timeout connect", "contimeout"],
  client_timeout: ["timeout client", "clitimeout"],
  websocket_idle: ["timeout tunnel"],
};

/** The first two words, or the first alone, of lines that count unless a later line says it anew. */
export const SETTINGS: ReadonlySet<string> = new Set([
  ...Object.values(TIMES).flat(),
  "timeout check",
  "retries",
  "retry-on",
  "option redispatch",
  "redispatch",
  "balance",
  "backlog",
  "mode",
  "option httpchk",
  "http-check",
  "default-server",
  "default_backend",
]);

export function keysOf(sources: Sources, remarks: Remarks): Keys {
  const { backend, frontends, scopes, prefixes } = sources;
  const queueTimeout = timeOf("queue_timeout", backend, remarks);
  const queueTimeoutMs = parseDuration(String(queueTimeout[0]?.[1] ?? USUAL_QUEUE_TIMEOUT)) ?? 0;
  const priorities = prioritiesOf(scopes, prefixes, queueTimeoutMs, remarks);
  return [
    ["slots", usualSlots(sources.servers)],
    ...balanceOf(backend, remarks),
    ...slowStartOf(sources.servers, remarks),
    ...maxQueueOf(sources, remarks),
    ...queueTimeout,
    ...clientLimitOf(scopes, priorities.length > 0, remarks),
    ...priorities,
    ...timeOf("server_timeout", backend, remarks),
    ...timeOf("connect_timeout", backend, remarks),
    ...timeOf("client_timeout", frontends, remarks),
    ...timeOf("websocket_idle", backend, remarks),
    ...retriesOf(backend, remarks),
    ...checkOf(sources, remarks),
    ...headersOf(sources, remarks),
    ...pagesOf(sources.pages),
    ...logHeadersOf([...frontends, ...backend], remarks),
  ];
}

function headersOf({ backend, frontends }: Sources, remarks: Remarks): Keys {
  const headers = readHeaders([...frontends, ...backend], remarks);
  return Object.keys(headers).length === 0 ? [] : [["headers", headers]];
}

function pagesOf(pages: Record<string, string>): Keys {
  return Object.keys(pages).length === 0 ? [] : [["pages", pages]];
}

/** A pool has one for all its servers: the longest. */
function slowStartOf(servers: readonly Server[], remarks: Remarks): Keys {
  const given = servers.flatMap(({ line, slowStart }) => {
    if (slowStart === null || /^0/.test(slowStart)) return [];
    const duration = readDuration(slowStart);
    if (duration === undefined) remarks.add(line, "lost", `slowstart ${slowStart}: it is no time`);
    return duration ? [{ line, duration }] : [];
  });
  const [longest] = given.toSorted((one, other) => other.duration.ms - one.duration.ms);
  if (longest === undefined) return [];
  const text = longest.duration.text;
  for (const { line, duration } of given) {
    const isSame = duration.change === null && duration.text === text && given.length === servers.length;
    const why = isSame ? "" : ": a pool has one for all its servers";
    remarks.add(line, isSame ? "became" : "changed", `slow_start = ${JSON.stringify(text)}${why}`);
  }
  return [["slow_start", text]];
}

/** The one that most servers have; the others name their own. */
export function usualSlots(servers: readonly Server[]): number {
  const counts = new Map<number, number>();
  for (const { slots } of servers) counts.set(slots, (counts.get(slots) ?? 0) + 1);
  return [...counts].reduce((best, one) => (one[1] > best[1] ? one : best), [1, 0])[0];
}

function timeOf(key: keyof typeof TIMES, lines: readonly Line[], remarks: Remarks): Keys {
  const line = last(lines, ...TIMES[key]);
  if (line === undefined) return [];
  const text = readTime(line, key, remarks);
  return text === undefined ? [] : [[key, text]];
}

/** The smallest limit that refuses requests. Without one `backlog` counts, as it is what most mean by it. */
function maxQueueOf({ frontends, servers, limits }: Sources, remarks: Remarks): Keys {
  const backlog = last(frontends, "backlog");
  const all = limits.map(({ line, limit }) => ({ line, limit, most: inAll(limit, servers.length) }));
  const [smallest] = all.toSorted((one, other) => one.most - other.most);
  if (smallest === undefined) return backlog ? backlogOf(backlog, remarks) : [];
  const others = [
    ...all,
    ...(backlog ? [{ line: backlog, limit: null, most: Number(backlog.words[1]) }] : []),
  ];
  for (const { line, limit, most } of others) {
    const each = limit?.isPerServer ? ` (${limit.most} for each of ${servers.length} servers)` : "";
    if (most === smallest.most) remarks.add(line, "became", `max_queue = ${most}${each}`);
    else remarks.add(line, "unneeded", `line ${smallest.line.number} has the limit, ${smallest.most}`);
  }
  return [["max_queue", smallest.most]];
}

function backlogOf(line: Line, remarks: Remarks): Keys {
  const given = Number(line.words[1] ?? Number.NaN);
  const isAllowed = Number.isInteger(given) && given >= MAX_QUEUE[0] && given <= MAX_QUEUE[1];
  if (isAllowed) remarks.add(line, "became", `max_queue = ${given}`);
  else
    remarks.add(
      line,
      "lost",
      `${JSON.stringify(line.words[1] ?? "")} is no number of requests that may wait`,
    );
  return isAllowed ? [["max_queue", given]] : [];
}

function retriesOf(lines: readonly Line[], remarks: Remarks): Keys {
  const keys: Keys = [];
  const retries = last(lines, "retries");
  if (retries) {
    const given = Number(retries.words[1] ?? Number.NaN);
    const isAllowed = Number.isInteger(given) && given >= RETRIES[0] && given <= RETRIES[1];
    if (isAllowed) keys.push(["retries", given]);
    remarks.add(
      retries,
      isAllowed ? "became" : "lost",
      isAllowed ? `retries = ${given}` : `retries are ${RETRIES.join(" to ")}`,
    );
  }
  const redispatch = lines.findLast(({ words }) => words.includes("redispatch"));
  if (redispatch) {
    const isOn = redispatch.words[0] !== "no";
    remarks.add(redispatch, "became", `redispatch = ${isOn}`);
    keys.push(["redispatch", isOn]);
  }
  return [...keys, ...retryOnOf(last(lines, "retry-on"), remarks)];
}

const ALWAYS = ["became", "so it is always"] as const;
const USUALLY_RETRIED = ["changed", "only where a request may be repeated (docs/failures.md)"] as const;
const RETRIED: Record<string, readonly [Verdict, string]> = {
  none: ["changed", "failed connections are always retried; `retries = 0` ends that"],
  "conn-failure": ALWAYS,
  "0rtt-rejected": ALWAYS,
  "response-timeout": [
    "lost",
    "a server that was silent for too long may still be at work: nothing is repeated",
  ],
};

function retryOnOf(line: Line | undefined, remarks: Remarks): Keys {
  if (line === undefined) return [];
  const statuses = [...new Set(line.words.filter((word) => /^[45]\d\d$/.test(word)).map(Number))].slice(
    0,
    MOST_BUSY_ANSWERS,
  );
  for (const word of line.words.slice(1).filter((one) => !/^[45]\d\d$/.test(one))) {
    const [verdict, why] = RETRIED[word] ?? USUALLY_RETRIED;
    remarks.add(line, verdict, `${word}: ${why}`);
  }
  if (statuses.length === 0) return [];
  remarks.add(
    line,
    "changed",
    `retry_on = ${JSON.stringify(statuses)}: answers of a server that is busy; \`retries\` does not count them`,
  );
  return [["retry_on", statuses]];
}
