/** Rules like `http-request deny if { sc_conn_cur(0) gt 20 }`: they limit what one client may have waiting. */
import { PER_FLOW } from "../../../config/limits.ts";
import type { Value } from "../pool-table.ts";
import { soleCriterion } from "./conditions.ts";
import { REFUSES } from "./queue-limit.ts";
import type { Remarks } from "./remarks.ts";
import type { Line } from "./sections.ts";
import { ALSO_OF_OTHERS, type Scope } from "./set-priority.ts";
import { hashedBy } from "./sticky.ts";

const NO_RATES =
  "limits on rates are Rate Limiting Rules of Cloudflare; `flow` gives each client the same share of the servers' time";

const WITH_PRIORITIES =
  "`flow` and `max_queue_per_flow` limit it, but then `priorities` count within each client's own requests; choose";

interface Limit {
  line: Line;
  /** The lines that the limit needs. */
  needs: Line[];
  flow: string;
  most: number;
  isForAll: boolean;
}

/** `hasPriorities`: with `flow` these would count among the requests of one client only. */
export function clientLimitOf(
  scopes: readonly Scope[],
  hasPriorities: boolean,
  remarks: Remarks,
): [string, Value][] {
  const limits = scopes.flatMap((scope) => limitsOf(scope, remarks));
  const [smallest] = limits.toSorted((one, other) => one.most - other.most);
  if (smallest === undefined) return [];
  if (hasPriorities) {
    for (const { line } of limits) remarks.add(line, "lost", WITH_PRIORITIES);
    return [];
  }
  const { flow, most } = smallest;
  for (const limit of limits) {
    const { line, needs } = limit;
    if (limit.flow === flow && limit.most === most) {
      remarks.add(line, "became", `flow = ${JSON.stringify(flow)}, max_queue_per_flow = ${most}`);
      remarks.add(
        line,
        "changed",
        "each pool counts for itself, those that wait and not those at work; and clients share the servers' time",
      );
      if (!limit.isForAll) remarks.add(line, "changed", ALSO_OF_OTHERS);
    } else if (limit.flow === flow)
      remarks.add(line, "unneeded", `line ${smallest.line.number} has the limit, ${most}`);
    else remarks.add(line, "lost", `a pool has one \`flow\`; that of line ${smallest.line.number} counts`);
    for (const one of needs)
      remarks.add(one, "unneeded", `line ${line.number} says whose requests are counted`);
  }
  return [
    ["flow", flow],
    ["max_queue_per_flow", most],
  ];
}

function limitsOf({ lines, acls, isForAll }: Scope, remarks: Remarks): Limit[] {
  // Rules about connections count these, and not requests.
  const rules = lines.filter(({ words }) => REFUSES.test(words.join(" ")) && words[1] !== "connection");
  return rules.flatMap((line) => {
    const [fetch = "", operator = "", value = ""] = soleCriterion(line, acls) ?? [];
    if (/_rate\b/.test(fetch)) remarks.add(line, "lost", NO_RATES);
    const [, source, counter] = /^(src|sc\d?)_conn_cur(?:\((\d?)[^()]*\))?$/.exec(fetch) ?? [];
    if (source === undefined || !/^\d{1,7}$/.test(value) || !/^g[te]$/.test(operator)) return [];
    const tracked = lines.flatMap((one) => trackedBy(one) ?? []);
    const [track, ...others] = tracked.filter(({ key, number }) =>
      source === "src" ? key === "src" : number === (counter || source.slice(2)),
    );
    const flow = track && flowOf(track.key);
    if (track === undefined || flow === undefined || others.length > 0 || track.isConditional) return [];
    const most = Math.min(PER_FLOW[1], Math.max(PER_FLOW[0], Number(value) - (operator === "ge" ? 1 : 0)));
    const tables = lines.filter(({ words }) => words[0] === "stick-table" && words.at(-1) === "conn_cur");
    return [{ line, needs: [track.line, ...tables], flow, most, isForAll }];
  });
}

interface Track {
  line: Line;
  number: string;
  key: string;
  isConditional: boolean;
}

/** `http-request track-sc0 src`: what a connection is tracked by has no header. */
function trackedBy(line: Line): Track | undefined {
  const words = line.words.slice(line.words[0] === "tcp-request" && line.words[1] === "content" ? 2 : 1);
  const [, number] = /^track-sc(\d)$/.exec(words[0] ?? "") ?? [];
  if (number === undefined || !/^(http|tcp)-request$/.test(line.words[0] ?? "")) return undefined;
  const isConditional = words.some((word) => word === "if" || word === "unless");
  return { line, number, key: words[1] ?? "", isConditional };
}

/** `undefined`: nothing of ours. */
function flowOf(key: string): string | undefined {
  const hashed = hashedBy(key)?.value;
  if (hashed === undefined || hashed === "hash:path") return undefined;
  return hashed === "hash:header:cf-connecting-ip" ? "address" : hashed.replace("hash:", "");
}
