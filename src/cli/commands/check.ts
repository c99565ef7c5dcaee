import { readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { counted } from "../../words/phrases.ts";
import { clientOf, contextOf, printJson, printLines } from "../context.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import { durationOption, examples, type Program } from "../program.ts";
import { printable, type Style, styleOf } from "../terminal/output.ts";
import { type CheckResult, checkWranglerFile } from "../wrangler-file/check.ts";
import { findWranglerFile, kindOf, WRANGLER_FILES } from "../wrangler-file/read.ts";
import type { Finding, Severity } from "../wrangler-file/report.ts";
import { DEV_VARS, devVarsFindings } from "../wrangler-file/variables.ts";

export function addCheck(program: Program): void {
  program
    .command("check")
    .description("validate the configuration without deploying it: exit 1 where the Worker would refuse it")
    .argument("[file]", `by default the file that wrangler takes: ${WRANGLER_FILES.join(", ")}`)
    .addOption(
      durationOption("--longest-drain <duration>", "warn where requests cannot wait as long as that"),
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
        "sluice check --against https://sluice.example.com && npx wrangler deploy",
        "sluice check --json",
      ),
    )
    .action(async (given, { longestDrain, against: url, env: environment }, command) => {
      const options = command.optsWithGlobals();
      const { out, json } = contextOf(options);
      const file = given ?? defaultFile();
      const kind = kindOf(file);
      if (kind === null) throw unknownKind(file);
      const text = await textOf(file);
      const against = url === undefined ? undefined : await clientOf({ ...options, url }).pools();
      const result = checkWranglerFile(text, kind, { longestDrainMs: longestDrain, against, environment });
      const findings = [...(await devVarsOf(file)), ...result.findings];
      const ok = findings.every(({ severity }) => severity !== "error");
      if (json) printJson(out, { file, ok, findings });
      else printLines(out, view(file, { ...result, findings }, url, styleOf(out)));
      if (!ok) process.exitCode = EXIT.invalid;
    });
}

/** Findings in the file that wrangler reads together with this one. */
async function devVarsOf(file: string): Promise<Finding[]> {
  const text = await readFile(join(dirname(file), DEV_VARS), "utf8").catch(() => "");
  return devVarsFindings(text);
}

function defaultFile(): string {
  const found = findWranglerFile(process.cwd());
  if (found !== null) return relative("", found);
  const names = WRANGLER_FILES.join(", ");
  throw new CliError(EXIT.usage, `None of ${names} is here or in a folder above: name the file.`);
}

function unknownKind(file: string): CliError {
  return new CliError(
    EXIT.usage,
    `"${printable(file)}" is not a file of wrangler's: its name would end in .toml, .json or .jsonc.`,
  );
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such file" : message;
    throw new CliError(EXIT.usage, `Cannot read "${printable(file)}": ${printable(why)}.`);
  }
}

/** A line for each finding, in the format of compilers, which editors can follow; then their number. */
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

const COLOURS = { error: "red", warning: "yellow", note: "cyan" } as const;

function findingLine(file: string, { severity, line, key, message }: Finding, style: Style): string {
  const position = line === null ? file : `${file}:${line}`;
  const word = style(COLOURS[severity], severity);
  return `${printable(position)}: ${word}: ${printable(key === null ? message : `${key}: ${message}`)}`;
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
