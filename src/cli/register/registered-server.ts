import { setTimeout as sleep } from "node:timers/promises";
import type { AdminClient } from "../client/admin-client.ts";
import { Unreachable } from "../client/failures.ts";
import { keepTrying } from "../client/keep-trying.ts";
import { UnknownName } from "../client/unknown-name.ts";
import { CliError, EXIT, toCliError } from "../exit-codes.ts";
import type { Stop } from "../process/signals.ts";
import type { RegisterProgress } from "./register-progress.ts";

/** The longest pause after an attempt that has failed, in ms. */
const LONGEST_PAUSE_MS = 2_000;
/** The longest wait of one call for what is in flight, in ms: a proxy on the way may give up on a longer one. */
const LONGEST_WAIT_MS = 20_000;
/** What no further attempt changes. */
const FINAL: readonly number[] = [EXIT.usage, EXIT.unexpected, EXIT.unauthorised];

export interface Said {
  pool: string;
  name: string;
  url: string;
  slots: number | undefined;
  weight: number | undefined;
  /** The server leaves so long after it has renewed its registration the last time. */
  expiresMs: number;
}

/** A server's registration with its pool. */
export class RegisteredServer {
  readonly #client: AdminClient;
  readonly #said: Said;
  readonly #progress: RegisterProgress;
  /** The time of the registration; `null`: it has never succeeded. */
  #since: string | null = null;
  /** A request to register may have arrived. */
  #mayBeThere = false;

  constructor(client: AdminClient, said: Said, progress: RegisterProgress) {
    this.#client = client;
    this.#said = said;
    this.#progress = progress;
  }

  /** Registers, and again every `everyMs` until `stop`. Rejects if the first attempt is refused for good. */
  async keepUp(everyMs: number, stop: Stop): Promise<void> {
    let trouble: CliError | null = null;
    while (!stop.now.aborted) {
      let pauseMs = everyMs;
      try {
        // Cut off at once, it could reach Sluice after the server has left.
        await this.#renew(stop.soon);
        if (trouble !== null) this.#progress.reached();
        trouble = null;
      } catch (error) {
        if (stop.soon.aborted) return;
        const failure = toCliError(error);
        if (this.#since === null && FINAL.includes(failure.exitCode)) throw failure;
        if (stop.now.aborted) return;
        if (!isSame(failure, trouble)) this.#progress.trouble(failure);
        trouble = failure;
        pauseMs = Math.min(everyMs, LONGEST_PAUSE_MS);
      }
      await sleep(pauseMs, undefined, { signal: stop.now }).catch(() => {});
    }
  }

  /**
   * Leaves the pool, and waits until what is in flight is finished, or for `timeoutMs`. Idempotent. Resolves with how many
   * requests are still in flight. Rejects with `Unreachable` if Sluice is not reached before the registration has ended by
   * itself, or before `leave`.
   */
  async leave(timeoutMs: number, leave: Stop): Promise<number> {
    if (!this.#mayBeThere) return 0;
    const { pool, name, url, expiresMs } = this.#said;
    const deadline = Date.now() + timeoutMs;
    const endsBy = Math.max(deadline, Date.now() + expiresMs);
    for (;;) {
      const waitMs = Math.max(0, Math.min(deadline - Date.now(), LONGEST_WAIT_MS));
      const ask = () => this.#client.deregister(pool, name, { url, waitMs }, leave.soon);
      const inFlight = await keepTrying(ask, {
        stop: leave.now,
        giveUpAt: () => endsBy,
        onTrouble: (error) => this.#progress.trouble(error),
        onReached: () => this.#progress.reached(),
      }).then(
        (leaving) => leaving.inFlight,
        (error) => {
          // It has left, or another one has its name.
          if (error instanceof UnknownName || isUnknownServer(error)) return 0;
          throw error;
        },
      );
      if (inFlight === 0 || Date.now() >= deadline || leave.now.aborted) return inFlight;
    }
  }

  async #renew(stop: AbortSignal): Promise<void> {
    const { pool, name, ...said } = this.#said;
    this.#mayBeThere = true;
    const server = await this.#client.register(pool, name, { ...said, renew: this.#since !== null }, stop);
    const since = server.registered?.since ?? "";
    if (since !== this.#since) this.#progress.registered(server);
    this.#since = since;
  }
}

/** True for the same trouble as before: it is told once, however long it lasts, and an outage however it shows. */
function isSame(failure: CliError, before: CliError | null): boolean {
  if (failure instanceof Unreachable) return before instanceof Unreachable;
  return failure.message === before?.message;
}

function isUnknownServer(error: unknown): boolean {
  return error instanceof CliError && error.exitCode === EXIT.usage;
}
