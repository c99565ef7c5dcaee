/**
 * Pools as they are, and where there are several, with their servers shared: tests put several pools in front of one
 * server, and go by what each of them counts.
 */
export function withSharedServers(pools: unknown): unknown {
  if (typeof pools !== "object" || pools === null || Object.keys(pools).length < 2) return pools;
  return Object.fromEntries(Object.entries(pools).map(([name, pool]) => [name, shared(pool)]));
}

function shared(pool: unknown): unknown {
  const { servers } = (pool ?? {}) as { servers?: unknown };
  if (!Array.isArray(servers)) return pool;
  return { ...(pool as object), servers: servers.map((server) => ({ shared: true, ...server })) };
}
