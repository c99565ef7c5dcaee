import { ClientLeft } from "../link/acquire.ts";
import { Clock } from "../link/clock.ts";
import { Refusal } from "../refusals/refusal.ts";
import { Silence } from "./silence.ts";
import { type BodyReader, READ_BYTES } from "./upload.ts";

/** Least speed of an upload before it holds a slot, in bytes per second: Apache's default (mod_reqtimeout, MinRate). */
const LEAST_RATE = 500;

/** Reads a client's body while its request holds no slot, and gives up on a client that is too slow. */
export class PacedReader {
  readonly #reader: BodyReader;
  readonly #client: AbortSignal;
  readonly #clock = new Clock();
  readonly #silence: Silence;
  readonly #stalled = Promise.withResolvers<never>();
  readonly #leastBytes: number;
  /** Bytes since the silence was last reset. */
  #bytes = 0;

  constructor(reader: BodyReader, client: AbortSignal, clientTimeoutMs: number) {
    this.#reader = reader;
    this.#client = client;
    // Nothing may be awaiting it when it rejects: that would be an unhandled rejection.
    this.#stalled.promise.catch(() => {});
    this.#silence = new Silence(this.#clock, clientTimeoutMs, () =>
      this.#stalled.reject(new Refusal("client-timeout", "The request's body did not arrive in time.")),
    );
    // Between two reads it is not the client that is slow.
    this.#silence.pause();
    this.#leastBytes = Math.max(1, (LEAST_RATE * clientTimeoutMs) / 1_000);
  }

  /**
   * Returns the next piece; `null`: the body is complete. Rejects with `ClientLeft`, with `BrokenUpload`, or with the
   * `Refusal` `client-timeout` if the client falls below `LEAST_RATE` over `clientTimeoutMs`.
   */
  async read(): Promise<Uint8Array | null> {
    this.#silence.resume();
    try {
      const read = this.#reader.read(new Uint8Array(READ_BYTES));
      const { done, value } = await Promise.race([read, this.#stalled.promise]);
      if (done) return null;
      this.#bytes += value.byteLength;
      if (this.#bytes >= this.#leastBytes) {
        this.#bytes = 0;
        this.#silence.reset();
      }
      return value;
    } catch (error) {
      void this.#reader.cancel().catch(() => {});
      throw await failureOf(error, this.#client);
    } finally {
      this.#silence.pause();
    }
  }

  /** No more is read. */
  stop(): void {
    this.#clock.stop();
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
