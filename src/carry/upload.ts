import type { Clock } from "../link/clock.ts";
import { Silence } from "./silence.ts";

export const READ_BYTES = 64 * 1024;
/** Fewer bytes than these within `client_timeout` are silence: a byte now and then must not hold a slot for ever. */
const LEAST_BYTES = 1024;

/** What the runtime has taken last, up to 16 KiB, it sends after it was told the end (workerd 2026-11-17). */
const LAST_PIECE_MS = 100;

/** Reads up to `READ_BYTES` at a time; the other kind of reader would give 4 KiB (workerd 2026-11-17). */
export type BodyReader = ReadableStreamBYOBReader;

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

/** A body that has to be sent while it comes. */
export interface LongBody {
  /** What was read already. */
  head: Uint8Array[];
  rest: BodyReader;
  /** `null`: unknown. */
  length: number | null;
  /** The head has been sent, and its memory is free. */
  onHeadSent: () => void;
}

/**
 * Sends it through a stream of our own, as the runtime's say that they are written when the server has not got it by far
 * (workerd 2026-11-17). A known length stays a `Content-Length`; otherwise the server gets chunks, as we did.
 */
export function sendLong(body: LongBody, clientTimeoutMs: number, watch: UploadWatch): Upload {
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
    // It would wait for a client that nobody listens to any more.
    void rest.cancel().catch(() => {});
  });
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
    progress.taken();
    const piece = head.shift() ?? (await readOn(body, progress, watch));
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

/** Follows, by its copy, a body that the runtime sends by itself. */
export function followSent(copy: BodyReader, clientTimeoutMs: number, watch: UploadWatch): Upload {
  const progress = new Progress(clientTimeoutMs, true, watch);
  return { content: null, isOver: () => progress.isOver, over: follow(copy, progress, watch) };
}

/** What comes next from the client; `null`: nothing more. */
async function readOn(
  { rest, onHeadSent }: LongBody,
  progress: Progress,
  { onBroken }: UploadWatch,
): Promise<Uint8Array | null> {
  onHeadSent();
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

async function follow(
  copy: BodyReader,
  progress: Progress,
  { signal, onBroken }: UploadWatch,
): Promise<void> {
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
