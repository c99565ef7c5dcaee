import { type Conversion, convertHaproxy } from "../../../../src/cli/init/haproxy/convert.ts";
import type { PoolTable } from "../../../../src/cli/init/pool-table.ts";
import { wranglerToml } from "../../../../src/cli/init/wrangler-toml.ts";
import type { Finding } from "../../../../src/cli/wrangler-file/report.ts";
import { findingsOf } from "../../wrangler-file/support.ts";

/** The pool that comes of a backend with this line and one server, behind a frontend. */
export function poolWith(line: string, server = "server a a.internal:80 maxconn 1"): PoolTable {
  const { pools } = convertHaproxy(behindFrontend(`backend web\n${line}\n${server}`));
  return pools[0] as PoolTable;
}

export function behindFrontend(backend: string, frontend = "default_backend web"): string {
  return `defaults\n mode http\nfrontend in\n bind :80\n${frontend}\n${backend}\n`;
}

/** `verdict: message` of each remark on the line that contains the text. */
export function said(text: string, part: string): string[] {
  const lines = text.split("\n");
  const { remarks } = convertHaproxy(text);
  return remarks
    .filter(({ line }) => lines[line - 1]?.includes(part))
    .map(({ verdict, message }) => `${verdict}: ${message}`);
}

export function keysOf({ keys }: PoolTable): Record<string, unknown> {
  return Object.fromEntries(keys);
}

/** What `sluice check` says of the pools. */
export function checked(conversion: Conversion): Finding[] {
  return findingsOf(tomlOf(conversion));
}

export function tomlOf({ pools, variables }: Conversion): string {
  return wranglerToml({ worker: "sluice", packageName: "sluice-queue", route: null, pools, variables });
}
