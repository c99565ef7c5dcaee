/** What `sluice serve` takes from the file that wrangler reads: text in, settings out, no I/O. */
import { readPools } from "../../config/parse.ts";
import { pathOf } from "../../config/problem.ts";
import type { RequestHeaders } from "../../config/request-headers.ts";
import type { PoolConfig } from "../../config/types.ts";
import { listed } from "../../words/phrases.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import { BINDINGS } from "../wrangler-file/platform.ts";
import { poolPath } from "../wrangler-file/pools.ts";
import { type FileKind, readFileText } from "../wrangler-file/read.ts";
import { Report } from "../wrangler-file/report.ts";
import { type Target, targetsOf } from "../wrangler-file/target.ts";
import { listOf, type Path, tableOf } from "../wrangler-file/tree.ts";
import { isOwn } from "./names.ts";

export interface Settings {
  compatibilityDate: string;
  compatibilityFlags: string[];
  /** `vars`: text, or a value of another kind. */
  variables: Record<string, unknown>;
  /** The secrets that headers take, and for each the first key that does: `POOLS.web.wake.headers.authorization`. */
  secrets: Map<string, string>;
  pools: string[];
  servers: number;
}

/** Bindings through which servers are reached on Cloudflare. Here a server has a URL. */
const ONLY_ON_CLOUDFLARE = ["services", "vpc_services", "vpc_networks", "mtls_certificates", "containers"];
const OWN_CLASSES = ["Pool", "Deferred"];

/** Of a file without errors. Throws for what this machine cannot offer. */
export function readSettings(text: string, kind: FileKind, environment: string | null): Settings {
  const root = readFileText(text, kind);
  const targets = targetsOf(root, new Report(root));
  const target = targets.find((one) => one.environment === environment);
  if (!target) throw noEnvironment(environment, targets);
  refuseBindings(target);
  const variables = tableOf(target.own("vars"));
  const own = Object.keys(variables).filter(isOwn);
  if (own.length > 0) {
    throw new CliError(
      EXIT.invalid,
      `The variable ${listed(own)} in ${inWords(environment)} takes the place of what Sluice itself needs.`,
    );
  }
  const { pools } = readPools(variables);
  if (pools.size === 0) {
    throw new CliError(EXIT.invalid, `There are no pools in ${inWords(environment)}, so nothing to serve.`);
  }
  return {
    compatibilityDate: String(target.inherited("compatibility_date")),
    compatibilityFlags: listOf(target.inherited("compatibility_flags")).map(String),
    variables,
    secrets: firstOfEach([...pools.values()].flatMap((pool) => secretsOf(target, pool))),
    pools: [...pools.keys()],
    servers: [...pools.values()].reduce((sum, { servers }) => sum + servers.length, 0),
  };
}

/** Each with its key. What servers have of their pool comes first as the pool's. */
function secretsOf(target: Target, { name, servers, headers, wake }: PoolConfig): [string, string][] {
  const [, ...pool] = poolPath(target, name);
  const places: [path: Path, headers: RequestHeaders][] = [
    [["headers"], headers],
    [["wake", "headers"], wake?.headers ?? []],
    ...servers.map((server, index): [Path, RequestHeaders] => [
      ["servers", index, "headers"],
      server.headers,
    ]),
  ];
  return places.flatMap(([path, all]) =>
    all.flatMap(([header, value]): [string, string][] =>
      typeof value === "string" ? [] : [[value.secret, pathOf([...pool, ...path, header])]],
    ),
  );
}

function firstOfEach(entries: readonly [name: string, key: string][]): Map<string, string> {
  const first = new Map<string, string>();
  for (const [name, key] of entries) if (!first.has(name)) first.set(name, key);
  return first;
}

function refuseBindings(target: Target): void {
  const objects = listOf(target.own(...BINDINGS)).map((one) => tableOf(one).class_name);
  const used = [
    ...ONLY_ON_CLOUDFLARE.filter((key) => target.inherited(key) !== undefined),
    ...objects.filter((name) => !OWN_CLASSES.includes(String(name))).map((name) => `the class ${name}`),
  ];
  if (used.length === 0) return;
  throw new CliError(
    EXIT.invalid,
    `${used.join(", ")} in ${inWords(target.environment)}: only Cloudflare has that. With \`sluice serve\` every ` +
      "server has a URL.",
  );
}

function noEnvironment(environment: string | null, targets: readonly Target[]): CliError {
  const names = targets.flatMap(({ environment: name }) => name ?? []);
  const known = names.length === 0 ? "the file has none" : `allowed: ${listed(names)}`;
  return new CliError(EXIT.usage, `There is no environment "${environment}"; ${known}.`);
}

function inWords(environment: string | null): string {
  return environment === null ? "the file's top level" : `[env.${environment}]`;
}
