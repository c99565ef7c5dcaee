/** Which hosts and paths an ACL, or a condition made of ACLs, stands for. */
import { readHost } from "../../../config/hosts.ts";
import { pathPrefix } from "../../../config/names.ts";
import { bothHosts, bothPrefixes } from "./hosts.ts";
import type { Line } from "./sections.ts";

export interface Place {
  /** A host pattern, `*` for all. */
  host: string;
  prefix: string;
}

/** What a condition stands for: places, or why it cannot be said by places. */
export interface Meaning {
  places: Place[];
  /** What makes it not quite the same. */
  changes: string[];
  /** Why some of it, or all, is missing in `places`. */
  losses: string[];
}

const EVERYWHERE: Place = { host: "*", prefix: "/" };
/** A condition of many ACLs could multiply without end. */
const MOST_PLACES = 500;

const always: Meaning = { places: [EVERYWHERE], changes: [], losses: [] };
const lost = (why: string): Meaning => ({ places: [], changes: [], losses: [why] });

/** ACLs by name: each may have several lines, any of which may hold. */
export type Acls = Map<string, Line[]>;

export function aclsOf(lines: readonly Line[]): Acls {
  const acls: Acls = new Map();
  for (const line of lines) {
    const [keyword, name] = line.words;
    if (keyword === "acl" && name !== undefined) acls.set(name, [...(acls.get(name) ?? []), line]);
  }
  return acls;
}

/** A term of a condition: the words of a criterion, or the name of an ACL. */
export interface Term {
  negated: boolean;
  words: string[];
  name: string | null;
}

/** The words after `if`: terms that all have to hold, and `or` or `||` between alternatives. */
export function alternativesOf(words: readonly string[]): Term[][] {
  const alternatives: Term[][] = [[]];
  let negated = false;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    const bare = word.replace(/^!+/, "");
    if (bare !== word) negated = (word.length - bare.length) % 2 === 1 ? !negated : negated;
    if (bare === "") continue;
    if (bare === "or" || bare === "||") alternatives.push([]);
    else if (bare === "{") {
      const end = words.indexOf("}", at);
      const inside = words.slice(at + 1, end < 0 ? undefined : end);
      alternatives.at(-1)?.push({ negated, words: inside, name: null });
      at = end < 0 ? words.length : end;
    } else alternatives.at(-1)?.push({ negated, words: [], name: bare });
    if (bare !== "or" && bare !== "||") negated = false;
  }
  return alternatives;
}

/** The words of the only criterion that a rule goes by: `if { avg_queue gt 5 }`, or an ACL of one line; `null`: several. */
export function soleCriterion({ words }: Line, acls: Acls): string[] | null {
  const at = words.indexOf("if");
  const [terms, ...others] = at < 0 ? [] : alternativesOf(words.slice(at + 1));
  const [term, ...more] = terms ?? [];
  if (term === undefined || term.negated || more.length > 0 || others.length > 0) return null;
  const lines = term.name === null ? [] : (acls.get(term.name) ?? []);
  if (term.name === null) return term.words;
  return lines.length === 1 ? (lines[0]?.words.slice(2) ?? null) : null;
}

export function meaningOf(words: readonly string[], acls: Acls): Meaning {
  return either(alternativesOf(words).map((terms) => all(terms.map((term) => termOf(term, acls)))));
}

function termOf({ negated, words, name }: Term, acls: Acls): Meaning {
  if (negated) return lost("a pool cannot say which requests are not its own");
  if (name === null) return criterionOf(words);
  const lines = acls.get(name);
  if (lines) return either(lines.map((line) => criterionOf(line.words.slice(2))));
  return name === "TRUE" || name === "HTTP"
    ? always
    : lost(`there is no acl ${JSON.stringify(name)} of hosts or paths`);
}

function either(meanings: readonly Meaning[]): Meaning {
  return limited({
    places: meanings.flatMap(({ places }) => places),
    changes: meanings.flatMap(({ changes }) => changes),
    losses: meanings.flatMap(({ losses }) => losses),
  });
}

function all(meanings: readonly Meaning[]): Meaning {
  const { changes, losses } = either(meanings.map((meaning) => ({ ...meaning, places: [] })));
  let combined: Meaning = { places: [EVERYWHERE], changes, losses };
  for (const { places } of meanings) {
    const both = combined.places.flatMap((one) => places.flatMap((other) => bothPlaces(one, other)));
    combined = limited({ ...combined, places: both });
  }
  return combined;
}

function limited({ places, changes, losses }: Meaning): Meaning {
  if (places.length <= MOST_PLACES) return { places, changes, losses };
  const why = `more than ${MOST_PLACES} hosts and paths in one condition: those behind them are left out`;
  return { places: places.slice(0, MOST_PLACES), changes, losses: [...losses, why] };
}

function bothPlaces(one: Place, other: Place): Place[] {
  const host = bothHosts(one.host, other.host);
  const prefix = bothPrefixes(one.prefix, other.prefix);
  return host === null || prefix === null ? [] : [{ host, prefix }];
}

interface Criterion {
  what: "host" | "path" | "base";
  /** HAProxy's name of the method: `str`, `beg`, `end`, `dom`, `dir`, `sub`, `reg` … */
  how: string;
  values: string[];
  ignoresCase: boolean;
}

export function criterionOf(words: readonly string[]): Meaning {
  const criterion = readCriterion(words);
  if (typeof criterion === "string") return lost(criterion);
  const { values, what } = criterion;
  if (values.length === 0) return lost(`${words.join(" ")} has no value`);
  const told = values.map((value) =>
    what === "host"
      ? hostOf(criterion, value)
      : what === "path"
        ? pathOf(criterion, value)
        : baseOf(criterion, value),
  );
  return either(told);
}

