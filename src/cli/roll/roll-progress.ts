import type { ServerSnapshot } from "../../scheduler/snapshot.ts";
import { cutAhead, cutLeases, cutWords } from "../../words/drain.ts";
import { clock, duration } from "../../words/times.ts";
import type { CliError } from "../exit-codes.ts";
import type { CommandEnd } from "../process/run-command.ts";
import { printable } from "../terminal/output.ts";
import { Progress } from "../terminal/progress.ts";
import { opensAt } from "./closed-slots.ts";

/** The progress of a roll. */
export class RollProgress extends Progress {
  /** The current server and its number. */
  #current = "";
  /** What its last health check got that has failed since its command ended. */
  #got: string | null = null;

  /** The pool has no health checks. */
  unchecked(): void {
    const words =
      "it has no `check`, so nobody knows when a server is up again: each is put back as soon as its command ends";
    this.report({ event: "unchecked" }, `${this.#yellow("warning")}: ${words}`);
  }

  next(server: string, number: number, of: number): void {
    this.#current = `${server} (${number} of ${of})`;
    this.#got = null;
    this.report({ event: "server", server, number, of }, null);
  }

  skipped(server: string): void {
    this.report({ event: "skipped", server }, `${server} is in maintenance, and left alone`);
  }

  draining({ name: server, inFlight, cut }: ServerSnapshot, leftMs: number): void {
    const cutAt = cut ? { cutAt: cut.at } : {};
    const left = cutAhead(cut, Date.now()) ?? `${duration(leftMs)} left`;
    this.live(
      { event: "draining", server, inFlight, leftMs: Math.round(leftMs), ...cutAt },
      `${this.#yellow("draining")} ${this.#current}: ${inFlight} in flight, ${left}`,
      `draining ${this.#current}: ${inFlight} in flight`,
    );
  }

  running(server: ServerSnapshot, [file = ""]: readonly string[]): void {
    const { name, cut } = server;
    const cutOff = cut ? { cutOff: cutLeases(cut) } : {};
    const state = cutWords(cut) ?? "idle";
    this.report(
      { event: "running", server: name, ...cutOff },
      `${this.#current} ${state}, running ${printable(file)}`,
    );
    this.reporter.share(true);
  }

  commandEnded(server: string, [file = ""]: readonly string[], { code, words }: CommandEnd): void {
    this.reporter.share(false);
    const failure = code === 0 ? null : this.red(`${printable(file)} ${words}`);
    this.report({ event: "command", server, code, words }, failure);
  }

  /** `got`: what its last health check got that has failed; `null`: none has. */
  comingUp(server: ServerSnapshot, leftMs: number, got: string | null): void {
    const { name, health } = server;
    this.#got = got ?? this.#got;
    const opens = opensAt(server);
    const event = { event: "coming-up", server: name, health, got, leftMs: Math.round(leftMs) };
    if (opens !== null) {
      const why = `is closed until ${clock(opens, Date.now())} at the latest, as what ran there was cut off`;
      this.live({ ...event, opens }, `${this.#current} ${why}`, `${this.#current} ${why}`);
      return;
    }
    const why = got === null ? "" : `: ${printable(got)}`;
    this.live(
      event,
      `${this.#yellow("waiting")} for ${this.#current} to be up${why || `: ${health}`}, ${duration(leftMs)} left`,
      `waiting for ${this.#current} to be up${why}`,
    );
  }

  back(server: string): void {
    const words = `${this.#current} ${this.reporter.style("green", "takes requests again")}`;
    this.report({ event: "back", server }, words);
  }

  late(server: string, timeoutMs: number): void {
    const words = `${this.#current} has a request in flight after ${duration(timeoutMs)}`;
    this.report({ event: "not-drained", server }, this.red(words));
  }

  notUp(server: string, timeoutMs: number): void {
    const why = this.#got === null ? "" : `: ${printable(this.#got)}`;
    const words = `${this.#current} is not up after ${duration(timeoutMs)}${why}`;
    this.report({ event: "not-up", server, got: this.#got }, this.red(words));
  }

  held(server: string): void {
    const words = `${server} stays out; to put it back: ${this.#howToPutBack(server)}`;
    this.report({ event: "held", server }, words);
  }

  /** The server could not be put back. */
  left(server: string, error: CliError): void {
    const words = `${this.clause(error)}; if ${server} is still out: ${this.#howToPutBack(server)}`;
    this.report({ event: "left", server, error: error.message }, this.red(words));
  }

  stopped(server: string, done: readonly string[], notYet: readonly string[]): void {
    const words = [
      `stopped at ${server}`,
      `done: ${done.join(", ") || "none"}`,
      `not begun: ${notYet.join(", ") || "none"}`,
    ];
    this.report({ event: "stopped", server, done, notYet }, this.red(words.join("; ")));
  }

  finished(done: readonly string[]): void {
    this.report({ event: "finished", done }, done.length ? `all done: ${done.join(", ")}` : "nothing to do");
  }

  unreachable(error: CliError): void {
    this.report(
      { event: "unreachable", error: error.message },
      this.red(`${this.clause(error)}; trying again`),
    );
  }

  #howToPutBack(server: string): string {
    return `sluice server ${this.pool} ${server} --state ready`;
  }

  #yellow(text: string): string {
    return this.reporter.style("yellow", text);
  }
}
