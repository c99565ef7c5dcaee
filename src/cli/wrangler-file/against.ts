/**
 * Compares the file with the pools that run. A pool's ledger knows a server by its identity, mostly its URL. After a deploy
 * that changes it, or the pool, it is another server, which gets requests while it may still work on earlier ones.
 */
import { inspect } from "../../config/problem.ts";
import { identityOf } from "../../config/server-identity.ts";
import type { PoolConfig, ServerConfig } from "../../config/types.ts";
import type { ServerSnapshot, Snapshot } from "../../scheduler/snapshot.ts";
import { isDrained } from "../../words/drain.ts";
import { bindingsIn } from "./bindings.ts";
import { BINDINGS, DEFERRED, hasBinding } from "./platform.ts";
import { poolPath } from "./pools.ts";
import type { Target } from "./target.ts";

type RunningServer = Pick<ServerSnapshot, "name" | "url" | "binding" | "state" | "inFlight">;
type RunningPool = Pick<Snapshot, "name" | "state" | "queued" | "deferred"> & { servers: RunningServer[] };

/** The answer of the admin side about all pools. */
export interface Running {
  pools: RunningPool[];
  /** The names of the pools that do not answer. */
  unreachable: string[];
  /** The names of those in the file that whose token it is may not look at. */
  hidden?: readonly string[];
}

export function checkAgainst(target: Target, pools: readonly PoolConfig[], running: Running): void {
  for (const name of running.unreachable) {
    target.warn(poolPath(target, name), "this pool does not answer, so that nothing is known of its servers");
  }
  for (const name of running.hidden ?? []) {
    const message =
      "your token may not look at this pool, so that it is not compared: that takes the right `look`";
    target.warn(poolPath(target, name), message);
  }
  const bindings = bindingsIn(target);
  const isSame = (server: RunningServer) => {
    const { binding = null } = server;
    const identity = identityOf(
      { ...server, binding },
      binding !== null && bindings.kindOf(binding) === "namespace",
    );
    return (other: { identity: string }) => other.identity === identity;
  };
  for (const from of running.pools) {
    const same = pools.find(({ name }) => name === from.name);
    const missing = from.servers.filter(
      (server) => mayBeAtWork(from, server) && !same?.servers.some(isSame(server)),
    );
    if (same === undefined) warnOfRefusals(target, from);
    warnOfMoves(target, pools, from, missing, same !== undefined, isSame);
    const unmoved = missing.filter((server) => entriesOf(pools, isSame(server)).length === 0);
    for (const server of unmoved) warnOfAnotherUrl(target, pools, from, server);
  }
  if (pools.every(({ deferred }) => deferred === null)) warnOfHiddenAnswers(target, running);
}

/** Their clients' addresses are served while any pool has `deferred`; their objects live behind the binding. */
function warnOfHiddenAnswers(target: Target, { pools }: Running): void {
  const stored = pools.flatMap(({ name, deferred }) => {
    const { queued = 0, running = 0, answered = 0, failed = 0 } = deferred ?? {};
    const count = queued + running + answered + failed;
    return count > 0 ? [`${count} in pool ${inspect(name)}`] : [];
  });
  if (stored.length === 0) return;
  target.warn(
    ["vars", "POOLS"],
    `deferred requests are stored, ${stored.join(", ")}, and no pool in this file has \`deferred\`: after the deploy ` +
      "their clients do not find them any more; leave it in one pool until they are forgotten (`keep`)",
  );
  if (!hasBinding(target, DEFERRED))
    target.error(
      BINDINGS,
      "no binding DEFERRED of class Deferred, in which deferred requests are stored still",
    );
}

/**
 * False for a server that has nothing in flight, and takes no requests, as its pool is drained or an operator has taken it
 * out. What was cut off by a drain is still in flight.
 */
function mayBeAtWork(pool: RunningPool, { state, inFlight }: RunningServer): boolean {
  return inFlight > 0 || (state === "ready" && !isDrained(pool));
}

/** A server in the file. */
interface Entry {
  pool: string;
  index: number;
}

function entriesOf(pools: readonly PoolConfig[], fits: (server: ServerConfig) => boolean): Entry[] {
  return pools.flatMap(({ name, servers }) =>
    servers.flatMap((server, index) => (fits(server) ? [{ pool: name, index }] : [])),
  );
}

function urlPath(target: Target, { pool, index }: Entry) {
  return [...poolPath(target, pool), "servers", index, "url"];
}

/** One finding for all servers that move to the same pool. */
function warnOfMoves(
  target: Target,
  pools: readonly PoolConfig[],
  from: RunningPool,
  missing: readonly RunningServer[],
  poolStays: boolean,
  isSame: (server: RunningServer) => (other: ServerConfig) => boolean,
): void {
  const moves = missing.flatMap((server) =>
    entriesOf(pools, isSame(server)).map((entry) => ({ server, entry })),
  );
  for (const pool of new Set(moves.map(({ entry }) => entry.pool))) {
    const [first, ...others] = moves.filter(({ entry }) => entry.pool === pool);
    if (first === undefined) continue;
    const { url, name } = first.server;
    const all = others.length > 0 ? `${inspect(url)} and ${others.length} more are` : `${inspect(url)} is`;
    const advice = poolStays
      ? `take it out first: \`sluice server ${from.name} ${name} --state drain\`, and deploy once it has nothing in flight`
      : "keep the name, or see docs/deploys.md, Moving a server";
    target.error(
      urlPath(target, first.entry),
      `${all} running in pool ${inspect(from.name)}, ${poolStays ? "and no more in this file" : "which is not in this file"}: ` +
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
  const [same] = entriesOf(pools, ({ url }) => isSameHost(url, server.url));
  if (same) {
    target.error(
      urlPath(target, same),
      `the same host runs as ${inspect(server.url)} in pool ${inspect(from.name)}: ${why}; ${drain}`,
    );
    return;
  }
  const own = pools.filter(({ name }) => name === from.name);
  const [namesake] = entriesOf(own, ({ name }) => name === server.name);
  if (namesake === undefined) return;
  target.warn(
    urlPath(target, namesake),
    `${inspect(server.name)} was ${inspect(server.url)} so far; if it is the same server, ${why}: ${drain}`,
  );
}

/** The same host and port, whatever the scheme; a trailing dot makes no difference. */
function isSameHost(one: string, other: string): boolean {
  const [a, b] = [new URL(one), new URL(other)];
  return bareHost(a) === bareHost(b) && a.port === b.port;
}

function bareHost({ hostname }: URL): string {
  return hostname.replace(/\.$/, "");
}

function warnOfRefusals(target: Target, { name, queued }: RunningPool): void {
  if (queued === 0) return;
  target.warn(
    ["vars", "POOLS"],
    `${queued} requests wait in pool ${inspect(name)}, which is not in this file: after the deploy they are refused`,
  );
}
