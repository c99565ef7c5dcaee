import type { PoolConfig } from "../../config/types.ts";
import type { LeaseEnd } from "./lease-end.ts";

/** Words for leases that are passed on from request to request within one isolate of the Worker. Times are in ms. */

/** Where a request waits: its isolate, and the number of its call there, new with each call. */
export interface Caller {
  isolate: string;
  call: number;
}

/** Who is next, as the pool's object tells one isolate. A higher version replaces a lower one. */
export interface Next {
  version: number;
  /** The calls at the head of the waiting list, in order, of those that this isolate may pass leases on to. */
  calls: readonly number[];
  /** Leases of a lower version must not be passed on any more. */
  notBefore: number;
}

/** That a lease may be passed on: for so long, unless it is recalled. */
export interface PassPermit {
  version: number;
  forMs: number;
}

/** That a lease was passed on. It keeps its id. */
export interface Passed {
  lease: string;
  /** The server's name. */
  server: string;
  /** How often the lease has been passed on, this time included. */
  hop: number;
  /** How the request ended that passed it on. */
  end: LeaseEnd;
  /** The ticket of the request that has it now. */
  to: string;
  agoMs: number;
}

/**
 * True if leases of the pool may be passed on. Not where an isolate cannot know who gets the slot: flows share by what only
 * the object has counted, and a request of a key wants its own server. A cooldown has to be waited for first.
 */
export function passesOn({ flow, balance, cooldownMs }: PoolConfig): boolean {
  return flow === null && typeof balance === "string" && cooldownMs === 0;
}
