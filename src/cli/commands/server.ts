import { Option } from "@commander-js/extra-typings";
import { SLOTS, WEIGHT } from "../../config/limits.ts";
import type { Snapshot } from "../../scheduler/snapshot.ts";
import { counted } from "../../words/phrases.ts";
import { duration } from "../../words/times.ts";
import type { AdminClient } from "../client/admin-client.ts";
import { refuseWithout } from "../client/refuse-without.ts";
import { UnknownName } from "../client/unknown-name.ts";
import { clientOf, contextOf, printJson, printLines } from "../context.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import { durationOption, examples, type GlobalOptions, type Program, wholeOption } from "../program.ts";
import { printable, styleOf, widthOf } from "../terminal/output.ts";
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
    .option("--remove", "have a server go that has registered, once its `sluice register` is gone")
    .addOption(durationOption("--wait <duration>", "with --remove: how long to wait for what is in flight"))
    .addHelpText(
      "after",
      examples(
        "sluice server web web-3 --state maint",
        "sluice server web web-3 --state drain --cut-after 30s",
        "sluice server web web-3 --state ready --slots 2",
        "sluice server gpu gpu-7 --remove --wait 30s",
      ),
    )
    .action(async (pool, server, { remove, wait, ...options }, command) => {
      const { state, owner, cutAfter, slots, weight } = options;
      if (remove && Object.keys(options).length > 0)
        throw new CliError(EXIT.usage, "--remove goes with --wait only.");
      if (wait !== undefined && !remove) throw new CliError(EXIT.usage, "--wait goes with --remove.");
      if (owner !== undefined && state === undefined)
        throw new CliError(EXIT.usage, "--owner says whose --state it is: give that too.");
      if (cutAfter !== undefined && state !== "drain" && state !== "maint")
        throw new CliError(EXIT.usage, "--cut-after goes with --state drain or maint.");
      const { out, json } = contextOf(command.optsWithGlobals());
      const client = clientOf(command.optsWithGlobals());
      if (remove) return removeServer(client, pool, server, wait, command.optsWithGlobals());
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

/** Of one that has registered. `waitMs`: how long for what is in flight; `undefined`: that is left to itself. */
async function removeServer(
  client: AdminClient,
  pool: string,
  server: string,
  waitMs: number | undefined,
  options: GlobalOptions,
): Promise<void> {
  const { out, json } = contextOf(options);
  await refuseWithout(["register"], client, pool);
  const left = await client.deregister(pool, server, { waitMs: waitMs ?? 0 });
  if (json) printJson(out, left);
  const words = leftWords(left, pool);
  if (left.inFlight > 0 && waitMs !== undefined)
    throw new CliError(EXIT.notDrained, `${words} after ${duration(waitMs)}`);
  if (!json) out.write(`${words}\n`);
}

/** `gpu-7 has left gpu, 2 requests are still in flight`. */
function leftWords({ name, inFlight }: { name: string; inFlight: number }, pool: string): string {
  const still = `, ${counted(inFlight, "request")} ${inFlight === 1 ? "is" : "are"} still in flight`;
  return `${printable(name)} has left ${printable(pool)}${inFlight === 0 ? "" : still}`;
}

function serverIn({ name, servers }: Snapshot, server: string): Snapshot["servers"][number] {
  const found = servers.find((one) => one.name === server);
  if (found) return found;
  throw new UnknownName(name, server).among(servers.map((one) => one.name));
}
