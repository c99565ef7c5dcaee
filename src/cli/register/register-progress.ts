import type { ServerSnapshot } from "../../scheduler/snapshot.ts";
import { counted } from "../../words/phrases.ts";
import { clock, duration } from "../../words/times.ts";
import type { CliError } from "../exit-codes.ts";
import type { CommandEnd } from "../process/run-command.ts";
import { printable } from "../terminal/output.ts";
import { Progress } from "../terminal/progress.ts";
import type { Reporter } from "../terminal/reporter.ts";

/** The progress of a server that registers. */
export class RegisterProgress extends Progress {
  readonly #name: string;

  constructor(pool: string, name: string, reporter: Reporter) {
    super(pool, reporter);
    this.#name = name;
  }

  running([file = ""]: readonly string[]): void {
    this.#tell({ event: "running" }, `runs ${printable(file)}`);
    this.reporter.share(true);
  }

  registered({ url, slots, health, registered }: ServerSnapshot): void {
    const expiresAt = registered?.expiresAt ?? null;
    const until = expiresAt === null ? "" : `, until ${clock(expiresAt, Date.now())} unless it renews`;
    const yet = health === "down" ? ", and gets requests once its checks pass" : "";
    this.#tell(
      { event: "registered", url, slots, health, expiresAt },
      `${this.reporter.style("green", "registered")} at ${printable(url)} with ${counted(slots, "slot")}${until}${yet}`,
    );
  }

  trouble(error: CliError): void {
    this.#tell({ event: "trouble", error: error.message }, this.red(`${this.clause(error)}; trying again`));
  }

  leaving(signal: string | null, timeoutMs: number): void {
    const why = signal ?? "the command has ended";
    const wait = timeoutMs > 0 ? `, waits ${duration(timeoutMs)} at most for what is in flight` : "";
    this.#tell({ event: "leaving", signal }, `leaves (${why})${wait}`);
  }

  left(inFlight: number): void {
    const words = inFlight === 0 ? "has left" : this.red(`has left with ${inFlight} in flight`);
    this.#tell({ event: "left", inFlight }, words);
  }

  /** Sluice was not told that the server leaves. */
  notTold(error: CliError | null): void {
    const why = error ? `${this.clause(error)}; ` : "";
    const words = this.red(`${why}did not say that it leaves: its time runs out`);
    this.#tell({ event: "not-told", error: error?.message ?? null }, words);
  }

  commandEnded([file = ""]: readonly string[], { code, words }: CommandEnd): void {
    this.reporter.share(false);
    const failure = code === 0 ? null : this.red(`${printable(file)} ${words}`);
    this.report({ event: "command", server: this.#name, code, words }, failure);
  }

  #tell(event: { event: string } & Record<string, unknown>, words: string): void {
    this.report({ server: this.#name, ...event }, `${printable(this.#name)} ${words}`);
  }
}
