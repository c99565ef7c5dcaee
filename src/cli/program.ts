import { Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { DURATION_ALLOWED, parseDuration } from "../config/units.ts";
import { duration } from "../words/times.ts";
import { CliError, EXIT } from "./exit-codes.ts";

/** The version in package.json; scripts/build-cli.ts defines it. */
declare const SLUICE_VERSION: string;

const ENVIRONMENT = `
Environment:
  SLUICE_URL    where Sluice is, https://sluice.example.com
  SLUICE_TOKEN  its ADMIN_TOKEN, or one of its ADMIN_TOKENS (rather than --token, which other users
                of this machine can see)
  SLUICE_ACCESS_ID, SLUICE_ACCESS_SECRET
                a service token, where it is behind Cloudflare Access

Exit codes:
  0   done                           74  the result cannot be written
  1   check or token found errors,   75  not drained in time
      rehearse a broken promise      76  drain held by another
  64  usage                          77  not authorised
  69  Sluice not reachable
  70  Sluice answered unexpectedly
  otherwise the code of the command that was run
`;

/** The command `sluice` without its subcommands: what they have in common. */
export function emptyProgram() {
  return new Command("sluice")
    .description("Drain, deploy and watch the pools of a Sluice, an exact queue in front of your servers.")
    .version(SLUICE_VERSION, "-V, --version", "print the version")
    .option("--url <origin>", "where Sluice is (default: SLUICE_URL)")
    .option("--token <token>", "your token for it (default: SLUICE_TOKEN)")
    .option("--json", "for machines: one JSON object, or one a line")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print the help of a command")
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError("(see --help)")
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText("after", ENVIRONMENT)
    .addHelpText(
      "after",
      examples(
        "sluice init my-queue",
        "sluice status",
        "sluice deploy web -- ./deploy.sh v42",
        "sluice roll web -- sh -c 'ssh $SLUICE_SERVER systemctl restart app'",
        "sluice check wrangler.toml",
        "sluice token new ci --may look,drain --pools web --into admin-tokens.json",
      ).trimStart(),
    );
}

export type Program = ReturnType<typeof emptyProgram>;
export type GlobalOptions = ReturnType<Program["opts"]>;

/** For `addHelpText("after", …)`. */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}

/** An option like `--wait 30s`, in ms. */
export function durationOption<Flags extends string>(flags: Flags, description: string, least = "0s") {
  return new Option(flags, description).argParser((text: string) => {
    const ms = parseDuration(text);
    if (ms === undefined || ms < (parseDuration(least) ?? 0)) {
      throw new InvalidArgumentError(`Allowed is ${DURATION_ALLOWED}, at least "${least}".`);
    }
    return ms;
  });
}

/** The description of `--cut-after`. */
export const CUT_AFTER = "cut off what is still in flight then, and wait no longer for it";

/** Throws unless the cut comes before the end of `option`, which would leave nothing to be cut off. */
export function refuseLateCut(cutMs: number | undefined, option: string, endMs: number | undefined): void {
  if (cutMs === undefined || endMs === undefined || cutMs < endMs) return;
  throw new CliError(
    EXIT.usage,
    `--cut-after ${duration(cutMs)} is not before ${option} ${duration(endMs)}: nothing would be cut off.`,
  );
}

/** Parses a whole number from `min` to `max`. */
export function wholeOption(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(number >= min && number <= max)) {
      throw new InvalidArgumentError(`Allowed is a whole number from ${min} to ${max}.`);
    }
    return number;
  };
}
