import { setTimeout as sleep } from "node:timers/promises";
import type { Snapshot } from "../../scheduler/snapshot.ts";
import type { AdminClient, DrainOptions } from "../client/admin-client.ts";
import { DrainHeld, Unreachable } from "../client/failures.ts";
import { keepTrying } from "../client/keep-trying.ts";
import { CliError, EXIT, toCliError } from "../exit-codes.ts";
import type { Signals, Stop } from "../process/signals.ts";
import { type WaitEnd, waitUntilDrained } from "./wait-until-drained.ts";

/** How long Sluice itself waits at most before it says how far the drain is. */
const ASK_EVERY_MS = 1_000;
/** How much of its life a drain has left at least whenever it is extended, if Sluice can be reached. */
const EXTEND_AFTER = 1 / 4;
/** An answer on its way when the drain ran out. */
const EXPIRY_GRACE_MS = 1_000;

/** What its holder may want to tell. */
export interface DrainNews {
  draining(snapshot: Snapshot, leftMs: number): void;
  unreachable(error: CliError, endsBy: number): void;
  reached(): void;
  /** It is over, or another's, though we did not end it. */
  lost(now: Snapshot["drain"]): void;
}

/**
 * The drain that one run of the command line owns, under a name that nobody else has: begun, extended while the
 * run lasts, and resumed at its end. Should the run die, or lose touch with Sluice, the drain ends by itself.
 */
export class HeldDrain {
  readonly #client: AdminClient;
  readonly #pool: string;
  readonly #drain: { owner: string; reason: string | undefined; expiresMs: number };
  readonly #news: DrainNews;
  #mayBeOn = false;
  #endsBy = 0;

  constructor(
    client: AdminClient,
    pool: string,
    drain: { owner: string; reason: string | undefined; expiresMs: number },
    news: DrainNews,
  ) {
    this.#client = client;
    this.#pool = pool;
    this.#drain = drain;
    this.#news = news;
  }

  /** As far as we know there may be something to resume: a request that got no answer may have arrived. */
  get mayBeOn(): boolean {
    return this.#mayBeOn;
  }

  /** No later than then it ends by itself. Ms since the epoch. */
  get endsBy(): number {
    return this.#endsBy;
  }

  /** Rejects when it cannot be begun, or followed; then `resume` is still due. */
  async begin(timeoutMs: number, { stop, stopSoon }: Signals): Promise<WaitEnd> {
    const giveUpAt = Date.now() + timeoutMs;
    const asking = (options: DrainOptions, signal: AbortSignal) => {
      const until = () => (this.#mayBeOn ? giveUpAt : 0);
      return this.#keepTrying(() => this.#post(options, signal), stop, until);
    };
    const askEveryMs = Math.min(ASK_EVERY_MS, this.#drain.expiresMs * EXTEND_AFTER);
    // Where this is not answered nothing is drained, and nothing has to be put right.
    await this.#client.pool(this.#pool, stop);
    const first = await asking({}, stopSoon);
    stop.throwIfAborted();
    const end = await waitUntilDrained({
      first,
      timeoutMs,
      ask: (leftMs) => asking({ extend: true, waitMs: Math.ceil(Math.min(leftMs, askEveryMs)) }, stop),
      onSnapshot: (snapshot, leftMs) => this.#news.draining(snapshot, leftMs),
      isMine: (snapshot) => this.#isMine(snapshot),
    });
    if (end.result === "lost") this.#mayBeOn = false;
    return end;
  }

  /** Extends it again and again, until `done`; tells when that fails. */
  async keepUp(done: AbortSignal): Promise<void> {
    while (this.#mayBeOn && !done.aborted) {
      try {
        await sleep(this.#drain.expiresMs * EXTEND_AFTER, undefined, { signal: done });
        const snapshot = await this.#keepTrying(() => this.#post({ extend: true }, done), done, never);
        if (!this.#isMine(snapshot)) this.#lost(snapshot.drain);
      } catch (error) {
        if (done.aborted) return;
        if (error instanceof DrainHeld) this.#lost(error.drain);
        else this.#news.unreachable(toCliError(error), this.#endsBy);
      }
    }
  }

  /**
   * Ends it; harmless when it is over, or another's. Rejects with `Unreachable` when Sluice could not be reached
   * before it ended by itself, or before it was to be left.
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

  /** Leaves it on, for as long as the pool lets a drain last. */
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
      if (!hasDoneNothing(error)) this.#mayHaveArrived();
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
      onTrouble: (error) => this.#news.unreachable(error, this.#endsBy),
      onReached: () => this.#news.reached(),
    });
  }

  #isMine(snapshot: Snapshot): boolean {
    return snapshot.drain?.owner === this.#drain.owner;
  }

  #lost(drain: Snapshot["drain"]): void {
    this.#mayBeOn = false;
    this.#news.lost(drain);
  }
}

const never = () => Number.POSITIVE_INFINITY;

/** Refused by Sluice itself, or never sent. Of one that was cut off, by a signal too, nobody knows. */
function hasDoneNothing(error: unknown): boolean {
  if (error instanceof Unreachable) return error.notSent;
  const refusals: number[] = [EXIT.usage, EXIT.unauthorised, EXIT.held];
  return error instanceof CliError && refusals.includes(error.exitCode);
}
