import { Backlog, joined } from "./backlog.ts";
import { ClientLeft } from "./client-left.ts";

const READ_BYTES = 64 * 1024;

/** Reads up to `READ_BYTES` at a time; the other kind of reader would give 4 KiB (workerd 2026-11-17). */
type Reader = ReadableStreamBYOBReader;

/**
 * A request's body on its way to the server. What fits into the buffer has been read whole; of a longer one
 * the rest is read only as fast as the server takes it.
 */
export class RequestBody {
  content: Uint8Array | ReadableStream | null = null;
  /** The body stays on the request itself, and is sent together with it. */
  onRequest = false;
  /** Called whenever more of a long body has gone to the server. */
  onProgress: () => void = () => {};
  /** All of what stays on the request has come. */
  #isWhole = false;
  #clientBrokeOff = false;

  /** Reads up to `limit` bytes before the request asks for a slot: a slow upload then never holds one. */
  static async take(request: Request, limit: number): Promise<RequestBody> {
    const body = new RequestBody();
    if (!request.body) return body;
    if (request.method === "GET" || request.method === "HEAD") {
      // Its body can only be taken over with the request; a copy of it, read here, waits for the upload.
      body.onRequest = true;
      const copy = request.clone().body as ReadableStream<Uint8Array>;
      const { reader, ended } = await readUpTo(limit, copy);
      if (!ended) void reader.cancel();
      body.#isWhole = ended;
      return body;
    }
    const length = lengthOf(request);
    if (length !== null && length > limit) {
      body.#streamOn([], request.body.getReader({ mode: "byob" }), length);
      return body;
    }
    const { chunks, reader, ended } = await readUpTo(limit, request.body);
    if (ended) body.content = joined(chunks);
    else body.#streamOn(chunks, reader, length);
    return body;
  }

  /** All of it is here and can be sent again. */
  get atHand(): boolean {
    return this.onRequest ? this.#isWhole : !(this.content instanceof ReadableStream);
  }

  /** The client left in the middle of its upload: that, not the server, ended the connection. */
  get clientBrokeOff(): boolean {
    return this.#clientBrokeOff;
  }

  /** A known length stays a `Content-Length`; otherwise the server gets chunks, as we did. */
  #streamOn(head: Uint8Array[], rest: Reader, length: number | null): void {
    const { readable, writable } =
      length === null ? new IdentityTransformStream() : new FixedLengthStream(length);
    this.content = readable;
    void this.#pump(head, rest, writable.getWriter());
  }

  async #pump(head: Uint8Array[], rest: Reader, writer: WritableStreamDefaultWriter): Promise<void> {
    try {
      for (const chunk of head) await writer.write(chunk);
      for (;;) {
        const { done, value } = await rest.read(new Uint8Array(READ_BYTES)).catch((error) => {
          this.#clientBrokeOff = true;
          throw error;
        });
        if (done) break;
        await writer.write(value);
        this.onProgress();
      }
      await writer.close();
    } catch (error) {
      // Whichever side broke off, the other learns it from its end of the stream.
      await Promise.allSettled([writer.abort(error), rest.cancel(error)]);
    }
  }
}

async function readUpTo(limit: number, stream: ReadableStream<Uint8Array>) {
  const reader: Reader = stream.getReader({ mode: "byob" });
  const backlog = new Backlog();
  for (let length = 0; length <= limit; ) {
    const { done, value } = await reader.read(new Uint8Array(READ_BYTES)).catch(() => {
      throw new ClientLeft();
    });
    if (done) return { chunks: backlog.takeAll(), reader, ended: true };
    backlog.push(value);
    length += value.byteLength;
  }
  return { chunks: backlog.takeAll(), reader, ended: false };
}

function lengthOf(request: Request): number | null {
  const length = request.headers.get("content-length");
  return length === null ? null : Number(length);
}
