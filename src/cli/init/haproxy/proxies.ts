/** The sections that are proxies: those with servers, and those that take requests. */
import { type Acls, aclsOf, meaningOf } from "./conditions.ts";
import { type QueueLimit, queueLimitOf } from "./queue-limit.ts";
import { Remarks } from "./remarks.ts";
import type { Rule } from "./routes.ts";
import type { Line, Section } from "./sections.ts";
import { readServers, type Server } from "./servers.ts";

/** A section with servers, all of whose lines are known, those of its defaults first. */
export interface Backend {
  section: Section;
  lines: Line[];
  servers: Server[];
  /** On its servers; they count if it becomes a pool. */
  remarks: Remarks;
}

/** A section that takes requests. */
export interface Frontend {
  section: Section;
  lines: Line[];
  acls: Acls;
  rules: Rule[];
  limits: { backend: string; line: Line; limit: QueueLimit }[];
}

export const linesOf = ({ inherited, lines }: Section) => [...inherited, ...lines];

export function backendsOf(proxies: readonly Section[], remarks: Remarks): Map<string, Backend> {
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

export function frontendOf(section: Section, backends: Map<string, Backend>, remarks: Remarks): Frontend {
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
