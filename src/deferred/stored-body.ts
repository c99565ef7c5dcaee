import type { CarriedBody } from "../carry/carried-request.ts";
import { sendStreamed, type Upload, type UploadWatch } from "../carry/upload.ts";
import type { Store } from "./store.ts";

/** A body in rows. It is sent as often as it takes; a longer one is streamed, a row at a time. */
export class StoredBody implements CarriedBody {
  // A request with such a body is not deferred.
  readonly staysOnRequest = false;
  readonly isReplayable = true;
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  send(clientTimeoutMs: number, watch: UploadWatch): Upload {
    const { rows, bytes } = this.#store.body;
    if (rows <= 1)
      return { content: this.#store.row("body", 0), isOver: () => true, over: Promise.resolve() };
    const rest = this.#stream(rows).getReader({ mode: "byob" });
    return sendStreamed({ head: [], rest, length: bytes, onHeadSent: () => {} }, clientTimeoutMs, watch);
  }

  forget(): void {
    // It stays in storage: an operator may have the request tried again.
  }

  #stream(rows: number): ReadableStream<Uint8Array> {
    let row = 0;
    return new ReadableStream({
      type: "bytes",
      pull: (controller) => {
        const bytes = row < rows ? this.#store.row("body", row++) : null;
        if (bytes) controller.enqueue(bytes);
        else controller.close();
        // A reader's last view would wait for ever.
        if (!bytes) controller.byobRequest?.respond(0);
      },
    });
  }
}
