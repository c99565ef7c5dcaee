import { RpcTarget } from "cloudflare:workers";
import { type LiveAnswer, type LiveBody, ROW_BYTES, type StoredAnswer } from "../link/deferred-calls.ts";
import type { Store } from "./store.ts";

type Head = Pick<StoredAnswer, "status" | "statusText" | "headers">;

/**
 * What has become of an answer.
 * stored     all of it is in storage
 * too-large  it is not kept
 * live       the same, but somebody reads it
 * broken     the server broke off
 */
export type Written = "stored" | "too-large" | "live" | "broken";

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
    const reader = body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined;
    try {
      for (let read = await reader?.read(); read?.value; read = await reader?.read()) {
        if (this.#bytes + read.value.byteLength > this.#mostBytes)
          return this.#overflow(head, read.value, reader as ReadableStreamDefaultReader<Uint8Array>);
        this.#push(read.value);
      }
    } catch {
      this.#store.deleteRows("answer", this.#rows);
      return "broken";
    }
    this.#flush();
    this.#store.answer = { ...head, rows: this.#rows, bytes: this.#bytes };
    return "stored";
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

  #overflow(head: Head, next: Uint8Array, reader: ReadableStreamDefaultReader<Uint8Array>): Written {
    this.#flush();
    const length = Number.parseInt(head.headers.find(([name]) => name === "content-length")?.[1] ?? "", 10);
    const rest = new RestOfAnswer(this.#store, this.#rows, next.slice(), reader);
    const answer = { head: { ...head, length: Number.isNaN(length) ? null : length }, rest };
    if (this.#takeLive(answer as unknown as LiveAnswer)) return "live";
    void reader.cancel().catch(() => {});
    this.#store.deleteRows("answer", this.#rows);
    return "too-large";
  }
}

/** An answer that is too large to store: what is in storage, then what the server still sends. */
class RestOfAnswer extends RpcTarget implements LiveBody {
  readonly #store: Store;
  readonly #rows: number;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #row = 0;
  #next: Uint8Array | null;

  constructor(store: Store, rows: number, next: Uint8Array, reader: ReadableStreamDefaultReader<Uint8Array>) {
    super();
    this.#store = store;
    this.#rows = rows;
    this.#next = next;
    this.#reader = reader;
  }

  async read(): Promise<Uint8Array | null> {
    if (this.#row < this.#rows) {
      const bytes = this.#store.row("answer", this.#row++);
      if (this.#row === this.#rows) this.#store.deleteRows("answer", this.#rows);
      return bytes;
    }
    if (this.#next) {
      const next = this.#next;
      this.#next = null;
      return next;
    }
    const { value } = await this.#reader.read();
    return value ?? null;
  }

  [Symbol.dispose](): void {
    void this.#reader.cancel().catch(() => {});
    this.#store.deleteRows("answer", this.#rows);
  }
}
