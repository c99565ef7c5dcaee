/** A further attempt, after a server failed the request or was busy. It keeps its turn. */
export interface Retry {
  server: string;
  /** In ms: the server gets this request no sooner. */
  restMs: number;
  /** Another server is wanted, if one is up. */
  avoid: boolean;
}

/** How long a retry waits for another server before it takes the one that failed it again. */
const AVOID_MS = 1_000;

/**
 * The server that failed a request, and what that means for its next attempt. The server rests: it gets the request no
 * sooner, be there another or not. And it is avoided: another one that is up is waited for. Times are milliseconds
 * since the epoch.
 */
export class FailedServer {
  readonly name: string;
  #restsUntil: number | null;
  #avoidedUntil: number | null;

  constructor({ server, restMs, avoid }: Retry, now: number) {
    this.name = server;
    // It rests no longer than it may be avoided: a head of the list that waits for it holds up the others.
    this.#restsUntil = now + Math.min(restMs, AVOID_MS);
    this.#avoidedUntil = avoid ? now + AVOID_MS : null;
  }

  get rests(): boolean {
    return this.#restsUntil !== null;
  }

  get avoided(): boolean {
    return this.#avoidedUntil !== null;
  }

  /** Ends what is over. */
  tick(now: number): void {
    if (this.#restsUntil !== null && this.#restsUntil <= now) this.#restsUntil = null;
    if (this.#avoidedUntil !== null && this.#avoidedUntil <= now) this.#avoidedUntil = null;
  }

  /** When `tick` has something to do next; `Infinity`: never. */
  next(): number {
    return Math.min(
      this.#restsUntil ?? Number.POSITIVE_INFINITY,
      this.#avoidedUntil ?? Number.POSITIVE_INFINITY,
    );
  }
}
