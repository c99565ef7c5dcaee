import type { PoolConfig } from "../config/types.ts";
import type { DrainSwitch } from "./drain.ts";
import type { Fleet } from "./fleet/fleet.ts";
import type { Outbox } from "./record/outbox.ts";
import type { Holding } from "./shards/holding.ts";
import { countsFlows } from "./terms/flows.ts";
import type { Ticket, TicketRequest } from "./waiting/ticket.ts";
import type { WaitingList } from "./waiting/waiting-list.ts";

/** The most requests that a shard offers to others at a time. */
const MOST_SENT_ON = 64;
/** Of so many requests that were sent on it is remembered. */
const MOST_REMEMBERED = 256;

/** What an object is to know of the pool that it is a part of. */
export interface ShardOptions {
  holding: Pick<Holding, "orders" | "isMember">;
  /** True if another object decides on drains. */
  follows: boolean;
  /** True if nothing is in flight at any other object of the pool. */
  othersAreQuiet: () => boolean;
  /** True of a server that another object of the pool has not let go. */
  isElsewhere: (identity: string) => boolean;
  /** True if another object of the pool may have servers that take requests. */
  othersAreAvailable: () => boolean;
}

interface Parts {
  settings: PoolConfig;
  waitingList: WaitingList;
  fleet: Fleet;
  drainSwitch: DrainSwitch;
  outbox: Outbox;
}

/**
 * Which requests an object that is one of several of its pool sends on to another one. An object that is the whole pool sends on none.
 */
export class Sharing {
  readonly #parts: Parts;
  /** `null`: this object is the whole pool. */
  readonly #shard: ShardOptions | null;
  readonly #random: () => number;
  /** True if the requests of a flow are counted, and wait here for that. */
  readonly #countsFlows: boolean;
  /** Since when direct requests had waited that were sent on lately, by their tickets: a lease may have been passed on to one before. */
  readonly #sentOn = new Map<string, number>();

  constructor(parts: Parts, shard: ShardOptions | null, random: () => number) {
    this.#parts = parts;
    this.#shard = shard;
    this.#random = random;
    this.#countsFlows = countsFlows(parts.settings);
  }

  // ── What this object is ──

  /** True if another object decides on drains, and says which servers there are. */
  get follows(): boolean {
    return this.#shard?.follows ?? false;
  }

  /** True if it grants nothing, as it does not know yet which servers are its own. */
  get isUninformed(): boolean {
    return this.#shard !== null && this.#shard.holding.orders === null;
  }

  /** True if it is none of the pool's shards any more, and only finishes what it has. */
  get isToGoOn(): boolean {
    const holding = this.#shard?.holding;
    return holding !== undefined && holding.orders !== null && !holding.isMember;
  }

  /** True if it has no server, and the requests of flows that are counted would never get another's. */
  get isBare(): boolean {
    const orders = this.#shard?.holding.orders;
    return !!orders && this.#countsFlows && orders.owned.length === 0;
  }

  get othersAreQuiet(): boolean {
    return this.#shard?.othersAreQuiet() ?? true;
  }

  get othersAreAvailable(): boolean {
    return this.#shard?.othersAreAvailable() ?? false;
  }

  /** True if requests that get no server here are to ask at the others. */
  get mayBeUpElsewhere(): boolean {
    return this.#shard !== null && !this.#countsFlows;
  }

  // ── Requests that come ──

  /** Sends a direct request on that no other object has to ask whether it may wait. Returns false if it may wait here. */
  sendsOn({ id, token, mayAskAnother = false, expiresAt }: TicketRequest): boolean {
    if (expiresAt !== undefined) return false;
    if (this.isToGoOn) this.sendOn(id, { hasPlace: token !== undefined, to: this.#anyMember });
    else if (this.isBare && mayAskAnother) this.sendOn(id, { hasPlace: token !== undefined, to: null });
    else return false;
    return true;
  }

  /** True if another shard may have a place or a server for it. It gets neither where its flow's requests are counted here. */
  mayAskAnother({ mayAskAnother = false }: TicketRequest): boolean {
    return mayAskAnother && !this.#countsFlows;
  }

  /** `to: null`: to any that it has not asked. `isFull`: it had no place here, as the list is full. */
  sendOn(ticket: string, { hasPlace, to, isFull = false }: Way): void {
    this.#parts.outbox.decided({ kind: "elsewhere", ticket, to, hasPlace, isFull });
  }

  // ── Requests that wait ──

  /**
   * So many of the requests that wait may go to another shard: direct ones wait there from now on, and deferred ones stay, and get a
   * slot of it if they can. Those that came first go first. `null`: this shard has nothing for them any more, and all direct ones go.
   * Returns how many are chosen.
   */
  sendThoseWhoWait(count: number, to: number | null): number {
    const { settings, waitingList, fleet, outbox } = this.#parts;
    const stays = to !== null && this.#countsFlows;
    // A retry keeps its turn here, as long as any server here could take it.
    const staysAsRetry = to !== null && fleet.slots > 0;
    const isMeant = ({ expiresAt, isRetry }: Ticket) =>
      !(isRetry && staysAsRetry) && (expiresAt === null ? !stays : to !== null);
    // Thousands may wait. After a restart the list may not know its first ones without all.
    const isShort = to !== null && settings.flow === null;
    const first = isShort ? waitingList.first(2 * count + MOST_SENT_ON) : [];
    const inOrder = first.length > 0 ? first : waitingList.inOrder();
    const chosen = inOrder.filter(isMeant).slice(0, count);
    for (const { id, isRetry, expiresAt, since } of chosen) {
      if (expiresAt !== null) {
        outbox.decided({ kind: "borrow", ticket: id, of: to as number });
        continue;
      }
      waitingList.leave(id);
      this.sendOn(id, { hasPlace: true, to: to ?? this.#anyMember });
      if (!isRetry) this.#remember(id, since);
    }
    return chosen.length;
  }

  /** A lease was passed on to a request that was sent on at the same moment: it does not go. Returns since when it had waited. */
  wasPassed(ticket: string): number | undefined {
    const since = this.#sentOn.get(ticket);
    this.#sentOn.delete(ticket);
    return since;
  }

  /**
   * How many requests wait that may get another shard's slots, if the next of them has waited for so long, in ms, and since when that
   * one does; `null`: none has.
   */
  longWaits(ms: number, now: number): { count: number; since: number } | null {
    const { waitingList, drainSwitch } = this.#parts;
    const next = waitingList.head();
    if (!next || now - next.since < ms || drainSwitch.current) return null;
    if (this.#countsFlows && waitingList.deferred === 0) return null;
    return { count: Math.min(waitingList.length, MOST_SENT_ON), since: next.since };
  }

  #remember(ticket: string, since: number): void {
    this.#sentOn.set(ticket, since);
    const [oldest] = this.#sentOn.keys();
    if (this.#sentOn.size > MOST_REMEMBERED && oldest !== undefined) this.#sentOn.delete(oldest);
  }

  /** `null`: its flow says which. */
  get #anyMember(): number | null {
    if (this.#countsFlows) return null;
    return Math.floor(this.#random() * (this.#shard?.holding.orders?.shards ?? 1));
  }
}

/** Where a request is sent on, and what it had here. */
interface Way {
  hasPlace: boolean;
  to: number | null;
  isFull?: boolean;
}
