/** `set-priority-class` and `set-priority-offset`: the key `priorities`. */
import { MOST_PRIORITIES } from "../../../config/limits.ts";
import { durationText, LONGEST_MS } from "../../../config/units.ts";
import type { Value } from "../pool-table.ts";
import { tomlOf } from "../toml-text.ts";
import type { Acls } from "./conditions.ts";
import type { Remarks } from "./remarks.ts";
import { type Conditions, requestsOf } from "./request-conditions.ts";
import type { Line } from "./sections.ts";

/** A proxy whose rules requests meet. */
export interface Scope {
  lines: readonly Line[];
  acls: Acls;
  /** All requests of the pool come by it. */
  isForAll: boolean;
}

/** As HAProxy 3.5 has it: beyond that, it takes the nearest. */
const MOST_CLASS = 2_047;
const MOST_OFFSET_MS = 524_287;

export const ALSO_OF_OTHERS = "it counts for requests of the other frontends, too";

interface Rule {
  line: Line;
  kind: "class" | "offset";
  value: number;
  any: Conditions[];
  changes: string[];
}

/**
 * `scopes`: the frontends, then the backend. `prefixes`: how paths of the pool begin. `queueTimeoutMs`: for how long one
 * that goes behind waits at most.
 */
export function prioritiesOf(
  scopes: readonly Scope[],
  prefixes: readonly string[],
  queueTimeoutMs: number,
  remarks: Remarks,
): [string, Value][] {
  const met = scopes.flatMap((scope) => rulesOf(scope, prefixes, remarks));
  // A frontend and its backend may inherit the same line.
  const all = met.filter(({ line }, index) => met.findLastIndex((other) => other.line === line) === index);
  const kind = all.some((rule) => rule.kind === "class") ? "class" : "offset";
  const first = all.find((rule) => rule.kind === "class");
  for (const { line } of all.filter((rule) => rule.kind !== kind))
    remarks.add(
      line,
      "lost",
      `an offset counts within a class only, and line ${first?.line.number} sets one; add an entry with an \`ahead\` of your own`,
    );
  const rules = all.filter((rule) => rule.kind === kind);
  const aheadOf = kind === "class" ? aheadOfClass(rules, queueTimeoutMs) : (ms: number) => 0 - ms;
  const entries: Value[] = [];
  // HAProxy goes by the last rule that a request meets, Sluice by the first entry.
  for (const { line, value, any, changes } of rules.toReversed()) {
    const ahead = durationOf(aheadOf(value));
    const own = any.map((given): Value => ({ ...(isEmpty(given) ? { path_prefix: "/" } : given), ahead }));
    if (entries.length + own.length > MOST_PRIORITIES) {
      remarks.add(line, "lost", `\`priorities\` are ${MOST_PRIORITIES} at most`);
      continue;
    }
    entries.push(...own);
    remarks.add(line, "became", `priorities has ${own.map(tomlOf).join(", ")}`);
    for (const why of changes) remarks.add(line, "changed", why);
    if (kind === "class" && value !== 0)
      remarks.add(
        line,
        "changed",
        "as long as queue_timeout it is as strict as a class; less starves nobody",
      );
  }
  return entries.length === 0 ? [] : [["priorities", entries]];
}

/** In the order in which HAProxy goes through them. */
function rulesOf({ lines, acls, isForAll }: Scope, prefixes: readonly string[], remarks: Remarks): Rule[] {
  const ofTcp = lines.filter(({ words }) => words[0] === "tcp-request" && words[1] === "content");
  const ofHttp = lines.filter(({ words }) => words[0] === "http-request");
  return [...ofTcp, ...ofHttp].flatMap((line): Rule[] => {
    const words = line.words.slice(line.words[0] === "tcp-request" ? 2 : 1);
    const [, kind] = /^set-priority-(class|offset)$/.exec(words[0] ?? "") ?? [];
    if (kind !== "class" && kind !== "offset") return [];
    const [, number] = /^int\((-?\d{1,15})\)$/.exec(words[1] ?? "") ?? [];
    const requests =
      number === undefined
        ? "a value that is computed: an entry of `priorities` has a fixed `ahead`"
        : requestsOf(words.slice(2), acls);
    if (typeof requests === "string") {
      remarks.add(line, "lost", requests);
      return [];
    }
    const most = kind === "class" ? MOST_CLASS : MOST_OFFSET_MS;
    const value = Math.max(-most, Math.min(most, Number(number)));
    const any = requests.any.filter((given) => isAskedFor(given, prefixes));
    const changes = [...requests.changes, ...(isForAll ? [] : [ALSO_OF_OTHERS])];
    return any.length === 0 ? [] : [{ line, kind, value, any, changes }];
  });
}

/** Rules of a frontend may be about the paths of another pool. */
function isAskedFor({ path_prefix: given }: Conditions, prefixes: readonly string[]): boolean {
  return given === undefined || prefixes.some((own) => given.startsWith(own) || own.startsWith(given));
}

/** Nobody waits longer than queue_timeout, so who goes ahead by that goes before everybody of the next class. */
function aheadOfClass(rules: readonly Rule[], queueTimeoutMs: number): (value: number) => number {
  const classes = [...new Set([0, ...rules.map(({ value }) => value)])].sort((a, b) => a - b);
  return (value) => (classes.indexOf(0) - classes.indexOf(value)) * queueTimeoutMs;
}

function isEmpty(given: Conditions): boolean {
  return Object.keys(given).length === 0;
}

function durationOf(ms: number): string {
  const text = durationText(Math.min(Math.abs(ms), LONGEST_MS));
  return ms < 0 ? `-${text}` : text;
}
