import { ClientLeft } from "../link/acquire.ts";
import { Clock } from "../link/clock.ts";
import { Refusal } from "../refusals/refusal.ts";
import { Backlog, joined } from "./backlog.ts";
import { MemoryShare } from "./memory.ts";
import { Silence } from "./silence.ts";
import {
  type BodyReader,
  followSent,
  READ_BYTES,
  sendLong,
  type Upload,
  type UploadWatch,
} from "./upload.ts";

/** An upload that holds no slot yet has to come this fast at least: Apache's default (mod_reqtimeout, MinRate). */
const LEAST_RATE = 500;

/**
 * A request's body on its way to the server. What fits into the buffer, and into the isolate's memory, has been read
 * whole; of a longer one the rest is read only as fast as the server takes it.
 */
export class RequestBody {
  /** The body of a GET or a HEAD stays on its request: the runtime takes none from elsewhere (workerd 2026-11-17). */
  readonly onRequest: boolean;
  #head: Uint8Array[];
  /** Of the rest; `null`: there is none. */
  readonly #rest: BodyReader | null;
  readonly #length: number | null;
  readonly #share: MemoryShare | null;

  private constructor(from: {
    onRequest: boolean;
    head: Uint8Array[];
    rest: BodyReader | null;
    length: number | null;
    share: MemoryShare | null;
  }) {
    this.onRequest = from.onRequest;
    this.#head = from.head;
    this.#rest = from.rest;
    this.#length = from.length;
    this.#share = from.share;
  }

  /**
   * Reads up to `limit` bytes before the request asks for a slot: a slow upload then never holds one. Rejects with
   * `ClientLeft`, or with a `Refusal` of a client that sends nothing for `clientTimeoutMs`, or nonsense.
   */
  static async take(request: Request, limit: number, clientTimeoutMs: number): Promise<RequestBody> {
    const onRequest = request.method === "GET" || request.method === "HEAD";
    const none = { onRequest: false, head: [], rest: null, length: null, share: null };
    if (!request.body) return new RequestBody(none);
    const length = lengthOf(request);
    if (!onRequest && length !== null && length > limit) {
      return new RequestBody({ ...none, rest: request.body.getReader({ mode: "byob" }), length });
    }
    // A copy, because the body itself can only be taken over together with its request. It is read no faster than the
    // server reads the other, as soon as that is done (measured with workerd 2026-11-17).
    const source = onRequest ? (request.clone().body as ReadableStream<Uint8Array>) : request.body;
    const share = new MemoryShare();
    try {
      const { chunks, rest } = await readUpTo(limit, source, share, request.signal, clientTimeoutMs);
      const head = onRequest ? [] : rest ? chunks : [joined(chunks)];
      return new RequestBody({ onRequest, head, rest, length, share });
    } catch (error) {
      share.hold(0);
      throw error;
    }
  }

  /** All of it is here and can be sent again. */
  get atHand(): boolean {
    return this.#rest === null;
  }

  /** Begins to send it. One that is not at hand can be sent once. */
  send(clientTimeoutMs: number, watch: UploadWatch): Upload {
    const rest = this.#rest;
    if (!rest) return { content: this.#head[0] ?? null, isOver: () => true, over: Promise.resolve() };
    if (this.onRequest) return followSent(rest, clientTimeoutMs, watch);
    const onHeadSent = () => this.#share?.hold(0);
    const long = { head: this.#head, rest, length: this.#length, onHeadSent };
    return sendLong(long, clientTimeoutMs, watch);
  }

  /** It will not be sent again. */
  forget(): void {
    if (this.#rest) return;
    this.#head = [];
    this.#share?.hold(0);
  }

  /** The request has ended. */
  drop(): void {
    this.forget();
    this.#share?.hold(0);
    void this.#rest?.cancel().catch(() => {});
  }
}

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
  // Nobody may be waiting for it when it comes.
  stalled.catch(() => {});
  const silence = new Silence(clock, clientTimeoutMs, () =>
    reject(new Refusal("client-timeout", "The request's body did not arrive in time.")),
  );
  const leastBytes = Math.max(1, (LEAST_RATE * clientTimeoutMs) / 1_000);
  let length = 0;
  let heardAt = 0;
  try {
    while (length <= limit && share.hasRoomFor(READ_BYTES)) {
      const read = reader.read(new Uint8Array(READ_BYTES));
      const { done, value } = await Promise.race([read, stalled]);
      if (done) return { chunks: backlog.takeAll(), rest: null };
      backlog.push(value);
      length += value.byteLength;
      share.hold(length);
      if (length - heardAt < leastBytes) continue;
      heardAt = length;
      silence.heard();
    }
    return { chunks: backlog.takeAll(), rest: reader };
  } catch (error) {
    void reader.cancel().catch(() => {});
    throw await failureOf(error, client);
  } finally {
    clock.stop();
  }
}

/** What a read that failed says of its client. */
async function failureOf(error: unknown, client: AbortSignal): Promise<Error> {
  if (error instanceof Refusal) return error;
  // That it has left may be told a moment later.
  if (!client.aborted) await scheduler.wait(0);
  if (client.aborted) return new ClientLeft();
  return new BrokenUpload();
}

/** It is malformed, or its client left: a local workerd does not tell the two apart (2026-11-17). */
export class BrokenUpload extends Refusal {
  constructor(pool: string | null = null) {
    super("invalid-request", "The request's body is malformed or broke off.", pool);
  }
}

/** `null`: unknown, or of no use. */
function lengthOf(request: Request): number | null {
  const length = Number(request.headers.get("content-length") ?? Number.NaN);
  return Number.isSafeInteger(length) ? length : null;
}
