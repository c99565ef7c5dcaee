import { RpcTarget } from "cloudflare:workers";
import type {
  Again,
  Granted,
  Lease,
  News,
  NotGranted,
  Seen,
  Served,
  Taken,
  WaitingTicket,
  Watch,
} from "../link/protocol.ts";

/**
 * A Worker's handle of its ticket. The runtime disposes it when the Worker's invocation ends or its isolate dies, and
 * then the ticket leaves the waiting list at once. A pending call alone would not do: it never learns that its caller
 * is gone (workerd 2026-11-17).
 */
export class TicketHandle extends RpcTarget implements WaitingTicket {
  readonly #turn: () => Promise<Granted | Served | Again | NotGranted>;
  readonly #onLeave: () => void;

  constructor(turn: () => Promise<Granted | Served | Again | NotGranted>, onLeave: () => void) {
    super();
    this.#turn = turn;
    this.#onLeave = onLeave;
  }

  turn(): Promise<Granted | Served | Again | NotGranted> {
    return this.#turn();
  }

  leave(): void {
    this.#onLeave();
  }

  [Symbol.dispose](): void {
    this.#onLeave();
  }
}

/** A Worker's handle of its lease. The runtime disposes it when the Worker is gone; its server may still be busy. */
export class LeaseHandle extends RpcTarget implements Lease {
  readonly #onRenew: () => boolean;
  readonly #onDispose: () => void;
  readonly #taken = Promise.withResolvers<Taken>();

  constructor(on: { renew: () => boolean; dispose: () => void }) {
    super();
    this.#onRenew = on.renew;
    this.#onDispose = on.dispose;
  }

  /** The slot is taken from its holder. Static, because RPC offers the holder every method of the handle itself. */
  static tell(handle: LeaseHandle, why: Taken): void {
    handle.#taken.resolve(why);
  }

  renew(): boolean {
    return this.#onRenew();
  }

  untilCut(): Promise<Taken> {
    return this.#taken.promise;
  }

  [Symbol.dispose](): void {
    this.#onDispose();
  }
}

/** A Worker's handle of the pool that it watches. The object keeps no state for it. */
export class WatchHandle extends RpcTarget implements Watch {
  readonly #look: (seen: Seen | null, history: boolean) => News | Promise<News>;

  constructor(look: (seen: Seen | null, history: boolean) => News | Promise<News>) {
    super();
    this.#look = look;
  }

  look(seen: Seen | null, history = false): News | Promise<News> {
    return this.#look(seen, history);
  }
}
