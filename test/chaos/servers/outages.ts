import type { Socket } from "node:net";
import type { Journal } from "../journal.ts";
import { type Listener, reset } from "./listener.ts";
import type { Work } from "./work.ts";
import type { Workload } from "./workload.ts";

/** So long after a failure the pool may take the server for down, or not know of it yet. */
const TROUBLED_MS = 500;

/** How long a restart takes that comes instead of something else. */
const SHORT_MS = 100;

/**
 * How a server breaks its connections. Sluice takes two failures in a row for a server that is down, and one that
 * is up again for restarted, hence idle, if it refused connections meanwhile (contract, `quarantine`). To refuse or
 * break connections while requests that were cut off keep it busy, or to go on with one when it may be down already,
 * would belie that: such a server restarts instead.
 */
export class Outages {
  /** No more of them. */
  over = false;
  readonly #server: string;
  readonly #listener: Listener;
  readonly #workload: Workload;
  readonly #journal: Journal;
  /** What the next requests and connections meet. */
  #resets = 0;
  readonly #fronts: number[] = [];
  #troubledUntil = 0;
  #isTrusted = false;
  #sickness: { status: number } | null = null;

  constructor(server: string, listener: Listener, workload: Workload, journal: Journal) {
    this.#server = server;
    this.#listener = listener;
    this.#workload = workload;
    this.#journal = journal;
  }

  /**
   * A health check may take longer than its timeout: it is a failure too, and goes on after it. A server that is down
   * for the pool may be up again before its end.
   */
  get mayBeLate(): boolean {
    return this.mayGoOn && !this.#workload.hasStray();
  }

  /** To go on after its connection was cut off: nothing may let that pass for a server that has restarted since. */
  get mayGoOn(): boolean {
    return this.mayHang && this.#isTrusted;
  }

  get mayHang(): boolean {
    return !this.over && this.#listener.isOpen && !this.#isTroubled;
  }

  /** The status of all its answers while it is out of order. */
  get sickStatus(): number | null {
    return this.#sickness?.status ?? null;
  }

  /** One that is sick is down soon, and what it does then may have to pass for a restart. */
  get #isTroubled(): boolean {
    return this.#sickness !== null || this.#journal.now() < this.#troubledUntil;
  }

  /** A request has come: nobody takes the server for down any more. */
  requested(): void {
    if (!this.#isTroubled) this.#isTrusted = true;
  }

  /** As a killed process: all work ends at once, and nobody listens for a while. */
  restart(forMs: number): void {
    this.#workload.kill();
    this.#listener.hangUp();
    this.#listener.shut(forMs);
    this.#troubled(forMs);
  }

  crash(forMs: number): void {
    this.#journal.fault("restart", this.#server);
    this.restart(forMs);
  }

  /** Accepts no connection for a while; what is in flight goes on. */
  refuse(forMs: number): void {
    if (this.#workload.hasStray()) return void this.crash(forMs);
    this.#journal.fault("refused connections", this.#server);
    this.#listener.shut(forMs);
    this.#troubled(forMs);
  }

  /** So many of the next connections are reset before anything is read from them. */
  resetNext(connections: number): void {
    this.#resets += connections;
  }

  /** So many of the next requests get this answer of Cloudflare's, and never come to the server. */
  frontNext(status: number, requests: number): void {
    for (let one = 0; one < requests; one++) this.#fronts.push(status);
  }

  /** Out of order from now on: it answers everything with this status and goes on with what it does, until `recover`. */
  sicken(status: number): void {
    this.#journal.fault("sick", this.#server);
    this.#sickness = { status };
  }

  recover(): void {
    this.#sickness = null;
    this.#troubled(0);
  }

  /** Told of each new connection. */
  connected(socket: Socket): void {
    if (this.#resets === 0 || this.over) return;
    this.#resets--;
    if (this.#workload.hasStray()) return void this.crash(SHORT_MS);
    this.#journal.fault("reset before reading", this.#server);
    this.#noteTrouble();
    reset(socket);
    this.#troubled(0);
  }

  /** Told of each request; what the server's front says instead of the server, which may have been restarted by it. */
  fronted(): number | null {
    const status = this.over ? undefined : this.#fronts.shift();
    if (status === undefined) return null;
    this.#noteTrouble();
    if (this.#workload.hasStray()) {
      this.crash(SHORT_MS);
    } else {
      this.#journal.fault("Cloudflare's 521 and the like", this.#server);
      this.#troubled(0);
    }
    return status;
  }

  /** Breaks the connection of this work, which goes on. */
  breakOff(work: Work, kind: string, how: () => void): void {
    if (this.#workload.hasStray(work) || this.#isTroubled) return void this.crash(SHORT_MS);
    this.#journal.fault(kind, this.#server);
    if (work.job) work.job.brokeAt = this.#journal.now();
    work.stray = true;
    how();
    this.#troubled(0);
  }

  /** A health check takes longer than its timeout. */
  late(work: Work, forMs: number): void {
    this.#journal.fault("late check", this.#server);
    work.stray = true;
    this.#troubled(forMs);
  }

  #noteTrouble(): void {
    this.#journal.trouble(this.#server).to = this.#journal.now();
  }

  #troubled(forMs: number): void {
    this.#isTrusted = false;
    this.#troubledUntil = Math.max(this.#troubledUntil, this.#journal.now() + forMs + TROUBLED_MS);
  }
}
