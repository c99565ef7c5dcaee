/** A drain or a stop that outlasts its command: `sluice drain`, `sluice stop`. */
import type { Right } from "../../config/rights.ts";
import type { Snapshot } from "../../scheduler/snapshot.ts";
import { cutAhead, cutWords } from "../../words/drain.ts";
import { clock, duration } from "../../words/times.ts";
import type { AdminClient } from "../client/admin-client.ts";
import { clause } from "../client/failures.ts";
import { keepTrying } from "../client/keep-trying.ts";
import { refuseWithout } from "../client/refuse-without.ts";
import { type Context, printJson, printLines } from "../context.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import type { Signals } from "../process/signals.ts";
import { counts, leasesLeft } from "../terminal/counts.ts";
import { inShell } from "../terminal/output.ts";
import { Reporter } from "../terminal/reporter.ts";
import { waitUntilDrained } from "./wait-until-drained.ts";

const ASK_EVERY_MS = 300;

export interface Lasting {
  noun: "drain" | "stop";
  pool: string;
  /** How long to wait for the last request in flight, in ms. */
  waitMs: number;
  owner: string | undefined;
  rights: readonly [Right, ...Right[]];
  begin: (signal: AbortSignal) => Promise<Snapshot>;
  /** What is to be said of the pool once nothing is waited for any more. */
  result: (snapshot: Snapshot) => string;
}

const WORDS = {
  drain: { begins: "draining", is: "drained" },
  stop: { begins: "stopping", is: "stopped" },
};

/** Begins it, and waits. Rejects with a `CliError` unless all went well: it stays in any case. */
export async function beginLasting(
  client: AdminClient,
  lasting: Lasting,
  signals: Signals,
  { out, err, json }: Context,
): Promise<void> {
  const { noun, pool, waitMs, owner, rights } = lasting;
  const { begins, is } = WORDS[noun];
  const reporter = new Reporter(err, false);
  const started = Date.now();
  const how = `to end it: sluice resume ${pool}${owner === undefined ? "" : ` --owner ${inShell(owner)}`}`;
  const first = await refuseWithout(rights, client, pool, signals.stop)
    .then(() => lasting.begin(signals.stopSoon))
    .catch((error) => {
      const advice = `if the ${noun} has begun, ${how}`;
      if (signals.stop.aborted) throw new CliError(signals.exitCode, `interrupted; ${advice}`);
      throw error;
    });
  const stays = `the ${noun} stays until ${clock(first.drain?.expiresAt ?? 0, Date.now())}; ${how}`;
  const giveUpAt = Date.now() + waitMs;
  const report = (words: string) => json || reporter.report({ event: "trying", pool }, words);
  const end = await waitUntilDrained({
    first,
    timeoutMs: waitMs,
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
      const left = cutAhead(snapshot.drain?.cut, Date.now()) ?? `${duration(leftMs)} left`;
      reporter.live(
        { event: begins },
        `${pool} ${begins}: ${counts(snapshot)}, ${left}`,
        `${pool} ${begins}: ${snapshot.inFlight} in flight`,
      );
    },
    isMine: ({ drain }) => drain?.since === first.drain?.since,
  }).catch((error) => {
    reporter.clear();
    if (signals.stop.aborted) throw new CliError(signals.exitCode, `interrupted; ${stays}`);
    if (error instanceof CliError) throw new CliError(error.exitCode, `${clause(error.message)}; ${stays}`);
    throw error;
  });
  reporter.clear();
  const { snapshot } = end;
  if (json) printJson(out, snapshot);
  if (end.result === "lost") throw new CliError(EXIT.notDrained, `${pool} was resumed meanwhile.`);
  if (end.result === "late") {
    throw new CliError(
      EXIT.notDrained,
      `${pool} is not ${is} after ${duration(waitMs)}, still at work: ${leasesLeft(snapshot, Date.now())}; ${stays}`,
    );
  }
  if (json) return;
  const cut = cutWords(snapshot.drain?.cut);
  const took = duration(Date.now() - started);
  const parts = [`${pool} ${is} after ${took}`, ...(cut === null ? [] : [cut]), lasting.result(snapshot)];
  printLines(out, [parts.join(", "), stays]);
}
