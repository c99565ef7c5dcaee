/** The keys of a pool, from the lines of a backend and of the frontends in front of it. */
import { MAX_QUEUE, MOST_BUSY_ANSWERS, RETRIES } from "../../../config/limits.ts";
import type { Value } from "../pool-table.ts";
import type { Asked } from "./check.ts";
import { readDuration } from "./durations.ts";
import { readHeaders } from "./headers.ts";
import { inAll, type QueueLimit } from "./queue-limit.ts";
import type { Remarks } from "./remarks.ts";
import type { Line } from "./sections.ts";
import type { CheckTimes, Server } from "./servers.ts";

export interface Sources {
  head: Line;
  /** Of the backend, those of its defaults first. */
  backend: readonly Line[];
  /** Of all frontends in front of it likewise. */
  frontends: readonly Line[];
  servers: readonly Server[];
  asked: Asked;
  limits: readonly { line: Line; limit: QueueLimit }[];
}

type Keys = [string, Value][];

const BALANCES: Record<string, string> = {
  roundrobin: "roundrobin",
  "static-rr": "roundrobin",
  leastconn: "leastconn",
  first: "first",
  random: "random",
};

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
  const { backend, frontends } = sources;
  return [
    ["slots", usualSlots(sources.servers)],
    ...balanceOf(backend, remarks),
    ...maxQueueOf(sources, remarks),
    ...timeOf("queue_timeout", backend, remarks),
    ...timeOf("server_timeout", backend, remarks),
    ...timeOf("connect_timeout", backend, remarks),
    ...timeOf("client_timeout", frontends, remarks),
    ...timeOf("websocket_idle", backend, remarks),
    ...retriesOf(backend, remarks),
    ...checkOf(sources, remarks),
    ...headersOf(sources, remarks),
  ];
}

function headersOf({ backend, frontends }: Sources, remarks: Remarks): Keys {
  const headers = readHeaders([...frontends, ...backend], remarks);
  return Object.keys(headers).length === 0 ? [] : [["headers", headers]];
}

/** The one that most servers have; the others name their own. */
export function usualSlots(servers: readonly Server[]): number {
  const counts = new Map<number, number>();
  for (const { slots } of servers) counts.set(slots, (counts.get(slots) ?? 0) + 1);
  return [...counts].reduce((best, one) => (one[1] > best[1] ? one : best), [1, 0])[0];
}

/** The last line that says it, as a backend's own line replaces that of its defaults. */
function last(lines: readonly Line[], ...names: string[]): Line | undefined {
  return lines.findLast(({ words: [first = "", second = ""] }) =>
    names.some((name) => name === first || name === `${first} ${second}`),
  );
}

function timeOf(key: keyof typeof TIMES, lines: readonly Line[], remarks: Remarks): Keys {
  const line = last(lines, ...TIMES[key]);
  if (line === undefined) return [];
  const text = readTime(line, key, remarks);
  return text === undefined ? [] : [[key, text]];
}

/** The line's time, as Sluice's key has it; `undefined`: it is none. */
function readTime(line: Line, key: string, remarks: Remarks): string | undefined {
  const given = line.words[line.words[0] === "timeout" ? 2 : 1];
  const duration = readDuration(given);
  if (duration === undefined) {
    remarks.add(line, "lost", `${JSON.stringify(given ?? "")} is no time`);
    return undefined;
  }
  const written = `${key} = ${JSON.stringify(duration.text)}`;
  if (duration.change === null) remarks.add(line, "became", written);
  else remarks.add(line, "changed", `${written}: ${duration.change}`);
  return duration.text;
}

function balanceOf(lines: readonly Line[], remarks: Remarks): Keys {
  const line = last(lines, "balance");
  if (line === undefined) return [];
  const given = line.words[1]?.replace(/\(.*$/, "") ?? "";
  const balance = Object.hasOwn(BALANCES, given) ? BALANCES[given] : undefined;
  if (balance === undefined) {
    remarks.add(
      line,
      "lost",
      "requests do not stick to a server: any with a free slot gets the next one, in turn",
    );
    return [];
  }
  remarks.add(line, "became", `balance = ${JSON.stringify(balance)}`);
  return [["balance", balance]];
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

function retryOnOf(line: Line | undefined, remarks: Remarks): Keys {
  if (line === undefined) return [];
  const statuses = [...new Set(line.words.filter((word) => /^[45]\d\d$/.test(word)).map(Number))].slice(
    0,
    MOST_BUSY_ANSWERS,
  );
  for (const word of line.words.slice(1).filter((one) => !/^[45]\d\d$/.test(one))) {
    const isAlways = ["none", "conn-failure", "0rtt-rejected"].includes(word);
    const why = isAlways ? "so it is always" : "only where a request may be repeated (docs/failures.md)";
    remarks.add(line, isAlways ? "became" : "changed", `${word}: ${why}`);
  }
  if (statuses.length === 0) return [];
  remarks.add(
    line,
    "changed",
    `retry_on = ${JSON.stringify(statuses)}: answers of a server that is busy; \`retries\` does not count them`,
  );
  return [["retry_on", statuses]];
}

function checkOf({ head, backend, servers, asked }: Sources, remarks: Remarks): Keys {
  const checked = servers.filter(({ check }) => check !== null);
  const timeout = last(backend, "timeout check");
  const [first] = checked;
  if (first === undefined) {
    for (const line of [asked.line, timeout])
      if (line) remarks.add(line, "unneeded", "no server has `check`");
    return [];
  }
  const times = first.check as CheckTimes;
  for (const { line, check } of checked) {
    if (JSON.stringify(check) !== JSON.stringify(times)) {
      remarks.add(line, "changed", `a pool has one check for all; that of line ${first.line.number} counts`);
    }
  }
  if (checked.length < servers.length)
    remarks.add(head, "changed", "all servers are checked, those without `check` too");
  if (asked.line === null) {
    remarks.add(
      head,
      "changed",
      "checks that only connect are now GET /, where any answer passes; name a path that is no work",
    );
  }
  const check = {
    path: asked.path,
    interval: times.interval,
    timeout: timeout && readTime(timeout, "check.timeout", remarks),
    rise: times.rise,
    fall: times.fall,
    status: asked.status,
  };
  const given = Object.entries(check).filter(
    (entry): entry is [string, string | number] => entry[1] !== undefined,
  );
  return [["check", Object.fromEntries(given)]];
}
