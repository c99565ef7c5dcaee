import type { CutOff } from "../scheduler/terms/lease-end.ts";

/**
 * Why we, and not the server, closed the connection.
 * timeout      the server was silent too long
 * unreachable  its host answers no connection
 * longest      the request took longer than any may
 * client       the client left
 * stalled      the client stopped in the middle of its upload
 * early        the server had answered before it had the request whole
 * lost         the slot is no longer ours
 * unpassable   the answer cannot be passed on, and nobody knows when the server is done
 */
export type CutBy =
  | "timeout"
  | "unreachable"
  | "longest"
  | "client"
  | "stalled"
  | "early"
  | "lost"
  | "unpassable";

type Cause = Exclude<CutOff, "early">;

const CAUSES: Record<CutBy, Cause> = {
  timeout: "timeout",
  unreachable: "unreachable",
  longest: "longest",
  client: "client",
  stalled: "stalled",
  // Its lease has ended by then, as early.
  early: "broken",
  lost: "lost",
  // A client can bring it about, so it says nothing of the server's health.
  unpassable: "longest",
};

/** One request's connection to its server. The first who cuts it says why. */
export class Connection {
  readonly #controller = new AbortController();
  #cutBy: CutBy | null = null;
  #cause: Cause | null = null;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** `null`: it was not cut. */
  get cutBy(): CutBy | null {
    return this.#cutBy;
  }

  /** How the lease ends by that; `null`: it was not cut. */
  get cause(): Cause | null {
    return this.#cause;
  }

  /** Nobody cut it, or because of the server: the operator wants to know. */
  get isServersFault(): boolean {
    return this.#cutBy === null || this.#cutBy === "unreachable" || this.#cutBy === "lost";
  }

  cut(by: CutBy, cause: Cause = CAUSES[by]): void {
    if (this.#cutBy !== null) return;
    this.#cutBy = by;
    this.#cause = cause;
    this.#controller.abort();
  }
}
