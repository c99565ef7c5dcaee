import { Command } from "@commander-js/extra-typings";
import { VERSION } from "./version.ts";

const ENVIRONMENT = `
Environment:
  SLUICE_URL    where Sluice is, https://sluice.example.com
  SLUICE_TOKEN  its ADMIN_TOKEN (rather than --token, which other users of this machine can see)

Exit codes:
  0   done                           74  the result cannot be written
  64  usage                          75  not drained in time
  69  Sluice not reachable           76  drain held by another
  70  Sluice answered unexpectedly   77  not authorised
  otherwise the code of the command that was run
`;

/** The command `sluice` without its subcommands; what they have in common. */
export function emptyProgram() {
  return new Command("sluice")
    .description("Drain, deploy and watch the pools of a Sluice, an exact queue in front of your servers.")
    .version(VERSION, "-V, --version", "print the version")
    .option("--url <origin>", "where Sluice is (default: SLUICE_URL)")
    .option("--token <token>", "its admin token (default: SLUICE_TOKEN)")
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
        "sluice status",
        "sluice deploy web -- ./deploy.sh v42",
        "sluice roll web -- sh -c 'ssh $SLUICE_SERVER systemctl restart app'",
        "sluice check wrangler.toml",
      ).trimStart(),
    );
}

export type Program = ReturnType<typeof emptyProgram>;
export type GlobalOptions = ReturnType<Program["opts"]>;

/** For `addHelpText("after", …)`. */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}
