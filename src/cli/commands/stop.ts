import { rightsToDrain } from "../client/refuse-without.ts";
import { clientOf, contextOf } from "../context.ts";
import { beginLasting } from "../deploy/lasting-drain.ts";
import { Signals } from "../process/signals.ts";
import { CUT_AFTER, durationOption, examples, type Program, refuseLateCut } from "../program.ts";
import { quoted } from "../terminal/output.ts";

export function addStop(program: Program): void {
  program
    .command("stop")
    .description("refuse requests, also those that wait, and wait for those in flight, until it is resumed")
    .argument("<pool>", "the pool to stop")
    .option("--message <text>", "what clients are told with the refusal")
    .addOption(
      durationOption("--wait <duration>", "how long to wait for the last request in flight").default(
        60_000,
        "60s",
      ),
    )
    .addOption(durationOption("--cut-after <duration>", CUT_AFTER))
    .addOption(
      durationOption("--expires <duration>", "when it ends by itself (default: the pool's drain_expires)"),
    )
    .option("--owner <text>", "whose it is, where you have several (default: your token's name)")
    .addHelpText(
      "after",
      examples(
        'sluice stop web --message "New disks until 14:00."',
        "sluice stop web --expires 2h --cut-after 30s",
      ),
    )
    .action(async (pool, { message, wait, cutAfter, expires, owner }, command) => {
      refuseLateCut(cutAfter, "--expires", expires);
      const client = clientOf(command.optsWithGlobals());
      const options = { expiresMs: expires, owner, message, cutMs: cutAfter };
      const lasting = {
        noun: "stop" as const,
        pool,
        waitMs: wait,
        owner,
        rights: rightsToDrain(cutAfter),
        begin: (signal: AbortSignal) => client.stop(pool, options, signal),
        result: ({ drain }: { drain: { stop: { message: string | null } | null } | null }) => {
          const told = drain?.stop?.message ?? null;
          return `requests are refused${told === null ? "" : ` with ${quoted(told)}`}`;
        },
      };
      await beginLasting(client, lasting, new Signals(), contextOf(command.optsWithGlobals()));
    });
}
