/** The wrangler.toml of a project. */
import { LARGEST_BYTES } from "../wrangler-file/pools.ts";
import type { PoolTable } from "./pool-table.ts";
import { entriesOf, longText, poolToml, tomlOf } from "./toml-text.ts";

export interface WorkerSettings {
  /** The Worker's name at Cloudflare. */
  worker: string;
  /** The npm package that has the Worker. */
  packageName: string;
  /** Where it answers; `null`: on workers.dev only. */
  route: Route | null;
  pools: readonly PoolTable[];
  /** Further variables, by name. */
  variables?: Record<string, string>;
}

export interface Route {
  host: string;
  /** The zone in which the host has a DNS record already; `null`: Cloudflare makes one (a custom domain). */
  zone: string | null;
}

/** Keys of the top level stand before the first table: TOML would take them for keys of that table. */
export function wranglerToml({ worker, packageName, route, pools, variables = {} }: WorkerSettings): string {
  return `#:schema ./node_modules/${packageName}/dist/wrangler.schema.json
name = ${tomlOf(worker)}
main = ${tomlOf(`node_modules/${packageName}/dist/worker.js`)}
# Not earlier: from 2026-11-17 on a Worker is told when its client leaves (\`request.signal\`).
compatibility_date = "2026-11-17"
# Servers get path and query to the letter; otherwise \`'\`, \`{\` or \`ü\` are percent-encoded, and a signature over the
# URL breaks.
compatibility_flags = ["fetch_legacy_url"]
# Small, so that it starts quickly; wrangler uploads the source map, by which Cloudflare tells stack traces.
minify = true
# Else every function that is made for a request would be given its name at run time.
keep_names = false

# Where it answers: a route where the host name exists already, or a custom domain, whose name Cloudflare makes.
${routeToml(route)}

# A wrong configuration is refused before it is deployed.
[build]
command = "npx --no sluice check"

# ── Your pools. Every key is in node_modules/sluice-queue/docs/configuration.md; errors name what is allowed. ──

${[...variablesToml(variables), ...spread(pools)].join("\n\n")}

# Run near the servers, so that the way to the pool's object and to them is short.
# [placement]
# region = "aws:eu-central-1"

# ── What Sluice itself needs. ──

# One object a pool, named after it. Renaming the binding or the class would lose what they know.
[[durable_objects.bindings]]
name = "POOL"
class_name = "Pool"

# One object a deferred request, which deletes itself.
[[durable_objects.bindings]]
name = "DEFERRED"
class_name = "Deferred"

# A changed configuration takes effect with the deploy instead of up to 5 minutes later; Sluice survives the
# reset of a busy object by design. Needs wrangler 4.141 or newer.
[durable_objects.code_update_strategy]
mode = "immediate"

[[migrations]]
tag = "v1"
new_sqlite_classes = ["Pool", "Deferred"]

[observability]
enabled = true

# Sluice logs a line of its own for each request. Cloudflare's would double what is stored and billed, and keep
# URLs with their query.
[observability.logs]
enabled = true
invocation_logs = false
`;
}

/** One table, before those of the pools, which are parts of it. */
function variablesToml(variables: Record<string, string>): string[] {
  const lines = Object.entries(variables).map(([name, text]) => `${name} = ${longText(text)}`);
  return lines.length === 0 ? [] : [["[vars]", ...lines].join("\n")];
}

/** Pools as tables of POOLS, and of POOLS_2 and so on where one variable is too small for all. */
function spread(pools: readonly PoolTable[]): string[] {
  let [number, bytes] = [1, 0];
  return pools.map((pool) => {
    const own = new TextEncoder().encode(
      JSON.stringify({ [pool.name]: Object.fromEntries(entriesOf(pool)) }),
    ).length;
    if (bytes > 0 && bytes + own > LARGEST_BYTES) [number, bytes] = [number + 1, 0];
    bytes += own;
    return poolToml(pool, number === 1 ? "POOLS" : `POOLS_${number}`);
  });
}

function routeToml(route: Route | null): string {
  if (route === null) {
    return `# routes = [{ pattern = "app.example.com/*", zone_name = "example.com" }]
# routes = [{ pattern = "app.example.com", custom_domain = true }]`;
  }
  const { host, zone } = route;
  return `routes = [${tomlOf(zone === null ? { pattern: host, custom_domain: true } : { pattern: `${host}/*`, zone_name: zone })}]`;
}
