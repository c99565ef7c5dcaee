/** What `sluice serve` takes from the file that wrangler reads: text in, settings out, no I/O. */
import { readPools } from "../../config/parse.ts";
import type { PoolConfig } from "../../config/types.ts";
import { listed } from "../../words/phrases.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import { BINDINGS } from "../wrangler-file/platform.ts";
import { type FileKind, readFileText } from "../wrangler-file/read.ts";
import { Report } from "../wrangler-file/report.ts";
import { type Target, targetsOf } from "../wrangler-file/target.ts";
import { listOf, tableOf } from "../wrangler-file/tree.ts";
import { isOwn } from "./names.ts";

export interface Settings {
  compatibilityDate: string;
  compatibilityFlags: string[];
  /** `vars`: text, or a value of another kind. */
  variables: Record<string, unknown>;
  /** The names of the secrets that `headers` of pools and servers take. */
  secrets: string[];
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
    secrets: [...new Set([...pools.values()].flatMap(secretsOf))],
    pools: [...pools.keys()],
    servers: [...pools.values()].reduce((sum, { servers }) => sum + servers.length, 0),
  };
}

function secretsOf({ servers, headers: ofAll, wake }: PoolConfig): string[] {
  const values = [ofAll, wake?.headers ?? [], ...servers.map(({ headers }) => headers)]
    .flat()
    .map(([, value]) => value);
  return values.flatMap((value) => (typeof value === "string" ? [] : value.secret));
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
