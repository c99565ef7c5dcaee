import type { LeaseEnd } from "../scheduler/terms/lease-end.ts";
import { Clock } from "./clock.ts";
import type { Granted } from "./protocol.ts";
import type { PoolStub } from "./reach.ts";

/**
 * Why a slot is no longer its holder's.
 * cut   an operator's drain has cut it off: its server gets nothing else before this request is over
 * lost  anything else: its server may get another request at any moment
 */
export type Loss = "cut" | "lost";

/** What a request needs to go to a server: a lease, or free passage. `HeldLease` describes its members. */
export interface Passage {
  readonly server: Granted["server"];
  readonly clock: Clock;
  /** True if it is no lease: nobody waits for its end, and the request has no place on the waiting list. */
  readonly isFree: boolean;
  onLost: (why: Loss) => void;
  /**
   * Set where the server may still be reading the request when its answer is over: a lease then ends at the pool, and is not
   * passed on at once.
   */
  mayBeRead: boolean;
  end(end: LeaseEnd, first?: PoolStub): Promise<void>;
}

/** The way to a server for a request of `free_paths`. It takes no slot, so nobody is told of its end. */
export class FreePassage implements Passage {
  readonly server: Granted["server"];
  readonly clock = new Clock();
  readonly isFree = true;
  mayBeRead = false;
  /** Never called. */
  onLost: Passage["onLost"] = () => {};

  constructor(server: Granted["server"]) {
    this.server = server;
  }

  end(): Promise<void> {
    this.clock.stop();
    return Promise.resolve();
  }
}
