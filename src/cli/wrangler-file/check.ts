/** Everything that `sluice check` can say of a wrangler.toml, wrangler.json or wrangler.jsonc: pure, text in, findings out. */
import { checkAgainst, type Running } from "./against.ts";
import { checkBusy } from "./busy.ts";
import { checkDrains } from "./drains.ts";
import { checkPlatform } from "./platform.ts";
import { checkPools, warnOfNoPools } from "./pools.ts";
import { type FileKind, readFileText } from "./read.ts";
import { type Finding, Report } from "./report.ts";
import { checkServers, checkSharedServers } from "./servers.ts";
import { type Target, targetsOf } from "./target.ts";
import { checkTimeouts } from "./timeouts.ts";
import { FileError, type Node } from "./tree.ts";
import { checkVariables } from "./variables.ts";

export interface CheckOptions {
  /** How long the operators expect a drain to last at most. */
  longestDrainMs?: number | undefined;
  /** What is deployed, to be compared with what would be. */
  against?: Running | undefined;
  /** The environment that would be deployed there. */
  environment?: string | undefined;
}

export interface CheckResult {
  findings: Finding[];
  /** What was looked at: how many things wrangler can deploy from the file, and their pools and servers. */
  targets: number;
  pools: number;
  servers: number;
}

/** Never throws, whatever the text. */
export function checkWranglerFile(text: string, kind: FileKind, options: CheckOptions = {}): CheckResult {
  let root: Node;
  try {
    root = readFileText(text, kind);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    const { line, message } = error;
    const finding: Finding = { severity: "error", line, key: null, message, environment: null };
    return { findings: [finding], targets: 0, pools: 0, servers: 0 };
  }
  return checkTree(root, options);
}

function checkTree(root: Node, options: CheckOptions): CheckResult {
  const report = new Report(root);
  const all = targetsOf(root, report);
  const withPools = all.filter((target) => target.own("vars", "POOLS") !== undefined);
  // Without any, the top level is where they should be.
  const checked = withPools.length > 0 ? withPools : all.slice(0, 1);
  const compared = comparedOf(checked, options.environment);
  if (options.environment !== undefined && compared === undefined) {
    const path = ["env", options.environment, "vars", "POOLS"];
    report.add("error", path, "missing, and with it what was to be compared", options.environment);
  }
  const pools = checked.flatMap((target) => {
    const right = checkPools(target);
    if (options.against && target === compared) checkAgainst(target, right, options.against);
    checkPlatform(target);
    checkServers(target, right);
    checkSharedServers(target, right);
    checkDrains(target, right, options.longestDrainMs);
    checkTimeouts(target, right);
    checkBusy(target, right);
    return right;
  });
  for (const target of all) {
    checkVariables(target);
    if (!checked.includes(target) && withPools.length > 0) warnOfNoPools(target);
  }
  const servers = pools.reduce((sum, pool) => sum + pool.servers.length, 0);
  return { findings: report.findings(), targets: checked.length, pools: pools.length, servers };
}

/** What a deploy takes: the top level, where nothing else is asked for, or the only one that there is. */
function comparedOf(checked: readonly Target[], environment?: string): Target | undefined {
  const named = checked.find((target) => target.environment === (environment ?? null));
  return environment === undefined && checked.length === 1 ? checked[0] : named;
}
