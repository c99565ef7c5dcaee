import type { CutOff } from "../scheduler/terms/lease-end.ts";

/**
 * Why we closed the connection, and not the server.
 * timeout      the server was silent for longer than `server_timeout`
 * unreachable  the server's host did not answer a connection
 * longest      the request took longer than `longest`
 * client       the client disconnected
 * stalled      the client stopped in the middle of its upload
 * early        the server answered before it had the whole request
 * lost         the slot is no longer ours
 * cut          an operator's drain has cut the request off
 * unpassable   the answer cannot be passed on, and when the server is done is unknown
 */
export type CutBy =
  | "timeout"
  | "unreachable"
  | "longest"
  | "client"
  | "stalled"
  | "early"
  | "lost"
  | "cut"
  | "unpassable";

type Cause = Exclude<CutOff, "early">;

const CAUSES: Record<CutBy, Cause> = {
  timeout: "timeout",
  unreachable: "unreachable",
  longest: "longest",
  client: "client",
  stalled: "stalled",
  // Never used: the lease has already ended, as `early`.
  early: "broken",
  lost: "lost",
  cut: "cut",
  // Not a failure of the server, because a client can provoke such an answer.
  unpassable: "longest",
};

/** One request's connection to its server. Only the first `cut` counts. */
export class Connection {
  readonly #controller = new AbortController();
  #cutBy: CutBy | null = null;
  #cause: Cause | null = null;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** `null`: not cut. */
  get cutBy(): CutBy | null {
    return this.#cutBy;
  }

  /** How the lease ends because of the cut; `null`: not cut. */
  get cause(): Cause | null {
    return this.#cause;
  }

  /** True if a failure is worth a log line: the server broke off, its host did not answer, or the slot was lost. */
  get concernsOperator(): boolean {
    return this.#cutBy === null || this.#cutBy === "unreachable" || this.#cutBy === "lost";
  }

  /** `cause`: how the lease ends, if that differs from what `by` implies. */
  cut(by: CutBy, cause: Cause = CAUSES[by]): void {
    if (this.#cutBy !== null) return;
    this.#cutBy = by;
    this.#cause = cause;
    this.#controller.abort();
  }
}
