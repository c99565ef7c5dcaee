/** From a haproxy.cfg to pools, with a remark on each of its lines: text in, pools out, no I/O. */
import { USUAL_QUEUE_TIMEOUT } from "../../../config/limits.ts";
import { counted } from "../../../words/phrases.ts";
import type { PoolTable } from "../pool-table.ts";
import { readHttpCheck } from "./check.ts";
import { type Acls, aclsOf, meaningOf } from "./conditions.ts";
import { whyNot } from "./keywords.ts";
import { keysOf, SETTINGS, usualSlots } from "./pool-keys.ts";
import { type QueueLimit, queueLimitOf } from "./queue-limit.ts";
import { type Remark, Remarks } from "./remarks.ts";
import { type Routed, type Rule, route } from "./routes.ts";
import { type Line, readSections, type Section } from "./sections.ts";
import { freeName, readServers, type Server } from "./servers.ts";

export interface Conversion {
  pools: PoolTable[];
  remarks: Remark[];
}

/** A section with servers, all of whose lines are known, those of its defaults first. */
interface Backend {
  section: Section;
  lines: Line[];
  servers: Server[];
  /** On its servers; they count if it becomes a pool. */
  remarks: Remarks;
}

/** A section that takes requests. */
interface Frontend {
  section: Section;
  lines: Line[];
  acls: Acls;
  rules: Rule[];
  limits: { backend: string; line: Line; limit: QueueLimit }[];
}

/** Sections that are told of as a whole. */
const WHOLE: Record<string, [Remark["verdict"], string]> = {
  global: ["unneeded", "there is no process to set up"],
  peers: ["lost", "there are no stick tables to share"],
  resolvers: ["unneeded", "names are resolved for each connection"],
  mailers: ["unneeded", "alerts are Prometheus' (docs/monitoring.md)"],
  userlist: ["lost", "who may come in is Cloudflare Access' business, or the servers'"],
  "http-errors": ["lost", "refusals are Sluice's own (docs/failures.md)"],
  cache: ["lost", "caching is Cloudflare's"],
};

/** Never throws, for any text. */
export function convertHaproxy(text: string): Conversion {
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
  const pools = poolsOf(backends, routed, frontends, remarks);
  for (const section of proxies) tellOfAcls(section, remarks);
  for (const section of sections) tellOfRest(section, remarks);
  return { pools, remarks: remarks.all() };
}

const linesOf = ({ inherited, lines }: Section) => [...inherited, ...lines];

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

function backendsOf(proxies: readonly Section[], remarks: Remarks): Map<string, Backend> {
  const backends = new Map<string, Backend>();
  for (const section of proxies.filter(({ kind }) => kind !== "frontend")) {
    const lines = linesOf(section);
    const own = new Remarks();
    const servers = readServers(lines, own);
    if (backends.has(section.name)) remarks.add(section.head, "lost", "another section has this name");
    else if (servers.length > 0) backends.set(section.name, { section, lines, servers, remarks: own });
    else {
      remarks.take(own);
      if (section.kind === "backend")
        remarks.add(section.head, "lost", "no server is left in it, so there is no pool");
    }
  }
  return backends;
}

function frontendOf(section: Section, backends: Map<string, Backend>, remarks: Remarks): Frontend {
  const lines = linesOf(section);
  const acls = aclsOf(lines);
  const rules = lines.flatMap((line) => rulesOf(line, acls, backends, remarks));
  const fallback = lines.findLast(({ words }) => words[0] === "default_backend");
  const everything = (backend: string, line: Line): Rule => ({ host: "*", prefix: "/", backend, line });
  if (fallback) {
    const name = fallback.words[1] ?? "";
    if (backends.has(name)) rules.push(everything(name, fallback));
    else remarks.add(fallback, "lost", `there is no pool ${JSON.stringify(name)}`);
  } else if (section.kind === "listen" && backends.has(section.name)) {
    rules.push(everything(section.name, section.head));
  }
  const limits = lines.flatMap((line) => {
    const limit = queueLimitOf(line, acls);
    const backend = limit?.backend ?? (backends.has(section.name) ? section.name : fallback?.words[1]);
    return limit && backend !== undefined && backends.has(backend) ? [{ line, limit, backend }] : [];
  });
  return { section, lines, acls, rules, limits };
}

