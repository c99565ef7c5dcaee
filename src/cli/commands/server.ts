import { Option } from "@commander-js/extra-typings";
import { SLOTS, WEIGHT } from "../../config/limits.ts";
import type { Snapshot } from "../../scheduler/snapshot.ts";
import { UnknownName } from "../client/unknown-name.ts";
import { clientOf, contextOf, printJson, printLines } from "../context.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import { durationOption, examples, type Program, wholeOption } from "../program.ts";
import { styleOf, widthOf } from "../terminal/output.ts";
import { serversView } from "../terminal/views.ts";

const STATES = ["ready", "drain", "maint"] as const;

export function addServer(program: Program): void {
  program
    .command("server")
    .description("show one server, or change it: what is in flight on it finishes, unless it is cut off")
    .argument("<pool>", "its pool")
    .argument("<server>", "its name")
    .addOption(
      new Option("--state <state>", "drain: no new requests; maint: no health checks either").choices(STATES),
    )
    .option("--owner <text>", "with --state: whose it is, for whoever looks")
    .addOption(
      durationOption(
        "--cut-after <duration>",
        "with --state drain or maint: cut off what is still in flight then",
      ),
    )
    .option("--slots <n>", "requests that it gets at a time", wholeOption(...SLOTS))
    .option("--weight <n>", "its share among the servers; 0: no new requests", wholeOption(...WEIGHT))
    .addHelpText(
      "after",
      examples(
        "sluice server web web-3 --state maint",
        "sluice server web web-3 --state drain --cut-after 30s",
        "sluice server web web-3 --state ready --slots 2",
      ),
    )
    .action(async (pool, server, { state, owner, cutAfter, slots, weight }, command) => {
      if (owner !== undefined && state === undefined)
        throw new CliError(EXIT.usage, "--owner says whose --state it is: give that too.");
      if (cutAfter !== undefined && state !== "drain" && state !== "maint")
        throw new CliError(EXIT.usage, "--cut-after goes with --state drain or maint.");
      const { out, json } = contextOf(command.optsWithGlobals());
      const client = clientOf(command.optsWithGlobals());
      const changes = state !== undefined || slots !== undefined || weight !== undefined;
      const patch = {
        ...(state === undefined ? {} : { state }),
        ...(owner === undefined ? {} : { owner }),
        ...(cutAfter === undefined ? {} : { cut: `${cutAfter}ms` }),
        ...(slots === undefined ? {} : { slots }),
        ...(weight === undefined ? {} : { weight }),
      };
      const snapshot = changes ? await client.changeServer(pool, server, patch) : await client.pool(pool);
      const entry = serverIn(snapshot, server);
      if (json) printJson(out, entry);
      else printLines(out, serversView([entry], styleOf(out), Date.now(), widthOf(out)));
    });
}

function serverIn({ name, servers }: Snapshot, server: string): Snapshot["servers"][number] {
  const found = servers.find((one) => one.name === server);
  if (found) return found;
  throw new UnknownName(name, server).among(servers.map((one) => one.name));
}
