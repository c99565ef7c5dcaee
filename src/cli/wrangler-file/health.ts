/** Keys of `check` that do nothing for a server behind a binding. */
import type { PoolConfig } from "../../config/types.ts";
import { sectionOf } from "./bindings.ts";
import { poolPath } from "./pools.ts";
import type { Target } from "./target.ts";
import type { Path } from "./tree.ts";

/** As Cloudflare documents its bindings (Workers VPC, VPC Services), autumn 2026. */
export function checkHealth(target: Target, pools: readonly PoolConfig[]): void {
  for (const { name, check, servers } of pools) {
    const path: Path = [...poolPath(target, name), "check"];
    for (const binding of new Set(servers.map((server) => server.binding))) {
      if (check === null || binding === null) continue;
      if (check.port !== null) judgePort(target, [...path, "port"], binding);
      if (check.host !== null) {
        target.warn(
          [...path, "host"],
          `servers behind ${binding} see the Host of their \`url\`: this one is only in X-Forwarded-Host`,
        );
      }
    }
  }
}

function judgePort(target: Target, path: Path, binding: string): void {
  const section = sectionOf(target, binding);
  if (section === "vpc_services") {
    target.error(
      path,
      `${binding} is a VPC service, whose port is fixed: checks would go to that port; leave \`port\` out, or reach the server by a VPC network`,
    );
  } else if (section === "services" || section === "durable_objects.bindings") {
    target.warn(
      path,
      `${binding} leads to no port: all that this one changes is the URL that its servers see in checks`,
    );
  }
}
