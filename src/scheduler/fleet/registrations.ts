import type { RegisteredRow } from "../terms/rows.ts";
import type { Server } from "./server.ts";

/** What a server says when it registers, and who says it. `expiresAt`: `Infinity` if it stays until it is taken out. */
export interface RegisterRequest extends Omit<RegisteredRow, "since"> {
  /** It has registered before, and does not take the name from another one that has it by now. */
  renews?: boolean | undefined;
}

/**
 * new      it has come, or come again
 * changed  it was there, with other slots, another weight, or not as the backup that it is
 * renewed  it was there as it is
 * known    the name is that of a configured server, or the address that of another one of the pool
 * full     as many have registered as the pool allows
 */
export type Registered = "new" | "changed" | "renewed" | "known" | "full";

/** The servers that have registered and have not left: when the next of them leaves unless it registers again. */
export class Registrations {
  readonly #servers = new Set<Server>();
  #next = Number.POSITIVE_INFINITY;

  get size(): number {
    return this.#servers.size;
  }

  /** When the first of them leaves, in ms since the epoch; `Infinity`: none does. */
  get next(): number {
    return this.#next;
  }

  /** To be called for each registration, the first or another one. */
  add(server: Server): void {
    this.#servers.add(server);
    this.#findNext();
  }

  delete(server: Server): void {
    this.#servers.delete(server);
    this.#findNext();
  }

  /** Those whose time has come. */
  due(now: number): Server[] {
    return this.#next > now ? [] : [...this.#servers].filter((server) => endOf(server) <= now);
  }

  #findNext(): void {
    this.#next = Number.POSITIVE_INFINITY;
    for (const server of this.#servers) this.#next = Math.min(this.#next, endOf(server));
  }
}

function endOf({ registration }: Server): number {
  return registration?.expiresAt ?? Number.POSITIVE_INFINITY;
}
