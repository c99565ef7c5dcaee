import { setTimeout as sleep } from "node:timers/promises";
import type { Snapshot } from "../../scheduler/snapshot.ts";
import type { AdminClient, DrainOptions } from "../client/admin-client.ts";
import { DrainHeld, Unreachable } from "../client/failures.ts";
import { keepTrying } from "../client/keep-trying.ts";
import { CliError, EXIT, toCliError } from "../exit-codes.ts";
import type { Signals, Stop } from "../process/signals.ts";
import { type WaitEnd, waitUntilDrained } from "./wait-until-drained.ts";

/** Longest wait of one request, in ms. */
const ASK_EVERY_MS = 1_000;
/** When a drain is extended, as a fraction of its length. */
const EXTEND_AFTER = 1 / 4;
/** Time for an answer that is on its way when the drain ends by itself, in ms. */
const EXPIRY_GRACE_MS = 1_000;

export interface DrainProgress {
  draining(snapshot: Snapshot, leftMs: number): void;
  unreachable(error: CliError, endsBy: number): void;
  reached(): void;
  /** Somebody else has ended the drain; `now`: another owner's drain, if there is one. */
  lost(now: Snapshot["drain"]): void;
}

/**
 * The drain of one run, by an owner that no other run has. The run extends it for as long as it lasts, and ends it. If
 * the run dies, or loses the connection to Sluice, the drain ends by itself.
 */
export class HeldDrain {
  readonly #client: AdminClient;
  readonly #pool: string;
  readonly #drain: { owner: string; reason: string | undefined; expiresMs: number };
  readonly #cutMs: number | undefined;
  readonly #progress: DrainProgress;
  #mayBeOn = false;
  #endsBy = 0;

  constructor(
    client: AdminClient,
    pool: string,
    {
      cutMs,
      ...drain
    }: { owner: string; reason: string | undefined; expiresMs: number; cutMs: number | undefined },
    progress: DrainProgress,
  ) {
    this.#client = client;
    this.#pool = pool;
    this.#drain = drain;
    this.#cutMs = cutMs;
    this.#progress = progress;
  }

  /** True if there may be something to resume: a request without an answer may have arrived. */
  get mayBeOn(): boolean {
    return this.#mayBeOn;
  }

  /** The latest time at which the drain ends by itself, in ms since the epoch. */
  get endsBy(): number {
    return this.#endsBy;
  }

  /** Rejects if Sluice fails; the caller must `resume` then too. */
  async begin(timeoutMs: number, { stop, stopSoon }: Signals): Promise<WaitEnd> {
    const giveUpAt = Date.now() + timeoutMs;
    const asking = (options: DrainOptions, signal: AbortSignal) => {
      const until = () => (this.#mayBeOn ? giveUpAt : 0);
      return this.#keepTrying(() => this.#post(options, signal), stop, until);
    };
    const askEveryMs = Math.min(ASK_EVERY_MS, this.#drain.expiresMs * EXTEND_AFTER);
    // If this fails, nothing has been drained, and there is nothing to resume.
    await this.#client.pool(this.#pool, stop);
    const first = await asking({ cutMs: this.#cutMs }, stopSoon);
    stop.throwIfAborted();
    const end = await waitUntilDrained({
      first,
      timeoutMs,
      ask: (leftMs) => asking({ extend: true, waitMs: Math.ceil(Math.min(leftMs, askEveryMs)) }, stop),
      onSnapshot: (snapshot, leftMs) => this.#progress.draining(snapshot, leftMs),
      isMine: (snapshot) => this.#isMine(snapshot),
    });
    if (end.result === "lost") this.#mayBeOn = false;
    return end;
  }

  /** Extends the drain until `done`. Reports failures. */
  async keepUp(done: AbortSignal): Promise<void> {
    while (this.#mayBeOn && !done.aborted) {
      try {
        await sleep(this.#drain.expiresMs * EXTEND_AFTER, undefined, { signal: done });
        const snapshot = await this.#keepTrying(() => this.#post({ extend: true }, done), done, never);
        if (!this.#isMine(snapshot)) this.#lost(snapshot.drain);
      } catch (error) {
        if (done.aborted) return;
        if (error instanceof DrainHeld) this.#lost(error.drain);
        else this.#progress.unreachable(toCliError(error), this.#endsBy);
      }
    }
  }

  /**
   * Ends the drain. Idempotent, and harmless for another owner's drain, for which it resolves with `null`. Rejects with
   * `Unreachable` if Sluice was not reached before the drain ended by itself, or before `leave`.
   */
  async resume(leave: Stop): Promise<Snapshot | null> {
    const { owner } = this.#drain;
    const ask = () => this.#client.resume(this.#pool, { owner }, leave.soon);
    try {
      const snapshot = await this.#keepTrying(ask, leave.now, () => this.#endsBy + EXPIRY_GRACE_MS);
      this.#mayBeOn = false;
      return snapshot;
    } catch (error) {
      if (!(error instanceof DrainHeld)) throw error;
      this.#lost(error.drain);
      return null;
    }
  }

  /** Leaves the drain on, for the pool's `drain_expires`. */
  async leaveOn(leave: Stop): Promise<Snapshot> {
    const { owner } = this.#drain;
    const ask = () => this.#client.drain(this.#pool, { owner, extend: true }, leave.soon);
    return this.#keepTrying(ask, leave.now, () => this.#endsBy);
  }

  async #post(options: DrainOptions, stop: AbortSignal): Promise<Snapshot> {
    try {
      const snapshot = await this.#client.drain(this.#pool, { ...this.#drain, ...options }, stop);
      this.#mayHaveArrived();
      return snapshot;
    } catch (error) {
      if (!hadNoEffect(error)) this.#mayHaveArrived();
      throw error;
    }
  }

  #mayHaveArrived(): void {
    this.#mayBeOn = true;
    this.#endsBy = Date.now() + this.#drain.expiresMs;
  }

  #keepTrying<T>(ask: () => Promise<T>, stop: AbortSignal, giveUpAt: () => number): Promise<T> {
    return keepTrying(ask, {
      giveUpAt,
      stop,
      onTrouble: (error) => this.#progress.unreachable(error, this.#endsBy),
      onReached: () => this.#progress.reached(),
    });
  }

  #isMine(snapshot: Snapshot): boolean {
    return snapshot.drain?.owner === this.#drain.owner;
  }

  #lost(drain: Snapshot["drain"]): void {
    this.#mayBeOn = false;
    this.#progress.lost(drain);
  }
}

const never = () => Number.POSITIVE_INFINITY;

/** True if Sluice has refused the request, or it was never sent. A request that was cut off may have arrived. */
function hadNoEffect(error: unknown): boolean {
  if (error instanceof Unreachable) return error.notSent;
  const refusals: number[] = [EXIT.usage, EXIT.unauthorised, EXIT.held];
  return error instanceof CliError && refusals.includes(error.exitCode);
}
