/** From backends, and what is sent to them, to the pools of a wrangler.toml. */
import { USUAL_QUEUE_TIMEOUT } from "../../../config/limits.ts";
import { requestHeaders } from "../../../config/request-headers.ts";
import { withoutLastDot } from "../../../config/server-identity.ts";
import { counted } from "../../../words/phrases.ts";
import type { PoolTable, ServerTable } from "../pool-table.ts";
import { readHttpCheck } from "./check.ts";
import { aclsOf } from "./conditions.ts";
import type { Pages } from "./pages.ts";
import { keysOf, usualSlots } from "./pool-keys.ts";
import type { Backend, Frontend } from "./proxies.ts";
import type { Remarks } from "./remarks.ts";
import type { Routed } from "./routes.ts";
import { type Line, last, type Section } from "./sections.ts";
import { freeName, type Server } from "./servers.ts";

export function poolsOf(
  backends: Map<string, Backend>,
  routed: Map<string, Routed>,
  frontends: readonly Frontend[],
  pages: Pages,
  remarks: Remarks,
): PoolTable[] {
  const pools: PoolTable[] = [];
  const entries: { server: ServerTable; line: Line }[] = [];
  for (const [name, { section, lines, servers, remarks: own }] of backends) {
    remarks.take(own);
    const { hosts, prefixes } = routed.get(name) as Routed;
    const before = frontends.filter(
      ({ section: { name: own }, rules }) => own === name || rules.some(({ backend }) => backend === name),
    );
    const pool = freeName(
      name,
      pools.map((other) => other.name),
    );
    const inFront = before.flatMap((frontend) => frontend.lines);
    const keys = keysOf(
      {
        head: section.head,
        backend: lines,
        frontends: inFront,
        scopes: [
          ...before.map((frontend) => ({
            lines: frontend.lines,
            acls: frontend.acls,
            isForAll: before.length === 1,
          })),
          // A `listen` is its own frontend.
          ...(before.some((frontend) => frontend.section === section)
            ? []
            : [{ lines, acls: aclsOf(lines), isForAll: true }]),
        ],
        prefixes,
        servers,
        asked: readHttpCheck(withOwnChecks(section), remarks),
        pages: pages.keyOf([...inFront, ...lines], remarks),
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
    const header = nameHeaderOf(lines, remarks);
    const tables = servers.map((server) => tableOf(server, usual, header));
    entries.push(...tables.map((server, index) => ({ server, line: (servers[index] as Server).line })));
    pools.push({
      name: pool,
      comments: [],
      hosts,
      ...(prefixes.join() === "/" ? {} : { pathPrefixes: prefixes }),
      servers: tables,
      keys,
    });
  }
  shareServers(entries, remarks);
  return pools;
}

/** The header in which servers are told their names; without one, `http-send-name-header` ends it. */
function nameHeaderOf(lines: readonly Line[], remarks: Remarks): string | undefined {
  const line = last(lines, "http-send-name-header");
  const [, header] = line?.words ?? [];
  if (line === undefined || header === undefined) return undefined;
  if (!requestHeaders().safeParse({ [header]: "a" }).success) return undefined;
  remarks.add(line, "became", `headers.${header} of each server`);
  return header;
}

/** `usual`: the slots of the pool. `header`: in which requests carry the server's name. */
function tableOf({ name, url, slots, weight, backup }: Server, usual: number, header?: string): ServerTable {
  return {
    name,
    url,
    ...(weight === undefined ? {} : { weight }),
    ...(backup === undefined ? {} : { backup }),
    ...(slots === usual ? {} : { slots }),
    ...(header === undefined ? {} : { headers: { [header]: name } }),
  };
}

/** What a backend says of checks replaces all that its defaults say. */
function withOwnChecks({ inherited, lines }: Section): Line[] {
  const isCheck = ({ words }: Line) => words[0] === "http-check";
  return [...(lines.some(isCheck) ? inherited.filter((line) => !isCheck(line)) : inherited), ...lines];
}

/** The same server in two pools: HAProxy too counts for each backend by itself. */
function shareServers(entries: readonly { server: ServerTable; line: Line }[], remarks: Remarks): void {
  const counts = new Map<string, number>();
  const idOf = ({ url }: ServerTable) => withoutLastDot(url);
  for (const { server } of entries) counts.set(idOf(server), (counts.get(idOf(server)) ?? 0) + 1);
  for (const { server, line } of entries) {
    if (counts.get(idOf(server)) === 1) continue;
    server.shared = true;
    remarks.add(
      line,
      "changed",
      "shared = true: it is in several pools, each of which may give it as many requests",
    );
  }
}
