import type { Snapshot } from "../../scheduler/snapshot.ts";
import { cutAhead, cutLeases, cutWords } from "../../words/drain.ts";
import { clock, duration } from "../../words/times.ts";
import type { CliError } from "../exit-codes.ts";
import type { CommandEnd } from "../process/run-command.ts";
import { counts, leasesLeft } from "../terminal/counts.ts";
import { holderOf, printable } from "../terminal/output.ts";
import { Progress } from "../terminal/progress.ts";
import type { DrainProgress } from "./held-drain.ts";

/** The progress of a deploy. */
export class DeployProgress extends Progress implements DrainProgress {
  readonly #startedAt = performance.now();

  draining(snapshot: Snapshot, leftMs: number): void {
    const { inFlight, queued, oldestWaitMs, drain } = snapshot;
    const cut = drain?.cut ? { cutAt: drain.cut.at } : {};
    // Until then, if there is to be a cut: it ends the wait.
    const left = cutAhead(drain?.cut, Date.now()) ?? `${duration(leftMs)} left`;
    this.live(
      { event: "draining", inFlight, queued, oldestWaitMs, leftMs: Math.round(leftMs), ...cut },
      `${this.reporter.style("yellow", "draining")}: ${counts(snapshot)}, ${left}`,
      `draining: ${inFlight} in flight`,
    );
  }

  /** The command runs now. */
  drained({ drain }: Snapshot, [file = ""]: readonly string[]): void {
    const ms = this.#elapsedMs();
    const cut = drain?.cut ? { cutOff: cutLeases(drain.cut) } : {};
    const words = cutWords(drain?.cut);
    this.report(
      { event: "drained", afterMs: ms, ...cut },
      `drained after ${duration(ms)}${words === null ? "" : `, ${words}`}, running ${printable(file)}`,
    );
    this.reporter.share(true);
  }

  commandEnded([file = ""]: readonly string[], { words }: CommandEnd, code: number): void {
    this.reporter.share(false);
    const failure = code === 0 ? null : this.red(`${printable(file)} ${words}`);
    this.report({ event: "command", code, words }, failure);
  }

  resumed(snapshot: Snapshot): void {
    const ms = this.#elapsedMs();
    const { inFlight, queued, oldestWaitMs } = snapshot;
    this.report(
      { event: "resumed", afterMs: ms, inFlight, queued, oldestWaitMs },
      `${this.reporter.style("green", "runs again")} after ${duration(ms)}: ${counts(snapshot)}`,
    );
  }

  late(snapshot: Snapshot, timeoutMs: number): void {
    const { inFlight, servers } = snapshot;
    const leases = servers.flatMap((server) =>
      server.leases.map((lease) => ({ server: server.name, ...lease })),
    );
    this.report(
      { event: "not-drained", inFlight, leases },
      this.red(
        `not drained after ${duration(timeoutMs)}, still at work: ${leasesLeft(snapshot, Date.now())}`,
      ),
    );
  }

  lost(drain: Snapshot["drain"]): void {
    const now = drain ? `${holderOf(drain)} drains it now, not to be resumed by us` : "it runs";
    const words = this.red(`the drain was ended by somebody else, or ran out: ${now}`);
    this.report({ event: "lost", drain }, words);
  }

  held({ drain }: Snapshot): void {
    const how = `sluice resume ${this.pool} --force`;
    if (!drain) this.lost(drain);
    else {
      const words = `stays drained until ${clock(drain.expiresAt, Date.now())}; to end it: ${how}`;
      this.report({ event: "held", until: drain.expiresAt }, words);
    }
  }

  unreachable(error: CliError, endsBy: number): void {
    const net = endsBy ? `; at the latest at ${clock(endsBy, Date.now())} the pool resumes by itself` : "";
    const until = endsBy ? new Date(endsBy).toISOString() : null;
    this.report(
      { event: "unreachable", error: error.message, until },
      this.red(`${this.clause(error)}; trying again${net}`),
    );
  }

  interrupted(signal: string | null): void {
    this.report({ event: "interrupted", signal }, `${signal}: the command is not run`);
  }

  /** A signal has come while the drain is being ended. */
  ending(): void {
    this.report({ event: "ending" }, "resuming; once more to leave it to the drain's own end");
  }

  /** The drain could not be ended. */
  left(error: CliError | null, endsBy: number): void {
    const why = error ? `${this.clause(error)}; ` : "";
    const until = new Date(endsBy).toISOString();
    this.report(
      { event: "left", error: error?.message ?? null, until },
      this.red(`${why}not resumed: at the latest at ${clock(endsBy, Date.now())} the pool resumes by itself`),
    );
  }

  #elapsedMs(): number {
    return Math.round(performance.now() - this.#startedAt);
  }
}
