/** Everything that `sluice check` can say of a wrangler.toml, wrangler.json or wrangler.jsonc: pure, text in, findings out. */
import { checkBusy } from "./busy.ts";
import { checkDrains } from "./drains.ts";
import { checkPlatform } from "./platform.ts";
import { checkPools, warnOfNoPools } from "./pools.ts";
import { type FileKind, readFileText } from "./read.ts";
import { type Finding, Report } from "./report.ts";
import { checkServers, checkSharedServers } from "./servers.ts";
import { targetsOf } from "./target.ts";
import { checkTimeouts } from "./timeouts.ts";
import { FileError, type Node } from "./tree.ts";
import { checkVariables } from "./variables.ts";

export interface CheckOptions {
  /** How long the operators expect a drain to last at most. */
  longestDrainMs?: number | undefined;
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

function checkTree(root: Node, { longestDrainMs }: CheckOptions): CheckResult {
  const report = new Report(root);
  const all = targetsOf(root, report);
  const withPools = all.filter((target) => target.own("vars", "POOLS") !== undefined);
  // Without any, the top level is where they should be.
  const checked = withPools.length > 0 ? withPools : all.slice(0, 1);
  const pools = checked.flatMap((target) => {
    const right = checkPools(target);
    checkPlatform(target);
    checkServers(target, right);
    checkSharedServers(target, right);
    checkDrains(target, right, longestDrainMs);
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
