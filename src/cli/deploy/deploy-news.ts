import type { Snapshot } from "../../scheduler/snapshot.ts";
import { clock, duration } from "../../words/times.ts";
import { clause, inPool } from "../client/failures.ts";
import type { CliError } from "../exit-codes.ts";
import type { CommandEnd } from "../process/run-command.ts";
import { counts, leasesLeft } from "../terminal/counts.ts";
import { printable, quoted } from "../terminal/printable.ts";
import type { Reporter } from "../terminal/reporter.ts";
import type { DrainNews } from "./held-drain.ts";

/** How a deploy gets on, in words and as objects. */
export class DeployNews implements DrainNews {
  readonly #pool: string;
  readonly #reporter: Reporter;
  readonly #started = performance.now();

  constructor(pool: string, reporter: Reporter) {
    this.#pool = pool;
    this.#reporter = reporter;
  }

  draining(snapshot: Snapshot, leftMs: number): void {
    const { inFlight, queued, oldestWaitMs } = snapshot;
    this.#reporter.live(
      { event: "draining", pool: this.#pool, inFlight, queued, oldestWaitMs, leftMs: Math.round(leftMs) },
      `${this.#pool} ${this.#reporter.style("yellow", "draining")}: ${counts(snapshot)}, ${duration(leftMs)} left`,
      `${this.#pool} draining: ${inFlight} in flight`,
    );
  }

  running([file = ""]: readonly string[]): void {
    const ms = this.#elapsed();
    this.#tell(
      { event: "drained", afterMs: ms },
      `drained after ${duration(ms)}, running ${printable(file)}`,
    );
    this.#reporter.share(true);
  }

  commandEnded([file = ""]: readonly string[], { words }: CommandEnd, code: number): void {
    const said = code === 0 ? null : this.#red(`${printable(file)} ${words}`);
    this.#tell({ event: "command", code, words }, said);
    this.#reporter.share(false);
  }

  resumed(snapshot: Snapshot): void {
    const ms = this.#elapsed();
    const { inFlight, queued, oldestWaitMs } = snapshot;
    this.#tell(
      { event: "resumed", afterMs: ms, inFlight, queued, oldestWaitMs },
      `${this.#reporter.style("green", "runs again")} after ${duration(ms)}: ${counts(snapshot)}`,
    );
  }

  late(snapshot: Snapshot, timeoutMs: number): void {
    const { inFlight, servers } = snapshot;
    const leases = servers.flatMap(({ name, leases: held }) =>
      held.map((lease) => ({ server: name, ...lease })),
    );
    this.#tell(
      { event: "not-drained", inFlight, leases },
      this.#red(
        `not drained after ${duration(timeoutMs)}, still at work: ${leasesLeft(snapshot, Date.now())}`,
      ),
    );
  }

  /** Ours is over; `drain` is another's, or nobody's. */
  lost(drain: Snapshot["drain"]): void {
    const now = drain ? `${quoted(drain.owner)} drains it now, not to be resumed by us` : "it runs";
    const told = { event: "lost", drain };
    this.#tell(told, this.#red(`the drain was ended by somebody else, or ran out: ${now}`));
  }

  held({ drain }: Snapshot): void {
    const how = `sluice resume ${this.#pool} --force`;
    if (!drain) this.lost(drain);
    else {
      const told = { event: "held", until: drain.expiresAt };
      this.#tell(told, `stays drained until ${clock(drain.expiresAt, Date.now())}; to end it: ${how}`);
    }
  }

  unreachable(error: CliError, endsBy: number): void {
    const net = endsBy ? `; at the latest at ${clock(endsBy, Date.now())} the pool resumes by itself` : "";
    const until = endsBy ? new Date(endsBy).toISOString() : null;
    this.#tell(
      { event: "unreachable", error: error.message, until },
      this.#red(`${this.#clause(error)}; trying again${net}`),
    );
  }

  reached(): void {
    this.#tell({ event: "reached" }, "Sluice answers again");
  }

  interrupted(signal: string | null): void {
    this.#tell({ event: "interrupted", signal }, `${signal}: the command is not run`);
  }

  stillEnding(): void {
    this.#tell({ event: "ending" }, "resuming; once more to leave it to the drain's own end");
  }

  /** The drain could not be ended. */
  left(error: CliError | null, endsBy: number): void {
    const why = error ? `${this.#clause(error)}; ` : "";
    const until = new Date(endsBy).toISOString();
    const told = { event: "left", error: error?.message ?? null, until };
    this.#tell(
      told,
      this.#red(
        `${why}not resumed: at the latest at ${clock(endsBy, Date.now())} the pool resumes by itself`,
      ),
    );
  }

  failed(error: CliError): void {
    this.#tell({ event: "failed", error: error.message }, this.#red(inPool(this.#pool, error.message)));
  }

  #tell(told: { event: string; [key: string]: unknown }, words: string | null): void {
    this.#reporter.tell({ pool: this.#pool, ...told }, words === null ? null : `${this.#pool} ${words}`);
  }

  #clause({ message }: CliError): string {
    return clause(inPool(this.#pool, message));
  }

  #elapsed(): number {
    return Math.round(performance.now() - this.#started);
  }

  #red(text: string): string {
    return this.#reporter.style("red", text);
  }
}
