import type { PoolConfig } from "../config/types.ts";
import type { Refusal } from "../refusals/refusal.ts";
import type { RequestBody } from "./request-body.ts";
import type { RequestTarget } from "./target.ts";
import type { Trace } from "./trace.ts";

/** A request to be carried to one of its pool's servers: where it comes from, where the answer goes, who says stop. */
export interface CarriedRequest {
  pool: PoolConfig;
  /** Its method and headers; of its body only where `body` says so. */
  request: Request;
  target: RequestTarget;
  body: RequestBody;
  answer: AnswerTo;
  /** Aborted when the client leaves: what is to happen then is the pool's `on_client_abort`. */
  client: AbortSignal;
  trace: Trace;
  /** Takes work that the client does not wait for, and that goes on when it has left. */
  inBackground: (work: Promise<unknown>) => void;
}

/** Where the answer goes. The first of `respond` and `refuse` counts. */
export interface AnswerTo {
  respond: (response: Response) => void;
  /** Instead of the server, which may still be at work. */
  refuse: (refusal: Refusal) => void;
  /** Breaks the client's connection off once all else is done; where that cannot wait any longer, without. */
  breakOff: (why: string, cannotWait: Promise<void>) => void;
}
