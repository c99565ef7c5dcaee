import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { isName } from "../../config/names.ts";
import { DURATION_ALLOWED, parseDuration } from "../../config/units.ts";
import { counted } from "../../words/phrases.ts";
import type { AdminClient } from "../client/admin-client.ts";
import { MissingRight } from "../client/missing-right.ts";
import { UnknownName } from "../client/unknown-name.ts";
import { clientOf, contextOf, printJson, printLines } from "../context.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import { durationOption, examples, type Program } from "../program.ts";
import { COLOURS, findingLine } from "../terminal/finding.ts";
import { printable, type Style, styleOf } from "../terminal/output.ts";
import type { Running } from "../wrangler-file/against.ts";
import { type CheckResult, checkWranglerFile } from "../wrangler-file/check.ts";
import { DEV_VARS, devVarsFindings } from "../wrangler-file/dev-vars.ts";
import { openWranglerFile } from "../wrangler-file/open.ts";
import { WRANGLER_FILES } from "../wrangler-file/read.ts";
import { type Finding, type Severity, worstFirst } from "../wrangler-file/report.ts";

export function addCheck(program: Program): void {
  program
    .command("check")
    .description("validate the configuration without deploying it: exit 1 where the Worker would refuse it")
    .argument("[file]", `by default the file that wrangler takes: ${WRANGLER_FILES.join(", ")}`)
    .addOption(
      durationOption("--longest-drain <duration>", "warn where requests cannot wait as long as that"),
    )
    .addOption(
      new Option(
        "--service <times>",
        "how long requests take at a server, by the pool: web=100ms,api=2s; notes where that needs more shards",
      ).argParser(serviceTimes),
    )
    .option(
      "--against <origin>",
      "compare with the Sluice that runs there: would a server get too many requests?",
    )
    .option("--env <name>", "with --against: the environment that is deployed there")
    .addHelpText(
      "after",
      examples(
        "sluice check",
        "sluice check wrangler.toml --longest-drain 10m",
        "sluice check --service web=100ms",
        "sluice check --against https://sluice.example.com && npx wrangler deploy",
        "sluice check --json",
      ),
    )
    .action(async (path, { longestDrain, service, against: url, env: environment }, command) => {
      const options = command.optsWithGlobals();
      const { out, json } = contextOf(options);
      const { file, kind, text } = await openWranglerFile(path);
      const { poolNames } = checkWranglerFile(text, kind);
      refuseUnknownPools(service, poolNames);
      const against =
        url === undefined ? undefined : await runningAt(clientOf({ ...options, url }), poolNames);
      const given = { longestDrainMs: longestDrain, serviceMs: service, against, environment };
      const result = checkWranglerFile(text, kind, given);
      const findings = worstFirst([...(await devVarsOf(file, result.poolNames)), ...result.findings]);
      const ok = findings.every(({ severity }) => severity !== "error");
      if (json) printJson(out, { file, ok, findings });
      else printLines(out, view(file, { ...result, findings }, url, styleOf(out)));
      if (!ok) process.exitCode = EXIT.invalid;
    });
}

/** `web=100ms,api=2s`, in ms by the pool's name. */
function serviceTimes(text: string, before?: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const times = text.split(",").map((one): [string, number] => {
    const [pool = "", time = "", ...more] = one.trim().split("=");
    const ms = parseDuration(time);
    if (isName(pool) && ms !== undefined && more.length === 0) return [pool, ms];
    throw new InvalidArgumentError(
      `Allowed are pools with a duration each, web=100ms,api=2s: ${DURATION_ALLOWED}.`,
    );
  });
  return new Map([...(before ?? []), ...times]);
}

/** A file that cannot be read has no names, and says more than that. */
function refuseUnknownPools(
  times: ReadonlyMap<string, number> | undefined,
  names: ReadonlySet<string>,
): void {
  const unknown = [...(times?.keys() ?? [])].find((name) => !names.has(name));
  if (unknown !== undefined && names.size > 0) throw new UnknownName(null, unknown).among([...names]);
}

/** What runs, as far as whose token it is may see it. `names`: of the pools in the file. */
async function runningAt(client: AdminClient, names: ReadonlySet<string>): Promise<Running> {
  const { pools, unreachable } = await client.pools();
  const seen = new Set([...pools.map(({ name }) => name), ...unreachable]);
  const hidden: string[] = [];
  for (const name of names) {
    if (seen.has(name)) continue;
    await client.pool(name).catch((error) => {
      if (error instanceof MissingRight) hidden.push(name);
      // It does not run yet, or nothing can have that name.
      else if (!(error instanceof CliError) || error.exitCode !== EXIT.usage) throw error;
    });
  }
  return { pools, unreachable, hidden };
}

/** Findings in the file that wrangler reads together with this one. */
async function devVarsOf(file: string, pools: ReadonlySet<string>): Promise<Finding[]> {
  const text = await readFile(join(dirname(file), DEV_VARS), "utf8").catch(() => "");
  return devVarsFindings(text, pools);
}

/** A line for each finding, then their number. */
function view(
  file: string,
  { findings, targets, pools, servers }: CheckResult,
  against: string | undefined,
  style: Style,
): string[] {
  const lines = findings.map((finding) => findingLine(file, finding, style));
  if (findings.length > 0) return [...lines, sumOf(findings)];
  const where = targets > 1 ? ` in ${targets} environments` : "";
  const summary = `${counted(pools, "pool")}, ${counted(servers, "server")}${where}`;
  const compared = against === undefined ? "" : `, also not against ${printable(against)}`;
  return [`${printable(file)}: ${summary}, no problem found${compared}`];
}

function sumOf(findings: readonly Finding[]): string {
  const severities = Object.keys(COLOURS) as Severity[];
  const counts = severities.map((one) => ({
    one,
    count: findings.filter(({ severity }) => severity === one).length,
  }));
  return counts
    .filter(({ count }) => count > 0)
    .map(({ one, count }) => counted(count, one))
    .join(", ");
}
