import type { PoolConfig } from "../../config/types.ts";
import type { Outbox } from "../record/outbox.ts";
import { isHeld, isPresumedLost, type SlotRow } from "../terms/rows.ts";
import type { Checks } from "./checks.ts";
import type { Leases } from "./leases.ts";
import type { Server } from "./server.ts";
import type { Slot } from "./slot.ts";

/** Takes leases from their holders, and knows when those of a server that is being taken out are to end so. */
export class Cuts {
  readonly #settings: PoolConfig;
  readonly #outbox: Outbox;
  readonly #leases: Leases;
  readonly #checks: Checks;
  #next = Number.POSITIVE_INFINITY;

  constructor(settings: PoolConfig, outbox: Outbox, leases: Leases, checks: Checks) {
    this.#settings = settings;
    this.#outbox = outbox;
    this.#leases = leases;
    this.#checks = checks;
  }

  /** When the leases of a server that is being taken out are to be cut off next; `Infinity`: never. */
  get next(): number {
    return this.#next;
  }

  /** To be called when the cut of a server was set, made or called off. */
  serversChanged(servers: readonly Server[]): void {
    this.#next = Math.min(...servers.map((server) => server.nextCut));
  }

  /** Returns the servers whose leases are to be cut off now, each once. */
  takeDue(servers: readonly Server[], now: number): Server[] {
    if (this.#next > now) return [];
    const due = servers.filter((server) => server.nextCut <= now);
    for (const server of due) {
      server.wasCut([...server.occupiedSlots()].filter(isCuttable).length);
      this.#outbox.serverChanged(server.row);
    }
    this.serversChanged(servers);
    return due;
  }

  /**
   * Takes all leases of these servers from their holders. Returns the slots in the states of before: each is cut off when
   * it has been looked at.
   */
  *cut(servers: Iterable<Server>, now: number): Generator<Readonly<Slot<Server>>> {
    const { maxMs } = this.#settings.quarantine;
    for (const server of servers) {
      for (const slot of server.occupiedSlots()) {
        if (!isCuttable(slot)) continue;
        yield slot;
        this.#leases.cut(slot, maxMs, now);
        this.#checks.quarantined(server, slot.until - now, now);
      }
    }
  }
}

/** True of a lease whose holder has not said how it ended. */
function isCuttable(slot: SlotRow): boolean {
  return isHeld(slot) || isPresumedLost(slot);
}
