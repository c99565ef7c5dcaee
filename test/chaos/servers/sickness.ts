import type { Journal, Sent } from "../journal.ts";
import { CHECK_INTERVAL_MS, FALL } from "../pool.ts";

/** Requests that were on their way already, on a busy machine. */
const GRACE_MS = 300;
/** As many checks as it takes, each an interval after the one before, and once more as long for a busy machine. */
const DOWN_WITHIN_MS = 2 * (FALL + 1) * CHECK_INTERVAL_MS;

/**
 * What a server that is out of order may expect, as far as it can tell itself: after `fall` failed checks in a row it
 * gets nothing until it has passed one, and those checks come soon, be there a queue or not.
 */
export class Sickness {
  readonly #server: string;
  readonly #journal: Journal;
  #isSick = false;
  /** Since when the pool could know. */
  #since = 0;
  /** Failed checks in a row, and when the last of them was. */
  #failed = 0;
  #lastFailedAt = 0;
  #wasDown = false;

  constructor(server: string, journal: Journal) {
    this.#server = server;
    this.#journal = journal;
  }

  begin(): void {
    this.#isSick = true;
    this.#beginAnew();
  }

  end(): void {
    this.#isSick = false;
    if (!this.#isDownAt(this.#journal.now())) this.#failed = 0;
  }

  /**
   * The pool's object has crashed and forgotten, or an operator kept it from asking; whom it knew to be down by then is
   * down, though. `from`: when that began, which may take its time on a busy machine.
   */
  interrupted(from: number): void {
    if (!this.#isDownAt(from)) this.#beginAnew();
  }

  /** `arrivedAt`: when the check came. One of before a crash has told its result to nobody. */
  checkFailed(arrivedAt: number): void {
    if (arrivedAt < this.#since) return;
    this.#failed++;
    this.#lastFailedAt = this.#journal.now();
    if (this.#failed !== this.#fall) return;
    this.#wasDown = true;
    this.#journal.operation("sick server down", `${this.#server}: has failed ${this.#fall} checks in a row`);
  }

  /** A shard that gets the server counts from the start, and the one before has told nobody of fewer than it takes. */
  get #fall(): number {
    return this.#journal.shards > 1 ? 2 * FALL - 1 : FALL;
  }

  checkPassed(): void {
    this.#failed = 0;
  }

  /** A request has come. */
  requested(sent: Sent): void {
    const now = this.#journal.now();
    const sickMs = this.#isSick ? now - this.#since : 0;
    if (this.#isDownAt(now)) {
      const agoMs = now - this.#lastFailedAt;
      this.#break(sent, `${agoMs.toFixed(0)} ms after it had failed ${this.#failed} checks in a row`);
    } else if (sickMs > DOWN_WITHIN_MS + this.#journal.slackMs) {
      this.#break(sent, `after ${sickMs.toFixed(0)} ms, having been asked ${this.#failed} times`);
    } else if (this.#wasDown && !this.#isSick && this.#failed === 0) {
      this.#wasDown = false;
      this.#journal.operation("sick server back", `${this.#server}: gets requests again`);
    }
  }

  #isDownAt(at: number): boolean {
    return this.#failed >= this.#fall && at - this.#lastFailedAt > GRACE_MS + this.#journal.slackMs;
  }

  #beginAnew(): void {
    this.#since = this.#journal.now();
    this.#failed = 0;
  }

  #break(sent: Sent, when: string): void {
    this.#journal.break("health", `${this.#server}, out of order, got ${sent.plan.id} ${when}`, [sent]);
  }
}
