import type { PoolConfig } from "../config/types.ts";
import type { Refusal } from "../refusals/refusal.ts";
import type { RequestBody } from "./request-body.ts";
import type { RequestTarget } from "./target.ts";
import type { Trace } from "./trace.ts";

/** A request on its way to one of its pool's servers, and everything that its attempts have in common. */
export interface CarriedRequest {
  pool: PoolConfig;
  /** For its method and headers. Its body is used only if `body.staysOnRequest`. */
  request: Request;
  target: RequestTarget;
  body: RequestBody;
  responder: Responder;
  /** Aborted when the client disconnects; the pool's `on_client_abort` decides what that means for the server. */
  client: AbortSignal;
  trace: Trace;
  /** Runs work that the client does not wait for and that must outlive its connection (`waitUntil`). */
  inBackground: (work: Promise<unknown>) => void;
}

/** Answers the client. Only the first call of `respond` or `refuse` has an effect. */
export interface Responder {
  respond: (response: Response) => void;
  /** Answers instead of the server, which may still be at work. */
  refuse: (refusal: Refusal) => void;
  /**
   * Breaks off the client's connection by ending the whole invocation. Waits for all work in the background, but no
   * longer than for `cannotWait`.
   */
  breakOff: (why: string, cannotWait: Promise<void>) => void;
}
