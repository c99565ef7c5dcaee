import type { Clock } from "../link/clock.ts";
import { Silence } from "./silence.ts";

export const READ_BYTES = 64 * 1024;
/** A client that sends less within `client_timeout` counts as silent: single bytes must not hold a slot for ever. */
const LEAST_BYTES = 1024;

/** Time for the runtime to send the last piece, of up to 16 KiB, which it does after `close` (workerd 2026-11-17). */
const LAST_PIECE_MS = 100;

/** BYOB, because a default reader returns at most 4 KiB at a time (workerd 2026-11-17). */
export type BodyReader = ReadableStreamBYOBReader;

/** What an upload reports while its request holds a slot. */
export interface UploadWatch {
  clock: Clock;
  /** Aborted when the connection to the server is cut. */
  signal: AbortSignal;
  /** From now until `onClientSent`, the upload waits for the client and not for the server. */
  onWaitForClient: () => void;
  onClientSent: () => void;
  /** The server has read some of the body. */
  onServerRead: () => void;
  /** The client broke the upload off. Called before the stream to the server fails. */
  onBroken: () => void;
  /** The client sends nothing. `unsure`: or the server reads nothing; the two cannot be told apart. */
  onStalled: (unsure: boolean) => void;
}

/** A request's body on its way to the server. */
export interface Upload {
  /** For `fetch`; `null`: there is none, or it stays on its request. */
  content: Uint8Array | ReadableStream | null;
  isOver: () => boolean;
  /** Resolves once the server has the whole request, or its connection is gone. Never rejects. */
  over: Promise<void>;
}

/** A body that is sent to the server while the client still sends it. */
export interface StreamedBody {
  /** What was buffered. */
  head: Uint8Array[];
  rest: BodyReader;
  /** In bytes; `null`: unknown. */
  length: number | null;
  /** Called when the head has been sent, and its memory is free. */
  onHeadSent: () => void;
}

/**
 * Sends the body through a JavaScript stream, because a write to one of the runtime's own resolves long before the
 * server has the bytes (workerd 2026-11-17). A known length becomes `Content-Length`; otherwise the server gets chunks,
 * as we did.
 */
export function sendStreamed(body: StreamedBody, clientTimeoutMs: number, watch: UploadWatch): Upload {
  const { head, rest, length } = body;
  const { signal } = watch;
  const progress = new Progress(clientTimeoutMs, false, watch);
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const end = () => {
    progress.stop();
    resolve();
  };
  signal.addEventListener("abort", () => {
    end();
    // Otherwise the read would go on waiting for the client.
    void rest.cancel().catch(() => {});
  });
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
    progress.serverRead();
    const piece = head.shift() ?? (await readNext(body, progress, watch));
    if (signal.aborted) return;
    if (piece) return controller.enqueue(piece);
    controller.close();
    progress.stop();
    void scheduler.wait(LAST_PIECE_MS).then(resolve);
  };
  const expectedLength = length === null ? {} : { expectedLength: length };
  const content = new ReadableStream<Uint8Array>(
    { ...expectedLength, pull, cancel: end },
    { highWaterMark: 0 },
  );
  return { content, isOver: () => progress.isOver, over };
}

/** Follows the progress of a body that the runtime itself sends, by reading a copy of it (`request.clone()`). */
export function followCopy(copy: BodyReader, clientTimeoutMs: number, watch: UploadWatch): Upload {
  const progress = new Progress(clientTimeoutMs, true, watch);
  return { content: null, isOver: () => progress.isOver, over: follow(copy, progress, watch) };
}

/** Reads the client's next piece; `null`: the body is complete. */
async function readNext(
  { rest, onHeadSent }: StreamedBody,
  progress: Progress,
  { onBroken }: UploadWatch,
): Promise<Uint8Array | null> {
  onHeadSent();
  progress.waitForClient();
  try {
    const { done, value } = await rest.read(new Uint8Array(READ_BYTES));
    progress.clientSent(value?.byteLength ?? 0);
    return done ? null : value;
  } catch (error) {
    // The connection is cut before the stream fails, or the server might take half a body for a complete one.
    onBroken();
    throw error;
  }
}

async function follow(
  copy: BodyReader,
  progress: Progress,
  { signal, onBroken }: UploadWatch,
): Promise<void> {
  signal.addEventListener("abort", () => void copy.cancel().catch(() => {}));
  progress.waitForClient();
  try {
    for (;;) {
      const { done, value } = await copy.read(new Uint8Array(READ_BYTES));
      if (done) break;
      progress.count(value.byteLength);
    }
    progress.clientSent(0);
    progress.serverRead();
  } catch {
    onBroken();
  } finally {
    progress.stop();
  }
}

/** Whether an upload waits for its client or for its server, and the client's silence. */
class Progress {
  readonly #watch: UploadWatch;
  readonly #clientSilence: Silence;
  #bytesSinceReset = 0;
  isOver = false;

  constructor(clientTimeoutMs: number, unsure: boolean, watch: UploadWatch) {
    this.#watch = watch;
    this.#clientSilence = new Silence(watch.clock, clientTimeoutMs, () => watch.onStalled(unsure));
    this.#clientSilence.pause();
  }

  waitForClient(): void {
    this.#clientSilence.resume();
    this.#watch.onWaitForClient();
  }

  /** Ends the wait for the client. */
  clientSent(bytes: number): void {
    this.#clientSilence.pause();
    this.count(bytes);
    this.#watch.onClientSent();
  }

  /** Counts bytes of the client; the wait for it goes on. */
  count(bytes: number): void {
    this.#bytesSinceReset += bytes;
    if (this.#bytesSinceReset < LEAST_BYTES) return;
    this.#bytesSinceReset = 0;
    this.#clientSilence.reset();
  }

  serverRead(): void {
    this.#watch.onServerRead();
  }

  stop(): void {
    this.isOver = true;
    this.#clientSilence.stop();
  }
}
