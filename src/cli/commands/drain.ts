import { clock, duration } from "../../words/times.ts";
import { clause } from "../client/failures.ts";
import { keepTrying } from "../client/keep-trying.ts";
import { refuseWithout } from "../client/refuse-without.ts";
import { clientOf, contextOf, printJson, printLines } from "../context.ts";
import { waitUntilDrained } from "../deploy/wait-until-drained.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import { Signals } from "../process/signals.ts";
import { durationOption, examples, type Program } from "../program.ts";
import { counts, leasesLeft, queuedCounts } from "../terminal/counts.ts";
import { inShell } from "../terminal/output.ts";
import { Reporter } from "../terminal/reporter.ts";

const ASK_EVERY_MS = 300;

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
    .addOption(
      durationOption("--expires <duration>", "when it ends by itself (default: the pool's drain_expires)"),
    )
    .option("--owner <text>", "whose it is, where you have several (default: your token's name)")
    .option("--reason <text>", "why, for whoever looks")
    .addHelpText(
      "after",
      examples("sluice drain web", 'sluice drain web --wait 2m --expires 1h --reason "new disks"'),
    )
    .action(async (pool, { wait, expires, owner, reason }, command) => {
      const { out, err, json } = contextOf(command.optsWithGlobals());
      const client = clientOf(command.optsWithGlobals());
      const signals = new Signals();
      const reporter = new Reporter(err, false);
      const started = Date.now();
      const how = `to end it: sluice resume ${pool}${owner === undefined ? "" : ` --owner ${inShell(owner)}`}`;
      const first = await refuseWithout(["look", "drain"], client, pool, signals.stop)
        .then(() => client.drain(pool, { expiresMs: expires, owner, reason }, signals.stopSoon))
        .catch((error) => {
          const advice = `if the drain has begun, ${how}`;
          if (signals.stop.aborted) throw new CliError(signals.exitCode, `interrupted; ${advice}`);
          throw error;
        });
      const stays = `the drain stays until ${clock(first.drain?.expiresAt ?? 0, Date.now())}; ${how}`;
      const giveUpAt = Date.now() + wait;
      const report = (words: string) => json || reporter.report({ event: "trying", pool }, words);
      const end = await waitUntilDrained({
        first,
        timeoutMs: wait,
        ask: async () => {
          await signals.sleep(ASK_EVERY_MS);
          return keepTrying(() => client.pool(pool, signals.stop), {
            giveUpAt: () => giveUpAt,
            stop: signals.stop,
            onTrouble: ({ message }) => report(`${clause(message)}; trying again`),
            onReached: () => report("Sluice answers again"),
          });
        },
        onSnapshot: (snapshot, leftMs) => {
          if (json) return;
          const words = `${pool} draining: ${counts(snapshot)}`;
          const event = { event: "draining", pool, inFlight: snapshot.inFlight, queued: snapshot.queued };
          reporter.live(
            event,
            `${words}, ${duration(leftMs)} left`,
            `${pool} draining: ${snapshot.inFlight} in flight`,
          );
        },
        isMine: ({ drain }) => drain?.since === first.drain?.since,
      }).catch((error) => {
        reporter.clear();
        if (signals.stop.aborted) throw new CliError(signals.exitCode, `interrupted; ${stays}`);
        if (error instanceof CliError)
          throw new CliError(error.exitCode, `${clause(error.message)}; ${stays}`);
        throw error;
      });
      reporter.clear();
      if (json) printJson(out, end.snapshot);
      if (end.result === "lost") throw new CliError(EXIT.notDrained, `${pool} was resumed meanwhile.`);
      if (end.result === "late") {
        throw new CliError(
          EXIT.notDrained,
          `${pool} is not drained after ${duration(wait)}, still at work: ${leasesLeft(end.snapshot, Date.now())}; ${stays}`,
        );
      }
      if (!json) {
        const took = duration(Date.now() - started);
        printLines(out, [`${pool} drained after ${took}, ${queuedCounts(end.snapshot)}`, stays]);
      }
    });
}
