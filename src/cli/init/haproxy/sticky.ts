/** What sends the same client to the same server: `balance` by a hash, `stick`, and cookies of the application's. */
import { balance } from "../../../config/balance.ts";
import type { Remarks } from "./remarks.ts";
import type { Line } from "./sections.ts";

/** A value of the key `balance`, and what is not the same. */
interface Hashed {
  value: string;
  change: string;
}

const PREFERS = "while its server has no free slot, another one gets the request at once";

/** HAProxy's names of what a request has, each with the part of ours that hashes it. */
const FETCHES: [RegExp, (name: string) => string][] = [
  [
    /^(?:req\.)?f?hdr(?:_ip)?\(([^(),]+)(?:,\s*-?\d+)?\)$/,
    (name) => `hash:header:${name.trim().toLowerCase()}`,
  ],
  [/^(?:req\.)?cook(?:ie)?\(([^(),]+)\)$/, (name) => `hash:cookie:${name.trim()}`],
  [/^(?:req\.)?(?:url_param|urlp)\(([^(),]+)(?:,[^()]*)?\)$/, (name) => `hash:query:${name.trim()}`],
  [/^(?:path|pathq|uri|url|base)$/, () => "hash:path"],
  // Cloudflare, and `sluice serve`, have it in this header.
  [/^(?:src|source)$/, () => "hash:header:cf-connecting-ip"],
];

/** An expression like `req.hdr(x-session),lower`; `undefined`: no key of ours hashes it. */
export function hashedBy(expression: string): Hashed | undefined {
  const [, fetch = "", converters = ""] = /^([a-z_.]+(?:\([^()]*\))?)(?:,(.*))?$/.exec(expression) ?? [];
  for (const [pattern, hash] of FETCHES) {
    const found = pattern.exec(fetch);
    const value = found && hash(found[1] ?? "");
    if (!value || !balance().safeParse(value).success) continue;
    const without = converters === "" ? [] : [`without ${converters}`];
    const query = /^(pathq|url|base)$/.test(fetch) ? ["the path alone"] : [];
    return { value, change: [...query, ...without, PREFERS].join("; ") };
  }
  return undefined;
}

const OWN_COOKIE = 'Sluice sets no cookie; name one that the application sets: balance = "hash:cookie:sid"';
const ONE_KEY = "a pool has one key";

/** `stick on`, `cookie` and their like, the first that can be said; `undefined`: there is none. */
export function stickiness(
  lines: readonly Line[],
  remarks: Remarks,
): { line: Line; value: string } | undefined {
  let found: { line: Line; value: string } | undefined;
  for (const line of lines) {
    const read = readSticky(line);
    if (read === undefined) continue;
    if (typeof read === "string") remarks.add(line, "lost", read);
    else if (found === undefined) {
      found = { line, value: read.value };
      remarks.add(line, "changed", `balance = ${JSON.stringify(read.value)}: ${read.change}`);
    } else if (found.value === read.value) remarks.add(line, "unneeded", `line ${found.line.number} says it`);
    else remarks.add(line, "lost", `${ONE_KEY}; that of line ${found.line.number} counts`);
  }
  if (found) tellOfTables(lines, remarks);
  return found;
}

/** The key, or why there is none; `undefined`: the line is about something else. */
function readSticky({ words }: Line): Hashed | string | undefined {
  const [keyword, second = "", third = ""] = words;
  if (keyword === "appsession") return hashedBy(`cook(${second})`) ?? OWN_COOKIE;
  if (keyword === "cookie") {
    const isApplications = words.includes("prefix");
    return (isApplications ? hashedBy(`cook(${second})`) : undefined) ?? OWN_COOKIE;
  }
  if (keyword !== "stick" || !["on", "match", "store-request"].includes(second)) return undefined;
  if (words.some((word) => word === "if" || word === "unless"))
    return "one key counts for all requests of a pool, whatever the condition";
  return hashedBy(third) ?? `${third} is neither a header, a cookie, a parameter nor the path`;
}

/** Which server a key has is computed. Tables of rates are told of with the lines that use them. */
function tellOfTables(lines: readonly Line[], remarks: Remarks): void {
  const isOfSticks = ({ words }: Line) =>
    words[0] === "stick-table" && !words.some((word) => word === "store" || word.startsWith("gpc"));
  for (const line of lines.filter(isOfSticks))
    remarks.add(line, "unneeded", "which server a key has is computed, not stored");
}
