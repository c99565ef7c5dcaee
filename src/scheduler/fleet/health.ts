import type { Health } from "../terms/rows.ts";

/**
 * How a health check or a probe ended.
 * passed   the server answered with a status that was asked for
 * failed   the server answered with another status
 * refused  the server refused the connection: nothing listens there
 * broken   the server could not be reached for another reason, or broke off
 * timeout  the server did not answer in time, and may still be busy with the question
 */
export type CheckResult = "passed" | "failed" | "refused" | "broken" | "timeout";

/** After this long without another failure, in ms, `down` says little about how the server is now. */
const STALE_MS = 60_000;

/**
 * The health of one server (HAProxy: `check rise fall observe layer4`). `fall` failures take it down, `rise` passed
 * checks in a row bring it up again.
 *
 * Failed checks and failed requests add up. A passed check resets both; an answered request resets the failed requests
 * only, because a server that answers every request with a 500 is unwell all the same. Without that reset, one failure
 * in a thousand requests would take a busy server down. Nothing but checks can bring a server up, so in a pool without
 * checks none ever goes down.
 */
export class HealthState {
  readonly #rules: { rise: number; fall: number } | null;
  #status: Health;
  /** When the server was last seen to be down, in ms since the epoch; `-Infinity`: never. */
  #lastDownAt: number;
  #passedChecks = 0;
  #failedChecks = 0;
  #failedRequests = 0;
  #refusedAt: number | null = null;

  /** `rules`: `null` without checks. `since`: when the restored status began. */
  constructor(
    rules: { rise: number; fall: number } | null,
    restored: Health = "unchecked",
    since: number | null = null,
  ) {
    this.#rules = rules;
    this.#status = rules ? restored : "unchecked";
    this.#lastDownAt = since ?? Number.NEGATIVE_INFINITY;
  }

  get status(): Health {
    return this.#status;
  }

  /**
   * When the latest check was sent that was refused, since the server was last up; `null`: none. A server that
   * refuses connections is not running, so whatever it worked on before is gone. A timeout does not count: a server
   * that is only busy times out as well.
   */
  get refusedAt(): number | null {
    return this.#refusedAt;
  }

  /** True if the server is down, and was seen to be recently. */
  isSurelyDown(now: number): boolean {
    return this.#status === "down" && now - this.#lastDownAt < STALE_MS;
  }

  /** Returns true if that changed the status. */
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

  /** `askedAt`: when the check was sent. Returns true if that changed the status. */
  checkFailed(result: Exclude<CheckResult, "passed">, askedAt: number, now: number): boolean {
    this.#failedChecks++;
    if (result === "refused") this.#refusedAt = askedAt;
    return this.#fallIfDue(now);
  }

  /** A request's connection failed, or the server was silent for too long. Returns true if that changed the status. */
  requestFailed(now: number): boolean {
    this.#failedRequests++;
    return this.#fallIfDue(now);
  }

  requestAnswered(): void {
    this.#failedRequests = 0;
  }

  #fallIfDue(now: number): boolean {
    this.#passedChecks = 0;
    const wasDown = this.#status === "down";
    if (this.#rules && this.#failedChecks + this.#failedRequests >= this.#rules.fall) this.#status = "down";
    if (this.#status !== "down") return false;
    this.#lastDownAt = now;
    return !wasDown;
  }
}
