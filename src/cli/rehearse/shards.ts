import type { ServerWork } from "./servers.ts";
import { median, quantile } from "./statistics.ts";

/** What the objects of a pool have done under load, by what their servers say. Times are in ms. */
export interface ShardsReport {
  /** Requests that servers began, a second. */
  perSecond: number;
  /** For how long at a stretch a request waited while a server of another shard had nothing to do; hand-overs are in it. */
  besideRoom: Spread & { longest: number };
  /** In the order of their numbers. */
  each: ShardReport[];
}

export interface ShardReport {
  shard: number;
  servers: number;
  requests: number;
  perSecond: number;
  /** From the Worker to the server. */
  waits: Spread;
  overlaps: number;
}

interface Spread {
  median: number;
  p99: number;
}

interface Seen {
  /** All that began while it was looked, in that order. */
  works: readonly ServerWork[];
  /** When each request came to the Worker, by path and query. */
  cameAt: ReadonlyMap<string, number>;
  /** Which shard has which server. */
  shardOf: ReadonlyMap<string, number>;
  overlapsAt: ReadonlyMap<string, number>;
}

/** One that was waiting when the first of them began is taken to have come then. `null`: nothing was seen. */
export function shardsReport({ works, cameAt, shardOf, overlapsAt }: Seen): ShardsReport | null {
  const [first, last] = [works[0], works.at(-1)];
  if (!first || !last || cameAt.size === 0) return null;
  const since = first.beganAt;
  const seconds = Math.max(1, last.beganAt - since) / 1_000;
  const waits = works.flatMap(({ query, server, beganAt }) => {
    const came = cameAt.get(query);
    const shard = shardOf.get(server);
    return came === undefined || shard === undefined
      ? []
      : [{ shard, from: Math.max(came, since), until: beganAt }];
  });
  const pauses = pausesOf(works, shardOf, since);
  const besideRoom = waits.map(({ shard, from, until }) =>
    pauses
      .filter((pause) => pause.shard !== shard)
      .reduce(
        (longest, pause) => Math.max(longest, Math.min(until, pause.until) - Math.max(from, pause.from)),
        0,
      ),
  );
  const each = [...new Set(shardOf.values())]
    .sort((a, b) => a - b)
    .map((shard) => {
      const servers = [...shardOf].filter(([, owner]) => owner === shard).map(([name]) => name);
      const requests = works.filter(({ server }) => shardOf.get(server) === shard).length;
      return {
        shard,
        servers: servers.length,
        requests,
        perSecond: rounded(requests / seconds),
        waits: spreadOf(waits.filter((wait) => wait.shard === shard).map(({ from, until }) => until - from)),
        overlaps: servers.reduce((sum, name) => sum + (overlapsAt.get(name) ?? 0), 0),
      };
    });
  return {
    perSecond: rounded(works.length / seconds),
    besideRoom: { ...spreadOf(besideRoom), longest: Math.max(0, ...besideRoom) },
    each,
  };
}

/** When each server had nothing to do, from `since` on. */
function pausesOf(works: readonly ServerWork[], shardOf: ReadonlyMap<string, number>, since: number) {
  return [...shardOf].flatMap(([name, shard]) => {
    let from: number | null = since;
    const pauses: { shard: number; from: number; until: number }[] = [];
    for (const { server, beganAt, endedAt } of works) {
      if (server !== name) continue;
      if (from !== null) pauses.push({ shard, from, until: beganAt });
      from = endedAt;
    }
    if (from !== null) pauses.push({ shard, from, until: Number.POSITIVE_INFINITY });
    return pauses;
  });
}

function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), p99: quantile(values, 0.99) ?? 0 };
}

function rounded(value: number): number {
  return Math.round(10 * value) / 10;
}
