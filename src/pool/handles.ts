import { RpcTarget } from "cloudflare:workers";
import type { Ending, Granted, Lease, News, NotGranted, Place, Seen, Watch } from "../link/protocol.ts";

/**
 * What a waiting Worker holds of its place in the list. The runtime disposes it when the Worker's invocation
 * ends or its isolate dies, and then the ticket leaves the list at once; a blocked `acquire` alone is never
 * told that its caller left (workerd 2026-11-17).
 */
export class PlaceHandle extends RpcTarget implements Place {
  readonly #turn: Promise<Granted | NotGranted>;
  readonly #left: () => void;

  constructor(turn: Promise<Granted | NotGranted>, left: () => void) {
    super();
    this.#turn = turn;
    this.#left = left;
  }

  turn(): Promise<Granted | NotGranted> {
    return this.#turn;
  }

  leave(): void {
    this.#left();
  }

  [Symbol.dispose](): void {
    this.#left();
  }
}

type End = (ending: Ending, retried: boolean, status: number | undefined) => Promise<void>;

/**
 * What a Worker holds of its slot. `end` gives it back; the runtime disposing the handle without that means
 * that the Worker is gone and the server may still be busy.
 */
export class LeaseHandle extends RpcTarget implements Lease {
  readonly #onEnd: End;
  readonly #onRenew: () => boolean;
  readonly #onDispose: () => void;

  constructor(on: {
    end: End;
    renew: () => boolean;
    dispose: () => void;
  }) {
    super();
    this.#onEnd = on.end;
    this.#onRenew = on.renew;
    this.#onDispose = on.dispose;
  }

  end(ending: Ending, retried = false, status?: number): Promise<void> {
    return this.#onEnd(ending, retried, status);
  }

  renew(): boolean {
    return this.#onRenew();
  }

  [Symbol.dispose](): void {
    this.#onDispose();
  }
}

/** What a Worker holds of the pool it watches. The object keeps nothing for it. */
export class WatchHandle extends RpcTarget implements Watch {
  readonly #look: (seen: Seen | null, history: boolean) => News;

  constructor(look: (seen: Seen | null, history: boolean) => News) {
    super();
    this.#look = look;
  }

  look(seen: Seen | null, history = false): News {
    return this.#look(seen, history);
  }
}
