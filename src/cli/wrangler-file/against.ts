/**
 * What a deploy of the file would do to what is running. A pool's ledger knows a server by the pool and the URL:
 * under another of either it is another server, which gets requests while it still has those of before.
 */
import { inspect } from "../../config/problem.ts";
import type { PoolConfig } from "../../config/types.ts";
import type { ServerSnapshot, Snapshot } from "../../scheduler/snapshot.ts";
import type { Target } from "./target.ts";

type RunningServer = Pick<ServerSnapshot, "name" | "url" | "state" | "inFlight">;
type RunningPool = Pick<Snapshot, "name" | "state" | "queued"> & { servers: RunningServer[] };

/** What the admin side tells of all pools. */
export interface Running {
  pools: RunningPool[];
  /** The names of those that do not answer. */
  unreachable: string[];
}

export function checkAgainst(target: Target, pools: readonly PoolConfig[], running: Running): void {
  for (const name of running.unreachable) {
    target.warn(
      ["vars", "POOLS", name],
      "this pool does not answer, so that nothing is known of its servers",
    );
  }
  for (const from of running.pools) {
    const kept = pools.find(({ name }) => name === from.name);
    const left = from.servers.filter(
      (server) => mayBeAtWork(from, server) && !kept?.servers.some(({ url }) => url === server.url),
    );
    if (kept === undefined) warnOfThoseWhoWait(target, from);
    warnOfMoves(target, pools, from, left, kept !== undefined);
    const stayed = left.filter(({ url }) => placesOf(pools, (other) => other.url === url).length === 0);
    for (const server of stayed) warnOfAnotherUrl(target, pools, from, server);
  }
}

/** Drained, or taken out by itself, a server has nothing in flight and gets nothing either. */
function mayBeAtWork(pool: RunningPool, { state, inFlight }: RunningServer): boolean {
  return pool.state !== "drained" && (state === "ready" || inFlight > 0);
}

/** A server of the file. */
interface Place {
  pool: string;
  index: number;
}

function placesOf(
  pools: readonly PoolConfig[],
  fits: (server: { name: string; url: string }) => boolean,
): Place[] {
  return pools.flatMap(({ name, servers }) =>
    servers.flatMap((server, index) => (fits(server) ? [{ pool: name, index }] : [])),
  );
}

function urlPath({ pool, index }: Place) {
  return ["vars", "POOLS", pool, "servers", index, "url"];
}

/** One finding for all that have gone the same way. */
function warnOfMoves(
  target: Target,
  pools: readonly PoolConfig[],
  from: RunningPool,
  left: readonly RunningServer[],
  kept: boolean,
): void {
  const moves = left.flatMap((server) =>
    placesOf(pools, ({ url }) => url === server.url).map((place) => ({ server, place })),
  );
  for (const pool of new Set(moves.map(({ place }) => place.pool))) {
    const [first, ...others] = moves.filter(({ place }) => place.pool === pool);
    if (first === undefined) continue;
    const { url, name } = first.server;
    const all = others.length > 0 ? `${inspect(url)} and ${others.length} more are` : `${inspect(url)} is`;
    const advice = kept
      ? `take it out first: \`sluice server ${from.name} ${name} --state drain\`, and deploy once it has nothing in flight`
      : "keep the name, or see docs/deploys.md, Moving a server";
    target.error(
      urlPath(first.place),
      `${all} running in pool ${inspect(from.name)}, ${kept ? "and no more in this file" : "which is not in this file"}: ` +
        `each pool counts for itself, so that a server may get requests of both at once; ${advice}`,
    );
  }
}

function warnOfAnotherUrl(
  target: Target,
  pools: readonly PoolConfig[],
  from: RunningPool,
  server: RunningServer,
): void {
  const drain = `\`sluice drain ${from.name}\`, deploy, \`sluice resume ${from.name}\``;
  const why = "by another URL it counts as another server, and may get requests while it has those of before";
  const [same] = placesOf(pools, ({ url }) => isSameHost(url, server.url));
  if (same) {
    target.error(
      urlPath(same),
      `the same host runs as ${inspect(server.url)} in pool ${inspect(from.name)}: ${why}; ${drain}`,
    );
    return;
  }
  const own = pools.filter(({ name }) => name === from.name);
  const [namesake] = placesOf(own, ({ name }) => name === server.name);
  if (namesake === undefined) return;
  target.warn(
    urlPath(namesake),
    `${inspect(server.name)} was ${inspect(server.url)} so far; if it is the same server, ${why}: ${drain}`,
  );
}

/** By another scheme, on its own port or the same, or with a dot at the end: nobody else's. */
function isSameHost(one: string, other: string): boolean {
  const [a, b] = [new URL(one), new URL(other)];
  return bareHost(a) === bareHost(b) && a.port === b.port;
}

function bareHost({ hostname }: URL): string {
  return hostname.replace(/\.$/, "");
}

function warnOfThoseWhoWait(target: Target, { name, queued }: RunningPool): void {
  if (queued === 0) return;
  target.warn(
    ["vars", "POOLS"],
    `${queued} requests wait in pool ${inspect(name)}, which is not in this file: after the deploy they are refused`,
  );
}
