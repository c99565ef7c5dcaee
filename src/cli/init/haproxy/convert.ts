/** From a haproxy.cfg to pools, with a remark on each of its lines: text in, pools out, no I/O. */
import type { PoolTable } from "../pool-table.ts";
import { aclsOf } from "./conditions.ts";
import { whyNot } from "./keywords.ts";
import { Pages, type ReadText } from "./pages.ts";
import { SETTINGS } from "./pool-keys.ts";
import { poolsOf } from "./pools.ts";
import { type Backend, backendsOf, type Frontend, frontendOf, linesOf } from "./proxies.ts";
import { type Remark, Remarks } from "./remarks.ts";
import { type Routed, route } from "./routes.ts";
import { readSections, type Section } from "./sections.ts";

export interface Conversion {
  pools: PoolTable[];
  /** The Worker's variables that `pages` of the pools name. */
  variables: Record<string, string>;
  remarks: Remark[];
}

/** Sections that are told of as a whole. */
const WHOLE: Record<string, [Remark["verdict"], string]> = {
  global: ["unneeded", "there is no process to set up"],
  peers: ["lost", "there are no stick tables to share"],
  resolvers: ["unneeded", "names are resolved for each connection"],
  mailers: ["unneeded", "alerts are Prometheus' (docs/monitoring.md)"],
  userlist: ["lost", "who may come in is Cloudflare Access' business, or the servers'"],
  "http-errors": ["changed", "what pools take of it by `errorfiles` is in `pages`"],
  healthcheck: ["lost", "a check is said by the pool: `option httpchk` and `http-check`"],
  cache: ["lost", "caching is Cloudflare's"],
};

/** Never throws, for any text. `readText`: of the files with error pages. */
export function convertHaproxy(text: string, readText: ReadText = () => null): Conversion {
  const remarks = new Remarks();
  const { sections, stray } = readSections(text);
  for (const line of stray) remarks.add(line, "lost", "stands in no section");
  const proxies = sections.filter((section) => isCarried(section, remarks));
  const backends = backendsOf(proxies, remarks);
  const frontends = proxies
    .filter(({ kind }) => kind !== "backend")
    .map((section) => frontendOf(section, backends, remarks));
  const routed = route(
    frontends.map(({ rules }) => rules),
    remarks,
  );
  placeOthers(backends, routed, frontends, remarks);
  const shared = sections.filter(({ kind }) => kind === "http-errors");
  const pages = new Pages(readText, new Map(shared.map(({ name, lines }) => [name, lines])));
  const pools = poolsOf(backends, routed, frontends, pages, remarks);
  for (const section of proxies) tellOfAcls(section, remarks);
  for (const section of sections) tellOfRest(section, remarks);
  return { pools, variables: Object.fromEntries(pages.variables), remarks: remarks.all() };
}

/** HTTP, and a proxy. */
function isCarried(section: Section, remarks: Remarks): boolean {
  const { kind, head } = section;
  if (kind === "defaults") {
    remarks.cover([head]);
    return false;
  }
  const isProxy = ["frontend", "backend", "listen"].includes(kind);
  const mode = linesOf(section).findLast(({ words }) => words[0] === "mode");
  if (isProxy && (mode === undefined || mode.words[1] === "http")) {
    if (mode) remarks.add(mode, "became", "Sluice carries HTTP");
    return true;
  }
  const [verdict, why] = isProxy
    ? (["lost", `mode ${mode?.words[1] ?? ""}: Sluice carries HTTP only`] as const)
    : (WHOLE[kind] ?? ["lost", "Sluice knows nothing like it"]);
  remarks.add(head, verdict, `${why} (all of this section)`);
  remarks.cover(section.lines);
  return false;
}

/** Backends that got no requests by the rules that could be taken over. */
function placeOthers(
  backends: Map<string, Backend>,
  routed: Map<string, Routed>,
  frontends: readonly Frontend[],
  remarks: Remarks,
): void {
  const rules = frontends.flatMap(({ lines }) =>
    lines.filter(({ words }) => /^(use|default)_backend$/.test(words[0] ?? "")),
  );
  const isComputed = rules.some(({ words }) => words[1]?.includes("%["));
  for (const [name, { section }] of backends) {
    if (routed.has(name)) continue;
    if (routed.size === 0) {
      routed.set(name, { hosts: ["*"], prefixes: ["/"] });
      remarks.add(section.head, "changed", "no rule could be taken over, and it gets all requests");
    } else if (isComputed || section.kind === "listen" || rules.some(({ words }) => words[1] === name)) {
      const host = `${
        name
          .toLowerCase()
          .replaceAll(/[^a-z0-9]+/g, "-")
          .replaceAll(/^-|-$/g, "")
          .slice(0, 60) || "pool"
      }.invalid`;
      routed.set(name, { hosts: [freeHost(host, routed)], prefixes: ["/"] });
      remarks.add(
        section.head,
        "changed",
        `which requests it gets could not be taken over; name its hosts in place of ${host}`,
      );
    } else {
      backends.delete(name);
      remarks.add(section.head, "unneeded", "no frontend sends it requests (all of this section)");
      remarks.cover(section.lines);
    }
  }
}

function freeHost(host: string, routed: Map<string, Routed>): string {
  const taken = [...routed.values()].flatMap(({ hosts }) => hosts);
  for (let n = 1; ; n++) {
    const free = n === 1 ? host : `${n}.${host}`;
    if (!taken.includes(free)) return free;
  }
}

/** An ACL is worth what the lines are that use it. */
function tellOfAcls({ lines }: Section, remarks: Remarks): void {
  const carriedLines = new Set(
    remarks.all().flatMap(({ line, verdict }) => (verdict === "became" ? [line] : [])),
  );
  for (const [name, own] of aclsOf(lines)) {
    const users = lines.filter(
      ({ words }) => words[0] !== "acl" && words.some((word) => word.replace(/^!+/, "") === name),
    );
    const carried = users.find(({ number }) => carriedLines.has(number));
    for (const line of own.filter((one) => !remarks.has(one))) {
      if (carried) remarks.add(line, "became", `counts in line ${carried.number}`);
      else if (users.length === 0) remarks.add(line, "unneeded", "no line uses it");
      else
        remarks.add(
          line,
          "lost",
          `only lines use it that are not taken over: ${users.map(({ number }) => number).join(", ")}`,
        );
    }
  }
}

function tellOfRest({ kind, head, lines }: Section, remarks: Remarks): void {
  for (const line of lines.filter((one) => !remarks.has(one))) {
    const [first = "", second = ""] = line.words;
    const known = whyNot(line);
    if (first.startsWith("."))
      remarks.add(line, "lost", "conditions of the file are not evaluated: all lines count");
    else if (known) remarks.add(line, ...known);
    else if (SETTINGS.has(first) || SETTINGS.has(`${first} ${second}`)) {
      remarks.add(line, "unneeded", "no pool has it, or another line replaces it");
    } else remarks.add(line, "lost", "Sluice knows nothing like it");
  }
  if (!remarks.has(head))
    remarks.add(head, "unneeded", kind === "frontend" ? "no pool is behind it" : "has no server");
}
