import { rightsToDrain } from "../client/refuse-without.ts";
import { clientOf, contextOf } from "../context.ts";
import { beginLasting } from "../deploy/lasting-drain.ts";
import { Signals } from "../process/signals.ts";
import { CUT_AFTER, durationOption, examples, type Program, refuseLateCut } from "../program.ts";
import { queuedCounts } from "../terminal/counts.ts";

export function addDrain(program: Program): void {
  program
    .command("drain")
    .description("queue new requests and wait for those in flight; the drain stays until it is resumed")
    .argument("<pool>", "the pool to drain")
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
    .option("--reason <text>", "why, for whoever looks")
    .addHelpText(
      "after",
      examples(
        "sluice drain web",
        "sluice drain web --cut-after 30s",
        'sluice drain web --wait 2m --expires 1h --reason "new disks"',
      ),
    )
    .action(async (pool, { wait, cutAfter, expires, owner, reason }, command) => {
      refuseLateCut(cutAfter, "--expires", expires);
      const client = clientOf(command.optsWithGlobals());
      const options = { expiresMs: expires, owner, reason, cutMs: cutAfter };
      const lasting = {
        noun: "drain" as const,
        pool,
        waitMs: wait,
        owner,
        rights: rightsToDrain(cutAfter),
        begin: (signal: AbortSignal) => client.drain(pool, options, signal),
        result: queuedCounts,
      };
      await beginLasting(client, lasting, new Signals(), contextOf(command.optsWithGlobals()));
    });
}
