import { ClientLeft } from "../link/client-left.ts";
import { Clock } from "../link/clock.ts";
import { Refusal } from "../refusals/refusal.ts";
import { Backlog, joined } from "./backlog.ts";
import { MemoryShare } from "./memory.ts";
import { Silence } from "./silence.ts";

const READ_BYTES = 64 * 1024;
/** An upload that holds no slot yet has to come this fast at least: Apache's default (mod_reqtimeout, MinRate). */
const LEAST_RATE = 500;
/** Fewer bytes than these within `client_timeout` are silence: a byte now and then must not hold a slot for ever. */
const LEAST_BYTES = 1024;

/** What the runtime has taken last, up to 16 KiB, it sends after it was told the end (workerd 2026-11-17). */
const LAST_PIECE_MS = 100;

/** Reads up to `READ_BYTES` at a time; the other kind of reader would give 4 KiB (workerd 2026-11-17). */
type Reader = ReadableStreamBYOBReader;

/** What has to be known of an upload while its request holds a slot. */
export interface UploadWatch {
  clock: Clock;
  /** Aborted when the connection to the server is. */
  signal: AbortSignal;
  /** From now on it is the client that is waited for, until `onBytes`. */
  onAwaitClient: () => void;
  onBytes: () => void;
  /** The server has taken some. */
  onTaken: () => void;
  /** The client broke it off. Called before the server's end of the stream is touched. */
  onBroken: () => void;
  /** The client sends nothing. `unsure`: or the server takes nothing, nobody can tell. */
  onStalled: (unsure: boolean) => void;
}

/** An upload on its way to the server. */
export interface Upload {
  content: Uint8Array | ReadableStream | null;
  isOver: () => boolean;
  /** Resolves once the server has the request whole, or its connection is gone. Never rejects. */
  over: Promise<void>;
}

/**
 * A request's body on its way to the server. What fits into the buffer, and into the isolate's memory, has been read
 * whole; of a longer one the rest is read only as fast as the server takes it.
 */
export class RequestBody {
  /** The body of a GET or a HEAD stays on its request: the runtime takes none from elsewhere (workerd 2026-11-17). */
  readonly onRequest: boolean;
  #head: Uint8Array[];
  /** Of the rest; `null`: there is none. */
  readonly #rest: Reader | null;
  readonly #length: number | null;
  readonly #share: MemoryShare | null;

  private constructor(from: {
    onRequest: boolean;
    head: Uint8Array[];
    rest: Reader | null;
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
    const progress = new Progress(clientTimeoutMs, this.onRequest, watch);
    if (this.onRequest) {
      const over = this.#follow(rest, progress, watch);
      return { content: null, isOver: () => progress.isOver, over };
    }
    return this.#stream(rest, progress, watch);
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

  /**
   * A stream of our own, as the runtime's say that they are written when the server has not got it by far (workerd
   * 2026-11-17). A known length stays a `Content-Length`; otherwise the server gets chunks, as we did.
   */
  #stream(rest: Reader, progress: Progress, { signal, onBroken }: UploadWatch): Upload {
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const end = () => {
      progress.stop();
      resolve();
    };
    signal.addEventListener("abort", () => {
      end();
      // It would wait for a client that nobody listens to any more.
      void rest.cancel().catch(() => {});
    });
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
      progress.taken();
      const piece = this.#head.shift() ?? (await this.#readOn(rest, progress, onBroken));
      if (signal.aborted) return;
      if (piece) return controller.enqueue(piece);
      controller.close();
      progress.stop();
      void scheduler.wait(LAST_PIECE_MS).then(resolve);
    };
    const expectedLength = this.#length === null ? {} : { expectedLength: this.#length };
    const content = new ReadableStream<Uint8Array>(
      { ...expectedLength, pull, cancel: end },
      { highWaterMark: 0 },
    );
    return { content, isOver: () => progress.isOver, over };
  }

  /** What comes next from the client; `null`: nothing more. */
  async #readOn(rest: Reader, progress: Progress, onBroken: () => void): Promise<Uint8Array | null> {
    this.#share?.hold(0);
    progress.awaitClient();
    try {
      const { done, value } = await rest.read(new Uint8Array(READ_BYTES));
      progress.came(value?.byteLength ?? 0);
      return done ? null : value;
    } catch (error) {
      // Before the stream fails: the server must not take what it got for all of it.
      onBroken();
      throw error;
    }
  }

  /** The copy of a body that the runtime sends by itself. */
  async #follow(copy: Reader, progress: Progress, { signal, onBroken }: UploadWatch): Promise<void> {
    signal.addEventListener("abort", () => void copy.cancel().catch(() => {}));
    progress.awaitClient();
    try {
      for (;;) {
        const { done, value } = await copy.read(new Uint8Array(READ_BYTES));
        if (done) break;
        progress.heard(value.byteLength);
      }
      progress.came(0);
      progress.taken();
    } catch {
      onBroken();
    } finally {
      progress.stop();
    }
  }
}

/** Who is waited for in an upload, and for how long. */
class Progress {
  readonly #watch: UploadWatch;
  readonly #client: Silence;
  #sinceHeard = 0;
  isOver = false;

  constructor(clientTimeoutMs: number, unsure: boolean, watch: UploadWatch) {
    this.#watch = watch;
    this.#client = new Silence(watch.clock, clientTimeoutMs, () => watch.onStalled(unsure));
    this.#client.pause();
  }

  awaitClient(): void {
    this.#client.resume();
    this.#watch.onAwaitClient();
  }

  /** The client is waited for no more. */
  came(bytes: number): void {
    this.#client.pause();
    this.heard(bytes);
    this.#watch.onBytes();
  }

  heard(bytes: number): void {
    this.#sinceHeard += bytes;
    if (this.#sinceHeard < LEAST_BYTES) return;
    this.#sinceHeard = 0;
    this.#client.heard();
  }

  /** By the server. */
  taken(): void {
    this.#watch.onTaken();
  }

  stop(): void {
    this.isOver = true;
    this.#client.stop();
  }
}

async function readUpTo(
  limit: number,
  stream: ReadableStream<Uint8Array>,
  share: MemoryShare,
  client: AbortSignal,
  clientTimeoutMs: number,
): Promise<{ chunks: Uint8Array[]; rest: Reader | null }> {
  const reader: Reader = stream.getReader({ mode: "byob" });
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
