import { RpcTarget } from "cloudflare:workers";
import { type LiveAnswer, type LiveBody, ROW_BYTES, type StoredAnswer } from "../link/deferred-calls.ts";
import { logError } from "../link/log.ts";
import type { Store } from "./store.ts";

type Head = Pick<StoredAnswer, "status" | "statusText" | "headers">;
type Reader = ReadableStreamDefaultReader<Uint8Array>;

/**
 * What has become of an answer.
 * stored     all of it is in storage
 * too-large  it is not kept
 * live       the same, but somebody reads it
 * broken     the server broke off
 * not-taken  storage does not take it
 */
export type Written = "stored" | "too-large" | "live" | "broken" | "not-taken";

/** Writes a server's answer to storage as it arrives, in rows. */
export class AnswerWriter {
  readonly #store: Store;
  readonly #mostBytes: number;
  readonly #takeLive: (answer: LiveAnswer) => boolean;
  #rows = 0;
  #bytes = 0;
  #row: Uint8Array = new Uint8Array();
  #used = 0;

  /** `takeLive`: gets an answer of more than `mostBytes` if there is somebody to read it; `false`: nobody. */
  constructor(store: Store, mostBytes: number, takeLive: (answer: LiveAnswer) => boolean) {
    this.#store = store;
    this.#mostBytes = mostBytes;
    this.#takeLive = takeLive;
  }

  /** Resolves once the answer is in storage, or will not be. Never rejects. */
  async write({ status, statusText, headers, body }: Response): Promise<Written> {
    const head: Head = { status, statusText, headers: [...headers] };
    const reader = (body?.getReader() ?? null) as Reader | null;
    try {
      for (let bytes = await read(reader); bytes; bytes = await read(reader)) {
        if (bytes === "broken") return this.#drop("broken");
        if (this.#bytes + bytes.byteLength > this.#mostBytes)
          return this.#overflow(head, bytes, reader as Reader);
        this.#push(bytes);
      }
      this.#flush();
      this.#store.answer = { ...head, rows: this.#rows, bytes: this.#bytes };
      return "stored";
    } catch (error) {
      logError(error, { deferred: true });
      void reader?.cancel().catch(() => {});
      return this.#drop("not-taken");
    }
  }

  /** Copies the bytes: their buffer is used again for the next ones. */
  #push(bytes: Uint8Array): void {
    for (let rest = bytes; rest.byteLength > 0; ) {
      if (this.#used === this.#row.byteLength) this.#grow(rest.byteLength);
      const part = rest.subarray(0, this.#row.byteLength - this.#used);
      this.#row.set(part, this.#used);
      this.#used += part.byteLength;
      this.#bytes += part.byteLength;
      rest = rest.subarray(part.byteLength);
    }
  }

  /** Most answers are short, and come in one piece. */
  #grow(bytes: number): void {
    if (this.#used === ROW_BYTES) this.#flush();
    const size = Math.min(ROW_BYTES, Math.max(2 * this.#row.byteLength, this.#used + bytes));
    const longer = new Uint8Array(size);
    longer.set(this.#row.subarray(0, this.#used));
    this.#row = longer;
  }

  #flush(): void {
    if (this.#used === 0) return;
    // A view would be stored with all of its buffer.
    this.#store.putRow("answer", this.#rows++, this.#row.slice(0, this.#used));
    this.#used = 0;
    if (this.#row.byteLength < ROW_BYTES) this.#row = new Uint8Array();
  }

  #overflow(head: Head, next: Uint8Array, reader: Reader): Written {
    this.#flush();
    const length = Number.parseInt(head.headers.find(([name]) => name === "content-length")?.[1] ?? "", 10);
    const rest = new RestOfAnswer(this.#store, this.#rows, next, reader);
    const answer = { head: { ...head, length: Number.isNaN(length) ? null : length }, rest };
    if (this.#takeLive(answer as unknown as LiveAnswer)) return "live";
    void reader.cancel().catch(() => {});
    return this.#drop("too-large");
  }

  #drop(why: Written): Written {
    this.#store.deleteRows("answer", this.#rows);
    return why;
  }
}

/** Resolves with the next piece; `null`: that was all. */
async function read(reader: Reader | null): Promise<Uint8Array | "broken" | null> {
  try {
    return (await reader?.read())?.value ?? null;
  } catch {
    return "broken";
  }
}

/** How often the server's stream is read while there is something to read from storage, in ms. */
const SIGN_OF_LIFE_MS = 500;

/**
 * An answer that is too large to store: what is in storage, then what the server still sends. While its reader takes
 * what is in storage, a piece of the server's goes there now and then: that stream counts a reader that takes nothing as
 * gone.
 */
class RestOfAnswer extends RpcTarget implements LiveBody {
  readonly #store: Store;
  readonly #reader: Reader;
  /** The next row, and the one after the last. */
  #row = 0;
  #rows: number;
  /** When the server's stream was read; ms since the epoch. */
  #readAt = Date.now();
  #isOver = false;
  /** Resolves once the server's next piece is in storage; `null`: none is on its way there. */
  #ahead: Promise<void> | null = null;

  constructor(store: Store, rows: number, next: Uint8Array, reader: Reader) {
    super();
    this.#store = store;
    this.#rows = rows;
    this.#reader = reader;
    this.#put(next);
  }

  async read(): Promise<Uint8Array | null> {
    if (this.#row === this.#rows) await this.#ahead;
    if (this.#row === this.#rows) return this.#isOver ? null : this.#next();
    const bytes = this.#store.row("answer", this.#row);
    this.#store.deleteRows("answer", this.#row + 1, this.#row);
    this.#row++;
    if (!this.#isOver && Date.now() - this.#readAt >= SIGN_OF_LIFE_MS) {
      this.#ahead ??= this.#readAhead();
      // Its failure is for the call that waits for it.
      this.#ahead.catch(() => {});
    }
    return bytes;
  }

  async #next(): Promise<Uint8Array | null> {
    this.#readAt = Date.now();
    const { value } = await this.#reader.read();
    this.#isOver = value === undefined;
    return value ?? null;
  }

  async #readAhead(): Promise<void> {
    const bytes = await this.#next();
    this.#ahead = null;
    if (bytes) this.#put(bytes);
  }

  #put(bytes: Uint8Array): void {
    this.#store.putRow("answer", this.#rows++, bytes.slice());
  }

  [Symbol.dispose](): void {
    void this.#reader.cancel().catch(() => {});
    this.#store.deleteRows("answer", this.#rows, this.#row);
    this.#row = this.#rows;
  }
}
