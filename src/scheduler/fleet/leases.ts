import type { PoolConfig } from "../../config/types.ts";
import { PriorityQueue } from "../collections/priority-queue.ts";
import type { Outbox } from "../record/outbox.ts";
import { passesOn } from "../terms/passing.ts";
import { isHeld, isInFlight, type SlotRow, type SlotState } from "../terms/rows.ts";
import type { Ticket } from "../waiting/ticket.ts";
import type { Server } from "./server.ts";
import type { Slot } from "./slot.ts";

/** The time to live of a lease, in ms. A holder that has not renewed it for this long is presumed lost. */
export const LEASE_TTL_MS = 30_000;

/**
 * For so long after a restart, in ms, it may turn out that a lease has been passed on: by a permit of the instance before, which
 * holds for a third of that time to live at most. Who got it has said so within another second.
 */
export const LONGEST_UNCERTAIN_MS = LEASE_TTL_MS / 3 + 2_000;

/** Bounds of the rest, in ms, that a server which is busy for somebody else may ask for. */
const [LEAST_REST_MS, LONGEST_REST_MS] = [50, 10_000];

/** The states of a slot that nothing holds and that cannot be granted. */
export type WithheldState = "quarantined" | "recovering" | "cooling" | "resting";

type GrantedTicket = Pick<Ticket, "id" | "flow" | "caller" | "expiresAt">;

/** Who occupies a slot: a request or a check. */
interface Occupant {
  id: string;
  flow: string | null;
  isolate: string | null;
  attached: boolean;
}

/** All occupied slots, by the id of their lease or check, and the timers that end their states. */
export class Leases {
  readonly #outbox: Outbox;
  /** A lookup only. Slots are counted apart, because a repeated `enter` may get one while another is in quarantine. */
  readonly #byId = new Map<string, Slot<Server>>();
  readonly #timers = new SlotTimers<Slot<Server>>();
  #occupied = 0;
  #inFlight = 0;
  /** How many leases are held in each isolate by holders that have not attached; `null`: it is not known where. */
  readonly #briefIn = new Map<string | null, number>();

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  get size(): number {
    return this.#occupied;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * The isolate that alone holds leases, of those that may end at any moment: who has attached has held a lease for long,
   * and gives it back to the pool. `null`: there is none, or that is not known.
   */
  get soleHolder(): string | null {
    if (this.#briefIn.size !== 1) return null;
    const [isolate = null] = this.#briefIn.keys();
    return isolate;
  }

  get(id: string): Slot<Server> | undefined {
    return this.#byId.get(id);
  }

  /** Leases a slot, just returned by `Server.take`, to the ticket. */
  grant(slot: Slot<Server>, ticket: GrantedTicket, now: number): void {
    const { id, flow, caller, expiresAt } = ticket;
    // A deferred request's object gets a handle with its grant.
    this.#occupy(slot, { id, flow, isolate: caller?.isolate ?? null, attached: expiresAt !== null }, now);
    this.#setStateUntil(slot, "leased", now + LEASE_TTL_MS, now);
  }

  /** The lease is another request's from now on, in this isolate. Its row says what it said. */
  passed(slot: Slot<Server>, hop: number, isolate: string, since: number): void {
    slot.hop = hop;
    slot.since = since;
    this.#count(slot, -1);
    slot.isolate = isolate;
    this.#count(slot, 1);
  }

  /** Its holder has a handle of the lease from now on, and passes it on no more. */
  attach(slot: Slot<Server>, hop: number): void {
    slot.hop = Math.max(slot.hop, hop);
    slot.isHopUnsure = false;
    slot.passUntil = Number.NEGATIVE_INFINITY;
    this.#count(slot, -1);
    slot.attached = true;
    this.#count(slot, 1);
  }

  /** Prolongs the lease by its time to live. A slot that is orphaned or in quarantine is leased again. */
  renew(slot: Slot<Server>, now: number): void {
    // A renewal alone is not worth a write: after a restart the time to live begins anew.
    if (slot.state === "leased") this.#timers.set(slot, now + LEASE_TTL_MS);
    else this.#setStateUntil(slot, "leased", now + LEASE_TTL_MS, now);
  }

  /** Closes the slot for `forMs`. */
  withhold(slot: Slot<Server>, state: WithheldState, forMs: number, now: number): void {
    this.#setStateUntil(slot, state, now + forMs, now);
  }

  /**
   * Takes the slot from its holder, which is told, but may hear of it as late as it would have renewed. So the slot opens
   * no sooner than if the holder were lost now.
   */
  cut(slot: Slot<Server>, quarantineMs: number, now: number): void {
    const until = isHeld(slot) ? slot.until + quarantineMs : slot.until;
    slot.lost = false;
    this.#setStateUntil(slot, "cut", until, now);
  }

  /** Gives a slot, just returned by `Server.take`, to a health check, for `forMs` at most. */
  check(slot: Slot<Server>, id: string, now: number, forMs: number): void {
    this.#occupy(slot, { id, flow: null, isolate: null, attached: false }, now);
    this.#setStateUntil(slot, "checking", now + forMs, now);
  }

  free(slot: Slot<Server>): void {
    this.#timers.clear(slot);
    if (this.#byId.get(slot.lease) === slot) this.#byId.delete(slot.lease);
    this.#occupied--;
    this.#count(slot, -1);
    slot.server.give(slot);
    this.#outbox.slotChanged(slot);
  }

  /** Restores a slot after a restart, perhaps with another configuration. Whether a lease's holder lives is unknown. */
  restore(server: Server, row: SlotRow, now: number, settings: PoolConfig): Slot<Server> {
    const slot = server.restore(row.index);
    this.#occupy(slot, { id: row.lease, flow: row.flow, isolate: null, attached: false }, row.since);
    slot.hop = row.hop;
    // The row says when its lease was granted. It may have been passed on until that instance ended.
    if (isHeld(row) || row.lost || row.state === "cut") {
      slot.passUntil = now;
      slot.isHopUnsure = passesOn(settings);
    }
    // Set this deadline on the first restart only: renewing it each time would never expire in a crash loop.
    if (row.state === "leased") this.#setStateUntil(slot, "orphaned", now + LEASE_TTL_MS, now);
    // The check died with the instance that sent it, but the server may still be busy with it.
    else if (row.state === "checking")
      this.#setStateUntil(slot, "recovering", Math.min(row.until, now) + settings.quarantine.maxMs, now);
    else {
      this.#setState(slot, row.state, now);
      slot.lost = row.lost;
      // The configured times may have become shorter meanwhile.
      const longest = longestMs(row.state, settings);
      this.#timers.set(slot, Math.min(row.until, now + longest));
    }
    return slot;
  }

  /** Returns a slot whose state ends now, and clears its timer; `undefined`: there is none (any more). */
  takeDue(now: number): Slot<Server> | undefined {
    return this.#timers.takeDue(now);
  }

  next(): number {
    return this.#timers.next();
  }

  #occupy(slot: Slot<Server>, by: Occupant, since: number): void {
    const { id, flow, isolate, attached } = by;
    slot.lease = id;
    slot.flow = flow;
    slot.since = since;
    slot.isolate = isolate;
    slot.attached = attached;
    slot.passUntil = Number.NEGATIVE_INFINITY;
    slot.hop = 0;
    slot.isHopUnsure = false;
    slot.untold = null;
    const namesake = this.#byId.get(id);
    if (!namesake || !isHeld(namesake)) this.#byId.set(id, slot);
    this.#occupied++;
    this.#count(slot, 1);
  }

  #setStateUntil(slot: Slot<Server>, state: SlotState, until: number, now: number): void {
    this.#setState(slot, state, now);
    this.#timers.set(slot, until);
    this.#outbox.slotChanged(slot);
  }

  #setState(slot: Slot<Server>, state: SlotState, now: number): void {
    this.#count(slot, -1);
    slot.state = state;
    slot.stateSince = now;
    this.#count(slot, 1);
  }

