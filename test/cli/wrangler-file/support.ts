import { type CheckOptions, checkWranglerFile } from "../../../src/cli/wrangler-file/check.ts";
import type { FileKind } from "../../../src/cli/wrangler-file/read.ts";
import type { Finding } from "../../../src/cli/wrangler-file/report.ts";

/** The end of a wrangler.toml: all that it needs besides its pools. */
const PLATFORM = `
[[durable_objects.bindings]]
name = "POOL"
class_name = "Pool"

[[durable_objects.bindings]]
name = "DEFERRED"
class_name = "Deferred"

[durable_objects.code_update_strategy]
mode = "immediate"

[[migrations]]
tag = "v1"
new_sqlite_classes = ["Pool"]

[[migrations]]
tag = "v2"
new_sqlite_classes = ["Deferred"]

[observability]
enabled = true
`;

/** The same in JSON. */
export const PLATFORM_JSON = {
  name: "sluice",
  compatibility_date: "2026-11-17",
  compatibility_flags: ["fetch_legacy_url"],
  durable_objects: {
    bindings: [
      { name: "POOL", class_name: "Pool" },
      { name: "DEFERRED", class_name: "Deferred" },
    ],
    code_update_strategy: { mode: "immediate" },
  },
  migrations: [{ tag: "v1", new_sqlite_classes: ["Pool", "Deferred"] }],
  observability: { enabled: true },
};

export const SERVER = '{ name = "web-1", url = "https://web-1.example.com" }';

/** Without it, a pool that stores requests gets a note. */
export const CHECK = 'check = { path = "/" }';

/** A whole file with these tables; `top`: keys at the top level. */
export function toml(tables: string, top = ""): string {
  const flags = top.includes("compatibility_flags") ? [] : ['compatibility_flags = ["fetch_legacy_url"]'];
  const head = ['name = "sluice"', 'compatibility_date = "2026-11-17"', ...(top ? [top] : []), ...flags];
  return `${head.join("\n")}\n${tables}\n${PLATFORM}`;
}

/** A whole file with a single pool `web`: a server and these keys. */
export function web(keys: string, top = ""): string {
  return toml(`[vars.POOLS.web]\nservers = [${SERVER}]\n${keys}`, top);
}

/** A whole file with a single pool that has only this server. */
export function serving(url: string, top = ""): string {
  return toml(`[vars.POOLS.web]\nservers = [{ name = "web-1", url = "${url}" }]`, top);
}

export function findingsOf(text: string, kind: FileKind = "toml", options: CheckOptions = {}): Finding[] {
  return checkWranglerFile(text, kind, options).findings;
}

/** Findings as "error vars.POOLS.web.slots: 0 is …", for tests that are not about lines. */
export function told(text: string, kind: FileKind = "toml", options: CheckOptions = {}): string[] {
  return findingsOf(text, kind, options).map(
    ({ severity, key, message }) => `${severity} ${key}: ${message}`,
  );
}

/** The line that has the comment `here`. */
export function here(text: string): number {
  return text.split("\n").findIndex((line) => /(#|\/\/) here$/.test(line)) + 1;
}