const HOST = /^(?:req\.f?hdr|hdr|req_ssl_sni|req\.ssl_sni|ssl_fc_sni)(?:_([a-z]+))?$/;
const PATH = /^(?:path|pathq|url|req\.url)(?:_([a-z]+))?$/;
const BASE = /^base(?:_([a-z]+))?$/;
/** Converters that change nothing for a place. */
const HARMLESS = /^(lower|url_dec|host_only|field\(1,:\)|word\(1,:\)|regsub\(:[^)]*\))$/;

function readCriterion(words: readonly string[]): Criterion | string {
  const [fetch = "", ...rest] = words;
  const [, name = "", argument = "", converters = ""] =
    /^([a-z0-9_.]+)(?:\(([^()]*)\))?((?:,.*)?)$/i.exec(fetch) ?? [];
  const isHeader = /hdr/.test(name);
  const unknown = `Sluice tells requests apart by host and path, not by ${JSON.stringify(fetch)}`;
  const kinds = [
    ["host", HOST],
    ["path", PATH],
    ["base", BASE],
  ] as const;
  const kind = kinds.find(([, pattern]) => pattern.test(name));
  if (kind === undefined || (isHeader && !/^\s*host\s*(,\s*-?1\s*)?$/i.test(argument))) return unknown;
  const [what, pattern] = kind;
  const others = converters.split(/,(?![^(]*\))/).filter((one) => one !== "" && !HARMLESS.test(one));
  if (others.length > 0) return `${JSON.stringify(others[0])} is not applied to hosts and paths here`;
  return { what, ...valuesOf(rest, pattern.exec(name)?.[1] ?? "str", /\blower\b/.test(converters)) };
}

function valuesOf(words: readonly string[], method: string, lower: boolean): Omit<Criterion, "what"> {
  let [how, ignoresCase, at] = [method, lower, 0];
  for (; words[at]?.startsWith("-"); at++) {
    const flag = words[at];
    if (flag === "-i") ignoresCase = true;
    else if (flag === "-m") how = words[++at] ?? how;
    else if (flag === "-f") return { how: "file", values: words.slice(at + 1, at + 2), ignoresCase };
    else if (flag === "--") {
      at++;
      break;
    }
  }
  return { how, values: words.slice(at), ignoresCase };
}

function hostOf({ how }: Criterion, given: string): Meaning {
  const value = given.toLowerCase().replace(/:\d+$/, "");
  const exact = (name: string) => readHost(name);
  const places = (hosts: (string | undefined)[], ...changes: string[]): Meaning => {
    const known = hosts.filter((host) => host !== undefined);
    if (known.length < hosts.length) return lost(`${JSON.stringify(given)} is no host`);
    return { places: known.map((host) => ({ host, prefix: "/" })), changes, losses: [] };
  };
  const below = (name: string | undefined) => name && `*.${name}`;
  if (how === "str") return places([exact(value)]);
  if (how === "end" && value.startsWith(".")) return places([below(exact(value.slice(1)))]);
  if (how === "end")
    return places([exact(value), below(exact(value))], `${given} counts as a whole name or one above`);
  if (how === "dom" && value.includes(".")) {
    return places([exact(value), below(exact(value))], `${given} counts at the end of a name only`);
  }
  if (how === "beg" && /\.[a-z]{2,}$/.test(value))
    return places([exact(value)], `${given} counts as the whole name`);
  const literal = how === "reg" ? literalOf(value.replace(/\((\?:)?:.*$/, "$")) : null;
  if (literal?.isWhole) return places([exact(literal.text)]);
  return lost(`hosts are exact, "*.example.com" or "*", not ${how} ${JSON.stringify(given)}`);
}

function pathOf({ how, ignoresCase }: Criterion, given: string): Meaning {
  const literal = how === "reg" ? literalOf(given) : null;
  const prefix = how === "str" || how === "beg" ? given : literal?.text;
  if (prefix === undefined) {
    return lost(
      `a pool has the beginning of a path, not ${how === "file" ? "a file of them" : `${how} ${JSON.stringify(given)}`}`,
    );
  }
  if (!pathPrefix().safeParse(prefix).success)
    return lost(`${JSON.stringify(given)} is not how a path begins`);
  const changes = ignoresCase && /[a-z]/i.test(prefix) ? [`${prefix} in this case only`] : [];
  if (how === "str" || literal?.isWhole) changes.push(`${prefix} is also the beginning of longer paths`);
  return { places: [{ host: "*", prefix }], changes, losses: [] };
}

/** `example.com/path`. */
function baseOf(criterion: Criterion, given: string): Meaning {
  const slash = given.indexOf("/");
  if (slash < 1 || !["beg", "str"].includes(criterion.how))
    return lost(`${JSON.stringify(given)} is no host with a path`);
  const host = hostOf({ ...criterion, how: "str" }, given.slice(0, slash));
  return all([host, pathOf(criterion, given.slice(slash))]);
}

/** A regular expression that is a plain text from its beginning on: `^/api/`, `^/api(/.*)?$`, `^app\.example\.com$`. */
function literalOf(pattern: string): { text: string; isWhole: boolean } | null {
  const tail = /(\(\/\.\*\)\?\$?|\(\/\|\$\)|\(\/\.\*\|\$\)|\.\*\$?|\$)$/.exec(pattern)?.[0] ?? "";
  const text = pattern.slice(1, pattern.length - tail.length).replaceAll(/\\([./_-])/g, "$1");
  if (!pattern.startsWith("^") || /[\\^$*+?()[\]{}|]/.test(text)) return null;
  return { text, isWhole: tail.startsWith("$") || tail.startsWith("(") };
}
