/** Entries that are one server, though the Worker takes them for two: it knows no more of a server than its entry says. */
import { inspect } from "../../config/problem.ts";
import type { PoolConfig, ServerConfig } from "../../config/types.ts";
import { sectionOf } from "./bindings.ts";
import { poolPath } from "./pools.ts";
import type { Target } from "./target.ts";

interface Entry {
  pool: string;
  index: number;
  server: ServerConfig;
}

/** What is an error already, the same identity twice, is not told of again. */
export function checkSharedServers(target: Target, pools: readonly PoolConfig[]): void {
  const first = new Map<string, Entry>();
  for (const { name: pool, servers } of pools) {
    for (const [index, server] of servers.entries()) {
      const reached = whatIsReached(target, server);
      const earlier = first.get(reached);
      if (earlier === undefined) first.set(reached, { pool, index, server });
      else if (earlier.server.identity !== server.identity)
        warnOfTwins(target, earlier, { pool, index, server });
    }
  }
}

function warnOfTwins(target: Target, earlier: Entry, { pool, index, server }: Entry): void {
  const isSamePool = earlier.pool === pool;
  if (!isSamePool && earlier.server.shared && server.shared) return;
  const { url, binding, slots } = server;
  const isService = binding !== null && sectionOf(target, binding) === "vpc_services";
  const [key, is] = isService
    ? ["binding", `${inspect(binding)} is one VPC service, so one server whatever its \`url\``]
    : ["url", `${inspect(url)} is the same server by another URL`];
  const whose = `and that of ${isSamePool ? "" : `pool ${inspect(earlier.pool)}, `}servers[${earlier.index}] already`;
  const advice = isSamePool ? "" : "; in two pools, each of them says `shared = true`";
  target.warn(
    [...poolPath(target, pool), "servers", index, key],
    `${is}, ${whose}: it may get ${earlier.server.slots} + ${slots} requests at once${advice}`,
  );
}

/** A VPC service has one host and port, a namespace one object a name, whatever the `url`; a port has one server. */
function whatIsReached(target: Target, { name, binding, identity }: ServerConfig): string {
  const section = binding && sectionOf(target, binding);
  if (section === "vpc_services") return `${binding}`;
  if (section === "durable_objects.bindings") return `${binding} ${name}`;
  // By http: and https: it is mostly the same one, at the same port of its own or at 80 and 443.
  return identity.replace(/https?:\/\//, "//");
}
