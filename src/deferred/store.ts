import type { DeferAgain, DeferredState } from "../link/deferral.ts";
import type { StoredAnswer, StoredRequest } from "../link/deferred-calls.ts";
import type { RefusalCode } from "../refusals/refusal.ts";

/** What becomes of a deferred request. Times are in ms since the epoch. */
export interface Progress {
  /** `storing`: it is not accepted yet. */
  state: "storing" | DeferredState;
  acceptedAt: number;
  /** When it is given up, unless it has a slot by then. */
  expiresAt: number;
  /** On the operator's list; `null`: the pool has not told it yet. */
  number: number | null;
  /** The slot that it got last, or refuses to get. */
  ticket: string | null;
  /** Slots that it got, or refused to get, before: a message of one of them may still come. */
  former: string[];
  /** How the attempt with that slot failed, until there is another one: the pool may not have heard of it. */
  failed: Pick<DeferAgain, "end" | "retry"> | null;
  server: string | null;
  attempts: number;
  /** How many of the attempts have failed: `retries` of the pool limits them. */
  failures: number;
  startedAt: number | null;
  endedAt: number | null;
  problem: { code: RefusalCode; detail: string } | null;
  /** Its client, or an operator, has canceled it while it ran. */
  canceled: boolean;
  /** `null`: nobody is to be told (any more). */
  webhook: { id: string; attempts: number; nextAt: number } | null;
}

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
