/** What the server's own behaviour shows; nothing but checks and traffic change it. */
export type Health = "up" | "down" | "unchecked";

/**
 * Rise and fall of one server (HAProxy: `check rise fall observe layer4`). A failed connection counts at once,
 * as a failed check would; a request that succeeds never raises a server that is down, only checks do. Without
 * checks nothing could raise it again, so then it never falls.
 */
export class HealthState {
  readonly #rules: { rise: number; fall: number } | null;
  #status: Health;
  #successes = 0;
  #failures = 0;
  #refused = false;

  constructor(rules: { rise: number; fall: number } | null, restored: Health = "unchecked") {
    this.#rules = rules;
    this.#status = rules ? restored : "unchecked";
  }

  get status(): Health {
    return this.#status;
  }

  /** A health check answered as it should. `true`: that changed the status. */
  checkPassed(): boolean {
    this.#failures = 0;
    this.#successes++;
    if (this.#status === "up") return false;
    if (this.#status === "down" && this.#successes < (this.#rules?.rise ?? 1)) return false;
    this.#status = "up";
    this.#refused = false;
    return true;
  }

  /**
   * Since it was last up it has broken off, or answered as it should not: one that goes down is heard of by that. Who
   * was only silent may have been busy all the time.
   */
  get hasRefused(): boolean {
    return this.#refused;
  }

  /** A check failed, or a connection of a request did; `silent`: it took too long. `true`: that changed the status. */
  failed(silent = false): boolean {
    if (!silent) this.#refused = true;
    this.#successes = 0;
    this.#failures++;
    if (!this.#rules || this.#status === "down" || this.#failures < this.#rules.fall) return false;
    this.#status = "down";
    return true;
  }

  /** A request was answered. */
  answered(): void {
    if (this.#status !== "down") this.#failures = 0;
  }
}
