import type { ServerSnapshot } from "../../scheduler/snapshot.ts";
import { duration } from "../../words/times.ts";
import { clause, inPool } from "../client/failures.ts";
import type { CliError } from "../exit-codes.ts";
import type { CommandEnd } from "../process/run-command.ts";
import { printable } from "../terminal/printable.ts";
import type { Reporter } from "../terminal/reporter.ts";
import type { RollTrying } from "./rolled-server.ts";

/** How a roll gets on, in words and as objects. */
export class RollNews implements RollTrying {
  readonly #pool: string;
  readonly #reporter: Reporter;
  #place = "";

  constructor(pool: string, reporter: Reporter) {
    this.#pool = pool;
    this.#reporter = reporter;
  }

  next(server: string, number: number, of: number): void {
    this.#place = `${server} (${number} of ${of})`;
    this.#tell({ event: "server", server, number, of }, null);
  }

  skipped(server: string): void {
    this.#tell({ event: "skipped", server }, `${server} is in maintenance, and left alone`);
  }

  draining({ name: server, inFlight }: ServerSnapshot, leftMs: number): void {
    this.#live(
      { event: "draining", server, inFlight, leftMs: Math.round(leftMs) },
      `${this.#yellow("draining")} ${this.#place}: ${inFlight} in flight, ${duration(leftMs)} left`,
      `draining ${this.#place}: ${inFlight} in flight`,
    );
  }

  running(server: string, [file = ""]: readonly string[]): void {
    this.#tell({ event: "running", server }, `${this.#place} idle, running ${printable(file)}`);
    this.#reporter.share(true);
  }

  commandEnded(server: string, [file = ""]: readonly string[], { code, words }: CommandEnd): void {
    const told = { event: "command", server, code, words };
    this.#tell(told, code === 0 ? null : this.#red(`${printable(file)} ${words}`));
    this.#reporter.share(false);
  }

  comingUp({ name: server, health }: ServerSnapshot, leftMs: number): void {
    this.#live(
      { event: "coming-up", server, health, leftMs: Math.round(leftMs) },
      `${this.#yellow("waiting")} for ${this.#place} to be up: ${health}, ${duration(leftMs)} left`,
      `waiting for ${this.#place} to be up`,
    );
  }

  back(server: string): void {
    this.#tell(
      { event: "back", server },
      `${this.#place} ${this.#reporter.style("green", "takes requests again")}`,
    );
  }

  late(server: string, timeoutMs: number): void {
    const words = `${this.#place} has a request in flight after ${duration(timeoutMs)}`;
    this.#tell({ event: "not-drained", server }, this.#red(words));
  }

  notUp(server: string, timeoutMs: number): void {
    this.#tell(
      { event: "not-up", server },
      this.#red(`${this.#place} is not up after ${duration(timeoutMs)}`),
    );
  }

  held(server: string): void {
    const how = `sluice server ${this.#pool} ${server} --state ready`;
    this.#tell({ event: "held", server }, `${server} stays out; to put it back: ${how}`);
  }

  /** The server could not be put back. */
  left(server: string, error: string): void {
    const how = `sluice server ${this.#pool} ${server} --state ready`;
    this.#tell(
      { event: "left", server, error },
      this.#red(`${this.#clause(error)}; if ${server} is still out: ${how}`),
    );
  }

  stopped(server: string, done: readonly string[], notYet: readonly string[]): void {
    const words = [
      `stopped at ${server}`,
      `done: ${done.join(", ") || "none"}`,
      `not begun: ${notYet.join(", ") || "none"}`,
    ];
    this.#tell({ event: "stopped", server, done, notYet }, this.#red(words.join("; ")));
  }

  finished(done: readonly string[]): void {
    this.#tell({ event: "finished", done }, done.length ? `all done: ${done.join(", ")}` : "nothing to do");
  }

  failed(error: string): void {
    this.#tell({ event: "failed", error }, this.#red(inPool(this.#pool, error)));
  }

  onTrouble(error: CliError): void {
    this.#tell(
      { event: "unreachable", error: error.message },
      this.#red(`${this.#clause(error.message)}; trying again`),
    );
  }

  onReached(): void {
    this.#tell({ event: "reached" }, "Sluice answers again");
  }

  #tell(told: { event: string; [key: string]: unknown }, words: string | null): void {
    this.#reporter.tell({ pool: this.#pool, ...told }, words === null ? null : `${this.#pool} ${words}`);
  }

  #live(told: { event: string; [key: string]: unknown }, words: string, change: string): void {
    this.#reporter.live({ pool: this.#pool, ...told }, `${this.#pool} ${words}`, `${this.#pool} ${change}`);
  }

  #clause(message: string): string {
    return clause(inPool(this.#pool, message));
  }

  #yellow(text: string): string {
    return this.#reporter.style("yellow", text);
  }

  #red(text: string): string {
    return this.#reporter.style("red", text);
  }
}
