import { Backlog, concat } from "./backlog.ts";
import type { CarriedBody } from "./carried-request.ts";
import { MemoryShare } from "./memory.ts";
import { PacedReader } from "./paced-reader.ts";
import {
  type BodyReader,
  followCopy,
  READ_BYTES,
  sendStreamed,
  type Upload,
  type UploadWatch,
} from "./upload.ts";

/**
 * A request's body on its way to the server. Up to `buffer_request` bytes are buffered before the request asks for a
 * slot, if the isolate's memory allows. The rest of a longer body is streamed: read only as fast as the server reads.
 */
export class RequestBody implements CarriedBody {
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
   * whose `Content-Length` exceeds `limit` is not buffered at all. Rejects as `PacedReader.read` does.
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

  send(clientTimeoutMs: number, watch: UploadWatch): Upload {
    const rest = this.#rest;
    if (!rest) return { content: this.#head[0] ?? null, isOver: () => true, over: Promise.resolve() };
    if (this.staysOnRequest) return followCopy(rest, clientTimeoutMs, watch);
    const onHeadSent = () => this.#share?.hold(0);
    const streamed = { head: this.#head, rest, length: this.#length, onHeadSent };
    return sendStreamed(streamed, clientTimeoutMs, watch);
  }

  /**
   * Yields the whole body instead of sending it, each piece once. A short one may be in a large buffer, and keep it
   * alive. Rejects as `PacedReader.read` does.
   */
  async *pieces(client: AbortSignal, clientTimeoutMs: number): AsyncGenerator<Uint8Array> {
    for (let piece = this.#head.shift(); piece; piece = this.#head.shift()) yield piece;
    this.#share?.hold(0);
    if (!this.#rest) return;
    const paced = new PacedReader(this.#rest, client, clientTimeoutMs);
    try {
      for (let piece = await paced.read(); piece; piece = await paced.read()) yield piece;
    } finally {
      paced.stop();
    }
  }

  /** In bytes, as the client says; `null`: unknown. */
  get length(): number | null {
    return this.#length;
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
  const paced = new PacedReader(reader, client, clientTimeoutMs);
  const backlog = new Backlog();
  let length = 0;
  try {
    while (length <= limit && share.hasRoomFor(READ_BYTES)) {
      const piece = await paced.read();
      if (!piece) return { chunks: backlog.takeAll(), rest: null };
      backlog.push(piece);
      length += piece.byteLength;
      share.hold(length);
    }
    return { chunks: backlog.takeAll(), rest: reader };
  } finally {
    paced.stop();
  }
}

/** In bytes; `null`: unknown, or not a number that can be counted with. */
function lengthOf(request: Request): number | null {
  const length = Number(request.headers.get("content-length") ?? Number.NaN);
  return Number.isSafeInteger(length) ? length : null;
}
