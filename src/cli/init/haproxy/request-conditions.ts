/** Which requests a condition stands for, as entries of `priorities` say it: by header, cookie, path and method. */
import { priorities } from "../../../config/priorities.ts";
import { type Acls, alternativesOf, criterionOf, type Term } from "./conditions.ts";

/** The conditions of an entry, all of which have to hold; none: of all requests. */
export interface Conditions {
  header?: string;
  cookie?: string;
  value?: string;
  path_prefix?: string;
  method?: string;
}

export interface Requests {
  /** Any of them may hold. */
  any: Conditions[];
  /** What makes it not quite the same. */
  changes: string[];
}

const METHODS: Record<string, string[]> = {
  METH_CONNECT: ["CONNECT"],
  METH_DELETE: ["DELETE"],
  METH_GET: ["GET", "HEAD"],
  METH_HEAD: ["HEAD"],
  METH_OPTIONS: ["OPTIONS"],
  METH_POST: ["POST"],
  METH_PUT: ["PUT"],
  METH_TRACE: ["TRACE"],
};
const ALL: Requests = { any: [{}], changes: [] };
/** A condition of many ACLs could multiply without end. */
const MOST = 500;

/** `words`: those after the action, `if` included. A text: why `priorities` cannot say it. */
export function requestsOf(words: readonly string[], acls: Acls): Requests | string {
  const [how, ...condition] = words;
  if (how === undefined) return ALL;
  if (how !== "if") return "which requests do not meet a condition cannot be said";
  let all: Requests = { any: [], changes: [] };
  for (const terms of alternativesOf(condition)) {
    let one: Requests = ALL;
    for (const term of terms) {
      const next = termOf(term, acls);
      if (typeof next === "string") return next;
      const both = bothOf(one, next);
      if (typeof both === "string") return both;
      one = both;
    }
    all = { any: [...all.any, ...one.any], changes: [...all.changes, ...one.changes] };
  }
  const wrong = all.any.find((given) => !isEntry(given));
  if (wrong !== undefined) return `no request can have ${JSON.stringify(wrong)}`;
  return all.any.length > MOST ? `more than ${MOST} alternatives` : all;
}

/** Whether the configuration takes it; without conditions it is that of every path. */
function isEntry(given: Conditions): boolean {
  return priorities().safeParse([{ path_prefix: "/", ...given, ahead: "0s" }]).success;
}

function termOf({ negated, words, name }: Term, acls: Acls): Requests | string {
  if (negated) return "which requests do not meet a condition cannot be said";
  if (name === null) return byCriterion(words);
  const lines = acls.get(name);
  const methods = Object.hasOwn(METHODS, name) ? METHODS[name] : undefined;
  if (lines === undefined && methods) return { any: methods.map((method) => ({ method })), changes: [] };
  if (lines === undefined)
    return name === "TRUE" || name === "HTTP" ? ALL : `there is no acl ${JSON.stringify(name)}`;
  const all: Requests = { any: [], changes: [] };
  for (const line of lines) {
    const one = byCriterion(line.words.slice(2));
    if (typeof one === "string") return one;
    all.any.push(...one.any);
    all.changes.push(...one.changes);
  }
  return all;
}

function bothOf(one: Requests, other: Requests): Requests | string {
  const any: Conditions[] = [];
  for (const a of one.any)
    for (const b of other.any) {
      if ((a.header ?? a.cookie) !== undefined && (b.header ?? b.cookie) !== undefined)
        return "an entry has one header or one cookie";
      const prefixes = [a.path_prefix ?? "", b.path_prefix ?? ""].sort((x, y) => x.length - y.length);
      const [short = "", long = ""] = prefixes;
      const isNone = !long.startsWith(short) || (a.method ?? b.method) !== (b.method ?? a.method);
      if (!isNone) any.push({ ...a, ...b, ...(long === "" ? {} : { path_prefix: long }) });
      if (any.length > MOST) return `more than ${MOST} alternatives`;
    }
  return { any, changes: [...one.changes, ...other.changes] };
}

const HEADER = /^(?:req\.)?(f?)hdr\(([^(),]+)\)$/;
const COOKIE = /^(?:req\.)?cook\(([^(),]+)\)$/;
const PATH = /^(?:path|pathq|url|req\.url)(?:_[a-z]+)?(?:,|$)/;

function byCriterion(words: readonly string[]): Requests | string {
  const [fetch = ""] = words;
  if (fetch === "always_true") return ALL;
  if (PATH.test(fetch)) return byPath(words);
  const [, isWhole, header] = HEADER.exec(fetch) ?? [];
  const [, cookie] = COOKIE.exec(fetch) ?? [];
  if (fetch !== "method" && header === undefined && cookie === undefined)
    return `\`priorities\` go by headers, cookies, paths and methods, not by ${JSON.stringify(fetch)}`;
  const given = valuesOf(words.slice(1));
  if (given === null) return `\`priorities\` have whole values, not ${words.slice(1).join(" ")}`;
  const { values, ignoresCase } = given;
  const changes = ignoresCase && values.length > 0 ? [`${values.join(" ")} in this case only`] : [];
  if (fetch === "method") return { any: values.map((method) => ({ method })), changes };
  const part =
    cookie === undefined ? { header: (header ?? "").trim().toLowerCase() } : { cookie: cookie.trim() };
  if (header !== undefined && isWhole === "" && values.length > 0)
    changes.push(`the value of ${header.trim()} counts as a whole, not item by item`);
  return { any: values.length === 0 ? [part] : values.map((value) => ({ ...part, value })), changes };
}

/** None: `-m found`. `null`: something else than whole values. */
function valuesOf(words: readonly string[]): { values: string[]; ignoresCase: boolean } | null {
  let [how, ignoresCase, at] = ["str", false, 0];
  for (; words[at]?.startsWith("-"); at++) {
    if (words[at] === "-i") ignoresCase = true;
    else if (words[at] === "-m") how = words[++at] ?? how;
    else if (words[at] === "--") {
      at++;
      break;
    } else return null;
  }
  const values = words.slice(at);
  if (how === "found") return { values: [], ignoresCase };
  return how === "str" && values.length > 0 ? { values, ignoresCase } : null;
}

function byPath(words: readonly string[]): Requests | string {
  const { places, changes, losses } = criterionOf(words);
  const [why] = losses;
  return why ?? { any: places.map(({ prefix }) => ({ path_prefix: prefix })), changes };
}
