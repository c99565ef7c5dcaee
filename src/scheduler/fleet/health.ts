import type { Health } from "../terms/rows.ts";

/**
 * How a server took a check.
 * passed   it answered as it should
 * failed   it answered otherwise
 * refused  it took no connection: nothing listens there
 * broken   it could not be reached for another reason, or broke off
 * timeout  we gave up, and it may still be at it
 */
export type CheckResult = "passed" | "failed" | "refused" | "broken" | "timeout";

/** A "down" that nothing has confirmed for this long says little about the server of now. */
const STALE_MS = 60_000;

/**
 * Rise and fall of one server (HAProxy: `check rise fall observe layer4`). Failed checks and failed requests add up.
 * Only a passed check ends a row of failed checks: a server may answer requests, with its 500s, and be unwell. An
 * answered request ends a row of failed requests, or one bad request in a thousand would bring a busy server down.
 * Only checks raise a server that is down. Without checks nothing could, so then it never falls.
 */
export class HealthState {
  readonly #rules: { rise: number; fall: number } | null;
  #status: Health;
  /** When it was last seen to be down, or `-Infinity`. */
  #confirmedAt: number;
  #passedChecks = 0;
  #failedChecks = 0;
  #failedRequests = 0;
  #refusedAt: number | null = null;

  /** `since`: when the restored status began. */
  constructor(
    rules: { rise: number; fall: number } | null,
    restored: Health = "unchecked",
    since: number | null = null,
  ) {
    this.#rules = rules;
    this.#status = rules ? restored : "unchecked";
    this.#confirmedAt = since ?? Number.NEGATIVE_INFINITY;
  }

  get status(): Health {
    return this.#status;
  }

  /** When a check that was refused was made, the last one since the server was well; `null`: none was. */
  get refusedAt(): number | null {
    return this.#refusedAt;
  }

  /** Down, as was seen a short while ago. */
  isSurelyDown(now: number): boolean {
    return this.#status === "down" && now - this.#confirmedAt < STALE_MS;
  }

  /** `true`: that changed the status. */
  checkPassed(): boolean {
    this.#failedChecks = 0;
    this.#failedRequests = 0;
    this.#passedChecks++;
    if (this.#status === "down" && this.#passedChecks < (this.#rules?.rise ?? 1)) return false;
    this.#refusedAt = null;
    const changed = this.#status !== "up";
    this.#status = "up";
    return changed;
  }

  /** `askedAt`: when the check was made. `true`: that changed the status. */
  checkFailed(result: Exclude<CheckResult, "passed">, askedAt: number, now: number): boolean {
    this.#failedChecks++;
    if (result === "refused") this.#refusedAt = askedAt;
    return this.#failed(now);
  }

  /** A request's connection failed, or the server was silent for too long. `true`: that changed the status. */
  requestFailed(now: number): boolean {
    this.#failedRequests++;
    return this.#failed(now);
  }

  requestAnswered(): void {
    this.#failedRequests = 0;
  }

  #failed(now: number): boolean {
    this.#passedChecks = 0;
    const wasDown = this.#status === "down";
    if (this.#rules && this.#failedChecks + this.#failedRequests >= this.#rules.fall) this.#status = "down";
    if (this.#status !== "down") return false;
    this.#confirmedAt = now;
    return !wasDown;
  }
}
