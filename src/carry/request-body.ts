import { ClientLeft } from "../link/acquire.ts";
import { Clock } from "../link/clock.ts";
import { Refusal } from "../refusals/refusal.ts";
import { Backlog, concat } from "./backlog.ts";
import { MemoryShare } from "./memory.ts";
import { Silence } from "./silence.ts";
import {
  type BodyReader,
  followCopy,
  READ_BYTES,
  sendStreamed,
  type Upload,
  type UploadWatch,
} from "./upload.ts";

/** Least speed of an upload before it holds a slot, in bytes per second: Apache's default (mod_reqtimeout, MinRate). */
const LEAST_RATE = 500;

/**
 * A request's body on its way to the server. Up to `buffer_request` bytes are buffered before the request asks for a
 * slot, if the isolate's memory allows. The rest of a longer body is streamed: read only as fast as the server reads.
 */
export class RequestBody {
  /** True for the body of a GET or HEAD, which can only be sent together with its `Request` (workerd 2026-11-17). */
  readonly staysOnRequest: boolean;
  /** What was buffered. */
  #head: Uint8Array[];
  /** Reads what was not buffered; `null`: all of it was. */
  readonly #rest: BodyReader | null;
  readonly #length: number | null;
  readonly #share: MemoryShare | null;

  private constructor(from: {
    staysOnRequest: boolean;
    head: Uint8Array[];
    rest: BodyReader | null;
    length: number | null;
    share: MemoryShare | null;
  }) {
    this.staysOnRequest = from.staysOnRequest;
    this.#head = from.head;
    this.#rest = from.rest;
    this.#length = from.length;
    this.#share = from.share;
  }

  /**
   * Buffers up to `limit` bytes. Called before the request asks for a slot, so that a slow upload holds none. A body
   * whose `Content-Length` exceeds `limit` is not buffered at all. Rejects with `ClientLeft`, with `BrokenUpload`, or
   * with the `Refusal` `client-timeout` if the client falls below `LEAST_RATE` over `clientTimeoutMs`.
   */
  static async buffer(request: Request, limit: number, clientTimeoutMs: number): Promise<RequestBody> {
    const staysOnRequest = request.method === "GET" || request.method === "HEAD";
    const none = { staysOnRequest: false, head: [], rest: null, length: null, share: null };
    if (!request.body) return new RequestBody(none);
    const length = lengthOf(request);
    if (!staysOnRequest && length !== null && length > limit) {
      return new RequestBody({ ...none, rest: request.body.getReader({ mode: "byob" }), length });
    }
    // A clone, because the original has to stay unread on its request. Once the server reads the original, the clone
    // yields bytes no faster than that (workerd 2026-11-17).
    const source = staysOnRequest ? (request.clone().body as ReadableStream<Uint8Array>) : request.body;
    const share = new MemoryShare();
    try {
      const { chunks, rest } = await readUpTo(limit, source, share, request.signal, clientTimeoutMs);
      const head = staysOnRequest ? [] : rest ? chunks : [concat(chunks)];
      return new RequestBody({ staysOnRequest, head, rest, length, share });
    } catch (error) {
      share.hold(0);
      throw error;
    }
  }

  /** True if the whole body is buffered, so that it can be sent again. */
  get isReplayable(): boolean {
    return this.#rest === null;
  }

  /** Begins to send the body to a server. A body that is not replayable can be sent only once. */
  send(clientTimeoutMs: number, watch: UploadWatch): Upload {
    const rest = this.#rest;
    if (!rest) return { content: this.#head[0] ?? null, isOver: () => true, over: Promise.resolve() };
    if (this.staysOnRequest) return followCopy(rest, clientTimeoutMs, watch);
    const onHeadSent = () => this.#share?.hold(0);
    const streamed = { head: this.#head, rest, length: this.#length, onHeadSent };
    return sendStreamed(streamed, clientTimeoutMs, watch);
  }

  /** Frees the buffer: the body will not be sent again. */
  forget(): void {
    if (this.#rest) return;
    this.#head = [];
    this.#share?.hold(0);
  }

  /** Frees everything: the request has ended. */
  drop(): void {
    this.forget();
    this.#share?.hold(0);
    void this.#rest?.cancel().catch(() => {});
  }
}

/** Stops at the first piece beyond `limit`, or when the isolate's memory is used up. `rest`: reads on from there. */
async function readUpTo(
  limit: number,
  stream: ReadableStream<Uint8Array>,
  share: MemoryShare,
  client: AbortSignal,
  clientTimeoutMs: number,
): Promise<{ chunks: Uint8Array[]; rest: BodyReader | null }> {
  const reader: BodyReader = stream.getReader({ mode: "byob" });
  const backlog = new Backlog();
  const clock = new Clock();
  const { promise: stalled, reject } = Promise.withResolvers<never>();
  // Nothing may be awaiting it when it rejects: that would be an unhandled rejection.
  stalled.catch(() => {});
  const silence = new Silence(clock, clientTimeoutMs, () =>
    reject(new Refusal("client-timeout", "The request's body did not arrive in time.")),
  );
  const leastBytes = Math.max(1, (LEAST_RATE * clientTimeoutMs) / 1_000);
  let length = 0;
  /** `length` when the silence was last reset. */
  let resetAt = 0;
  try {
    while (length <= limit && share.hasRoomFor(READ_BYTES)) {
      const read = reader.read(new Uint8Array(READ_BYTES));
      const { done, value } = await Promise.race([read, stalled]);
      if (done) return { chunks: backlog.takeAll(), rest: null };
      backlog.push(value);
      length += value.byteLength;
      share.hold(length);
      if (length - resetAt < leastBytes) continue;
      resetAt = length;
      silence.reset();
    }
    return { chunks: backlog.takeAll(), rest: reader };
  } catch (error) {
    void reader.cancel().catch(() => {});
    throw await failureOf(error, client);
  } finally {
    clock.stop();
  }
}

/** Why a read of the client's body failed. */
async function failureOf(error: unknown, client: AbortSignal): Promise<Error> {
  if (error instanceof Refusal) return error;
  // If the client has disconnected, its signal may be aborted only in the next turn of the event loop.
  if (!client.aborted) await scheduler.wait(0);
  if (client.aborted) return new ClientLeft();
  return new BrokenUpload();
}

/** The body is malformed, or the client disconnected: a local workerd does not tell the two apart (2026-11-17). */
export class BrokenUpload extends Refusal {
  constructor(pool: string | null = null) {
    super("invalid-request", "The request's body is malformed or broke off.", pool);
  }
}

/** In bytes; `null`: unknown, or not a number that can be counted with. */
function lengthOf(request: Request): number | null {
  const length = Number(request.headers.get("content-length") ?? Number.NaN);
  return Number.isSafeInteger(length) ? length : null;
}
