import { RpcTarget } from "cloudflare:workers";
import type { Granted, Lease, News, NotGranted, Seen, WaitingTicket, Watch } from "../link/protocol.ts";

/**
 * What a Worker holds of its waiting ticket. The runtime disposes it when the Worker's invocation ends or its isolate
 * dies, and then the ticket leaves the list at once; a call that waits is never told that its caller left (workerd
 * 2026-11-17).
 */
export class TicketHandle extends RpcTarget implements WaitingTicket {
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

/**
 * What a Worker holds of its slot. The runtime disposes it when the Worker is gone, and then the server may still be
 * busy.
 */
export class LeaseHandle extends RpcTarget implements Lease {
  readonly #onRenew: () => boolean;
  readonly #onDispose: () => void;

  constructor(on: { renew: () => boolean; dispose: () => void }) {
    super();
    this.#onRenew = on.renew;
    this.#onDispose = on.dispose;
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