function rulesOf(line: Line, acls: Acls, backends: Map<string, Backend>, remarks: Remarks): Rule[] {
  const [keyword, name = "", how, ...condition] = line.words;
  if (keyword !== "use_backend") return [];
  if (/%\[/.test(name)) {
    remarks.add(line, "lost", "a pool is named by hosts and a path, not computed");
    return [];
  }
  if (!backends.has(name)) {
    remarks.add(line, "lost", `there is no pool ${JSON.stringify(name)}`);
    return [];
  }
  if (how === "unless") {
    remarks.add(line, "lost", "a pool cannot say which requests are not its own");
    return [];
  }
  const { places, changes, losses } = meaningOf(how === "if" ? condition : [], acls);
  for (const why of changes) remarks.add(line, "changed", why);
  for (const why of losses) remarks.add(line, "lost", why);
  if (places.length === 0 && losses.length === 0) remarks.add(line, "unneeded", "no request fits it");
  return places.map((place) => ({ ...place, backend: name, line }));
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
      routed.set(name, { hosts: ["*"], prefix: "/" });
      remarks.add(section.head, "changed", "no rule could be taken over, and it gets all requests");
    } else if (isComputed || section.kind === "listen" || rules.some(({ words }) => words[1] === name)) {
      const host = `${
        name
          .toLowerCase()
          .replaceAll(/[^a-z0-9]+/g, "-")
          .replaceAll(/^-|-$/g, "")
          .slice(0, 60) || "pool"
      }.invalid`;
      routed.set(name, { hosts: [freeHost(host, routed)], prefix: "/" });
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

function poolsOf(
  backends: Map<string, Backend>,
  routed: Map<string, Routed>,
  frontends: readonly Frontend[],
  remarks: Remarks,
): PoolTable[] {
  const pools: PoolTable[] = [];
  for (const [name, { section, lines, servers, remarks: own }] of backends) {
    remarks.take(own);
    const { hosts, prefix } = routed.get(name) as Routed;
    const before = frontends.filter(
      ({ section: { name: own }, rules }) => own === name || rules.some(({ backend }) => backend === name),
    );
    const pool = freeName(
      name,
      pools.map((other) => other.name),
    );
    const keys = keysOf(
      {
        head: section.head,
        backend: lines,
        frontends: before.flatMap((frontend) => frontend.lines),
        servers,
        asked: readHttpCheck(lines, remarks),
        limits: frontends.flatMap(({ limits }) => limits.filter(({ backend }) => backend === name)),
      },
      remarks,
    );
    remarks.add(
      section.head,
      "became",
      `pool ${JSON.stringify(pool)} with ${counted(servers.length, "server")}`,
    );
    if (!keys.some(([key]) => key === "queue_timeout")) {
      remarks.add(
        section.head,
        "changed",
        `no timeout queue: HAProxy lets a request wait as long as timeout connect, Sluice ${USUAL_QUEUE_TIMEOUT}`,
      );
    }
    for (const frontend of before.filter(({ section: { kind } }) => kind === "frontend")) {
      remarks.add(frontend.section.head, "became", `in front of pool ${JSON.stringify(pool)}`);
    }
    const usual = usualSlots(servers);
    pools.push({
      name: pool,
      comments: [],
      hosts,
      ...(prefix === "/" ? {} : { pathPrefix: prefix }),
      servers: servers.map(({ line: _line, check: _check, slots, ...server }) => ({
        ...server,
        ...(slots === usual ? {} : { slots }),
      })),
      keys,
    });
  }
  return pools;
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
