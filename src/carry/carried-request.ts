import type { PoolConfig } from "../config/types.ts";
import type { Env } from "../link/env.ts";
import type { Refusal } from "../refusals/refusal.ts";
import type { RequestTarget } from "./target.ts";
import type { Trace } from "./trace.ts";
import type { Upload, UploadWatch } from "./upload.ts";

/** A request on its way to one of its pool's servers, and everything that its attempts have in common. */
export interface CarriedRequest {
  env: Env;
  pool: PoolConfig;
  /** For its method and headers. Its body is used only if `body.staysOnRequest`. */
  request: Request;
  target: RequestTarget;
  body: CarriedBody;
  responder: Responder;
  /** Aborted when the client disconnects; the pool's `on_client_abort` decides what that means for the server. */
  client: AbortSignal;
  trace: Trace;
  /** True if the pool may ask for the request to be stored instead (`ToBeDeferred`). */
  mayDefer?: boolean;
  /** How long its client would wait for a slot, in ms; absent: as long as the pool lets it. */
  patienceMs?: number;
  /** After so long a wait, in ms, the pool is to ask for that (`TicketRequest`). */
  deferAfterMs?: number;
  /** It has waited before, for so many ms, and keeps its turn. */
  waited?: { token: number; shard: number; ms: number };
  /** Runs work that the client does not wait for and that must outlive its connection (`waitUntil`). */
  inBackground: (work: Promise<unknown>) => void;
}

/** A request's body, on its way to a server. */
export interface CarriedBody {
  /** True for the body of a GET or HEAD, which can only be sent together with its `Request` (workerd 2026-11-17). */
  readonly staysOnRequest: boolean;
  /** True if the body can be sent again. */
  readonly isReplayable: boolean;
  /** Begins to send the body to a server. A body that is not replayable can be sent only once. */
  send(clientTimeoutMs: number, watch: UploadWatch): Upload;
  /** The body will not be sent again. */
  forget(): void;
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
  /**
   * Present if the answer is to be stored: resolves once what `respond` was given is. The lease does not end before, so
   * that no answer of a server is lost.
   */
  stored?: () => Promise<void>;
}
