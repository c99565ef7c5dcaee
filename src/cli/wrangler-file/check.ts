/** `sluice check` of a wrangler.toml, wrangler.json or wrangler.jsonc: text in, findings out, no I/O. */
import { checkAgainst, type Running } from "./against.ts";
import { checkBalance } from "./balance.ts";
import { checkBusy } from "./busy.ts";
import { checkDeferred } from "./deferred.ts";
import { checkFlow } from "./flow.ts";
import { checkFreePaths } from "./free-paths.ts";
import { checkHealth } from "./health.ts";
import { checkPlaceholders } from "./placeholders.ts";
import { checkPlatform } from "./platform.ts";
import { checkPools, hasPools, poolNamesIn, warnOfNoPools } from "./pools.ts";
import { checkPriorities } from "./priorities.ts";
import { type FileKind, readFileText } from "./read.ts";
import { checkRegister } from "./register.ts";
import { type Finding, Report } from "./report.ts";
import { checkServers } from "./servers.ts";
import { checkShards } from "./shards.ts";
import { checkSharedServers } from "./shared-servers.ts";
import { type Target, targetsOf } from "./target.ts";
import { checkDrains, checkTimeouts } from "./timeouts.ts";
import { FileError, type Node } from "./tree.ts";
import { checkVariables } from "./variables.ts";

export interface CheckOptions {
  /** The longest drain that the operators expect. */
  longestDrainMs?: number | undefined;
  /** How long a request takes at a server, by the pool's name. */
  serviceMs?: ReadonlyMap<string, number> | undefined;
  /** The pools that run, for a comparison. */
  against?: Running | undefined;
  /** The environment that is deployed there. */
  environment?: string | undefined;
}

export interface CheckResult {
  findings: Finding[];
  /** The number of deployable targets in the file, of their pools and of their servers. */
  targets: number;
  pools: number;
  servers: number;
  /** The names of all pools that are written anywhere in the file. */
  poolNames: ReadonlySet<string>;
}

/** Never throws, for any text. */
export function checkWranglerFile(text: string, kind: FileKind, options: CheckOptions = {}): CheckResult {
  let root: Node;
  try {
    root = readFileText(text, kind);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    const { line, message } = error;
    const finding: Finding = { severity: "error", line, key: null, message, environment: null };
    return { findings: [finding], targets: 0, pools: 0, servers: 0, poolNames: new Set() };
  }
  return checkTree(root, options);
}

function checkTree(root: Node, options: CheckOptions): CheckResult {
  const report = new Report(root);
  const all = targetsOf(root, report);
  const withPools = all.filter(hasPools);
  // A file without pools should have them at the top level.
  const checked = withPools.length > 0 ? withPools : all.slice(0, 1);
  const compared = comparedTarget(checked, options.environment);
  if (options.environment !== undefined && compared === undefined) {
    const path = ["env", options.environment, "vars", "POOLS"];
    report.add("error", path, "missing, and with it what was to be compared", options.environment);
  }
  const pools = checked.flatMap((target) => {
    const right = checkPools(target);
    if (options.against && target === compared) checkAgainst(target, right, options.against);
    checkPlatform(target);
    checkRegister(target, right);
    checkServers(target, right);
    checkSharedServers(target, right);
    checkDrains(target, right, options.longestDrainMs);
    checkTimeouts(target, right);
    checkBalance(target, right);
    checkBusy(target, right);
    checkHealth(target, right);
    checkDeferred(target, right);
    checkFreePaths(target, right);
    checkFlow(target, right);
    checkPlaceholders(target, right);
    checkPriorities(target, right);
    checkShards(target, right, options.serviceMs);
    return right;
  });
  for (const target of all) {
    checkVariables(target);
    if (!checked.includes(target) && withPools.length > 0) warnOfNoPools(target);
  }
  const servers = pools.reduce((sum, pool) => sum + pool.servers.length, 0);
  const poolNames = new Set(all.flatMap((target) => [...poolNamesIn(target)]));
  return { findings: report.findings(), targets: checked.length, pools: pools.length, servers, poolNames };
}

/** The target that is compared with the running pools: the environment, or else the top level or the only target. */
function comparedTarget(checked: readonly Target[], environment?: string): Target | undefined {
  const named = checked.find((target) => target.environment === (environment ?? null));
  return environment === undefined && checked.length === 1 ? checked[0] : named;
}
