/** The key `balance`. */
import type { Value } from "../pool-table.ts";
import type { Remarks } from "./remarks.ts";
import type { Line } from "./sections.ts";
import { hashedBy, stickiness } from "./sticky.ts";

const BALANCES: Record<string, string> = {
  roundrobin: "roundrobin",
  "static-rr": "roundrobin",
  leastconn: "leastconn",
  first: "first",
  random: "random",
};

/** `lines`: of the backend, those of its defaults first. */
export function balanceOf(lines: readonly Line[], remarks: Remarks): [string, Value][] {
  const sticky = stickiness(lines, remarks);
  const line = lines.findLast(({ words }) => words[0] === "balance");
  if (sticky) {
    if (line) remarks.add(line, "unneeded", `line ${sticky.line.number} says which server a request prefers`);
    return [["balance", sticky.value]];
  }
  if (line === undefined) return [];
  const [, given = "", ...more] = line.words;
  const name = given.replace(/\(.*$/, "");
  const balance = Object.hasOwn(BALANCES, name) ? BALANCES[name] : undefined;
  if (balance !== undefined) {
    remarks.add(line, "became", `balance = ${JSON.stringify(balance)}`);
    return [["balance", balance]];
  }
  const hashed = hashedBy(expressionOf(name, given, more));
  if (hashed === undefined) {
    remarks.add(line, "lost", `no key hashes ${[given, ...more].join(" ")}: servers get requests in turn`);
    return [];
  }
  const unsaid = unsaidOf(name, more);
  const changes = [...(unsaid.length > 0 ? [`without ${unsaid.join(" ")}`] : []), hashed.change];
  remarks.add(line, "changed", `balance = ${JSON.stringify(hashed.value)}: ${changes.join("; ")}`);
  return [["balance", hashed.value]];
}

/** As a sample expression: `balance url_param k` hashes `url_param(k)`. */
function expressionOf(name: string, given: string, more: readonly string[]): string {
  if (name === "url_param") return `url_param(${more[0] ?? ""})`;
  return name === "hash" ? (more[0] ?? "") : given;
}

/** Arguments that count for nothing here. */
function unsaidOf(name: string, more: readonly string[]): readonly string[] {
  if (name === "url_param" || name === "hash") return more.slice(1);
  return more.filter((word) => word !== "path-only");
}