  #count(slot: Slot<Server>, by: 1 | -1): void {
    if (isInFlight(slot)) this.#inFlight += by;
    if (!isHeld(slot) || slot.attached) return;
    const brief = (this.#briefIn.get(slot.isolate) ?? 0) + by;
    if (brief === 0) this.#briefIn.delete(slot.isolate);
    else this.#briefIn.set(slot.isolate, brief);
  }
}

/** Returns the longest time that a slot may stay in this state by the present configuration, in ms. */
function longestMs(state: SlotState, { quarantine, cooldownMs }: PoolConfig): number {
  if (state === "orphaned") return Number.POSITIVE_INFINITY;
  if (state === "cut") return LEASE_TTL_MS + quarantine.maxMs;
  if (state === "cooling") return cooldownMs;
  return state === "resting" ? restMs(LONGEST_REST_MS, cooldownMs) : quarantine.maxMs;
}

/** Returns how long a slot rests, in ms. `wantedMs`: what its server asked for. */
export function restMs(wantedMs: number, cooldownMs: number): number {
  return Math.max(LEAST_REST_MS, cooldownMs, Math.min(wantedMs, LONGEST_REST_MS));
}

interface Timer<S> {
  readonly slot: S;
  readonly at: number;
}

/** When slots' states end by themselves. A slot has one timer: setting it again replaces it. */
export class SlotTimers<S extends Slot> {
  readonly #timers = new PriorityQueue<Timer<S>>(
    (a, b) => a.at < b.at,
    (timer) => timer.slot.timer !== timer,
  );

  set(slot: S, at: number): void {
    if (slot.timer?.at === at) return;
    this.clear(slot);
    const timer = { slot, at };
    slot.timer = timer;
    slot.until = at;
    this.#timers.push(timer);
  }

  clear(slot: S): void {
    if (!slot.timer) return;
    slot.timer = null;
    this.#timers.bury();
  }

  /** Returns a slot whose time has come, and clears its timer; `undefined`: there is none (any more). */
  takeDue(now: number): S | undefined {
    const first = this.#timers.peek();
    if (!first || first.at > now) return undefined;
    this.#timers.pop();
    first.slot.timer = null;
    return first.slot;
  }

  next(): number {
    return this.#timers.peek()?.at ?? Number.POSITIVE_INFINITY;
  }
}
