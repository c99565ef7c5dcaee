import type { StoredAnswer, StoredRequest } from "../link/deferred-calls.ts";
import type { Progress } from "./progress.ts";

/**
 * A deferred request in its object's storage: the request, its body and the answer's in rows, and its progress. An
 * object that stores nothing has no request.
 *
 * All calls are synchronous, and writes of one turn of the event loop are one transaction. The runtime holds back every
 * message until the writes before it are durable (output gate).
 */
export class Store {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  get request(): StoredRequest | null {
    return this.#storage.kv.get<StoredRequest>("request") ?? null;
  }

  set request(request: StoredRequest) {
    this.#storage.kv.put("request", request);
  }

  get progress(): Progress | null {
    return this.#storage.kv.get<Progress>("progress") ?? null;
  }

  set progress(progress: Progress) {
    this.#storage.kv.put("progress", progress);
  }

  /** Rows and bytes of the request's body. */
  get body(): { rows: number; bytes: number } {
    return this.#storage.kv.get<{ rows: number; bytes: number }>("body") ?? { rows: 0, bytes: 0 };
  }

  set body(body: { rows: number; bytes: number }) {
    this.#storage.kv.put("body", body);
  }

  get answer(): StoredAnswer | null {
    return this.#storage.kv.get<StoredAnswer>("answer") ?? null;
  }

  set answer(answer: StoredAnswer) {
    this.#storage.kv.put("answer", answer);
  }

  row(of: "body" | "answer", row: number): Uint8Array | null {
    return this.#storage.kv.get<Uint8Array>(`${of} ${row}`) ?? null;
  }

  putRow(of: "body" | "answer", row: number, bytes: Uint8Array): void {
    this.#storage.kv.put(`${of} ${row}`, bytes);
  }

  /** Deletes those before `rows`, but none before `first`. */
  deleteRows(of: "body" | "answer", rows: number, first = 0): void {
    for (let row = first; row < rows; row++) this.#storage.kv.delete(`${of} ${row}`);
  }

  /** The object is to be woken no later than this; a time that has passed means now. */
  setAlarm(at: number): void {
    void this.#storage.setAlarm(at);
  }

  /** Deletes everything, the alarm too (compatibility date 2026-02-24): nothing is left of the object. */
  async deleteAll(): Promise<void> {
    await this.#storage.deleteAll();
  }
}
