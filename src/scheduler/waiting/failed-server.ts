/** Says of a further attempt why the last one failed. The request keeps its turn. */
export interface Retry {
  /** Name of the server that failed the request or was busy. */
  server: string;
  /** How long that server may not get the request again, in ms. */
  restMs: number;
  /** True if the request is to wait for another server, if one is up. */
  avoid: boolean;
}

/** How long a retry waits for another server, in ms, before it goes back to the one that failed it. */
const AVOID_MS = 1_000;

/**
 * The server that failed a request, and what that means for the request's next attempt. While the server rests, it does
 * not get the request, even if there is no other server. While it is avoided, the request waits for any other server
 * that is up, even a busy one. Times are in ms since the epoch.
 */
export class FailedServer {
  readonly name: string;
  #restsUntil: number | null;
  #avoidedUntil: number | null;

  constructor({ server, restMs, avoid }: Retry, now: number) {
    this.name = server;
    // Bounded, because a ticket that waits at the head of the list blocks all others (head-of-line blocking).
    this.#restsUntil = now + Math.min(restMs, AVOID_MS);
    this.#avoidedUntil = avoid ? now + AVOID_MS : null;
  }

  get rests(): boolean {
    return this.#restsUntil !== null;
  }

  get avoided(): boolean {
    return this.#avoidedUntil !== null;
  }

  /** Ends the rest and the avoidance when their time has come. */
  tick(now: number): void {
    if (this.#restsUntil !== null && this.#restsUntil <= now) this.#restsUntil = null;
    if (this.#avoidedUntil !== null && this.#avoidedUntil <= now) this.#avoidedUntil = null;
  }

  /** Returns when `tick` has something to do next; `Infinity`: never. */
  next(): number {
    return Math.min(
      this.#restsUntil ?? Number.POSITIVE_INFINITY,
      this.#avoidedUntil ?? Number.POSITIVE_INFINITY,
    );
  }
}
