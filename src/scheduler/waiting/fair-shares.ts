import { Decaying } from "../collections/decaying.ts";
import { PriorityQueue } from "../collections/priority-queue.ts";
import { type Ranked, Ranking } from "../collections/ranking.ts";
import type { Order, UsedSlot } from "./order.ts";
import { goesBefore, hasLeft, type Ticket } from "./ticket.ts";

/** So many flows without a request, of which it is remembered how much service they had. */
const MOST_REMEMBERED = 2_000;
/** The weight of one request in the moving average of a flow's service times. */
const NEWEST_SHARE = 1 / 8;
/** What a request is taken to need, in ms, where nothing tells. */
const LEAST_COST_MS = 1;

/** The requests of one client. Virtual times are in ms of service. */
interface Flow extends Ranked {
  readonly key: string | null;
  /** Those that wait, in their order. */
  readonly line: PriorityQueue<Ticket>;
  queued: number;
  /** How many of them are being tried again. */
  retries: number;
  /** Slots whose servers may be at work for it. */
  inFlight: number;
  /** The virtual time at which its next request starts: all service that it had, and that which it gets now. */
  tag: number;
  /** When its next request arrived: the earlier goes first of two flows with the same tag, whichever goes ahead. */
  arrival: number;
  /** Service for requests that are being tried again, which keep their turns: it counts once one has ended. */
  pendingMs: number;
  /** How long its requests hold their slots of late; `null`: none has ended. */
  meanMs: number | null;
  readonly served: Decaying;
}

/** A flow as operators see it. */
export interface FlowUse {
  key: string | null;
  queued: number;
  inFlight: number;
  /** Of all service in about the last minute, 0 to 1. */
  share: number;
}

/**
 * Start-time fair queueing: of all flows that have requests waiting, that one is next which has had least service. Service
 * is the time for which servers' slots are held, so a flow with long requests gets fewer of them. It is charged as
 * estimated with the grant, and as measured from then on. Within a flow it is first come, first served, by `goesBefore`.
 *
 * A flow that was idle, or held as many slots as it may, starts at the virtual time: where those who are being served now
 * started, or as much later as each has been given since. So it has no credit for what it did not use, and what it had too
 * much is forgotten once all others have had as much. A decision costs O(log flows).
 */
export class FairShares implements Order {
  readonly #mostInFlight: number;
  readonly #longestUnseenMs: number;
  readonly #flows = new Map<string | null, Flow>();
  /** Flows that may get a slot for a request that waits. */
  readonly #next = new Ranking<Flow>(startsBefore);
  /** Flows without a request which have had more service than others, the one with the least first. */
  readonly #ahead = new Ranking<Flow>(startsBefore);
  /** Flows whose next requests may go to no server that is free. */
  readonly #passedOver: Flow[] = [];
  /** Where flows start. */
  #virtualTime = 0;
  /** No tag was ever later. */
  #latestTag = 0;
  #meanMs: number | null = null;
  readonly #served = new Decaying();
  /** By flow, also of forgotten ones: who sends one request at a time has nothing between two of them. */
  readonly #servedByFlow = new Map<string | null, Decaying>();

  /**
   * `mostInFlight`: slots that one flow may hold. `longestUnseenMs`: how long a slot may be held without a word. Nobody pays
   * for more, in which the machine slept or which its clock has skipped.
   */
  constructor(mostInFlight: number, longestUnseenMs: number) {
    this.#mostInFlight = mostInFlight;
    this.#longestUnseenMs = longestUnseenMs;
  }

  // ── Who waits ──

  push(ticket: Ticket): void {
    const flow = this.#flows.get(ticket.flow) ?? this.#add(ticket.flow);
    if (flow.queued === 0) this.#start(flow);
    flow.queued++;
    if (ticket.isRetry) flow.retries++;
    flow.line.push(ticket);
    this.#rank(flow);
  }

  peek(): Ticket | undefined {
    return this.#next.peek()?.line.peek();
  }

  /** Who is second depends on what the first one will need. */
  first(): Ticket[] {
    const first = this.peek();
    return first ? [first] : [];
  }

  /** The next ticket gets this slot. */
  pop(slot: UsedSlot): Ticket | undefined {
    const flow = this.#next.peek();
    const ticket = flow?.line.pop();
    if (!flow || !ticket) return undefined;
    this.#virtualTime = Math.max(this.#virtualTime, flow.tag);
    flow.queued--;
    if (ticket.isRetry) flow.retries--;
    flow.inFlight++;
    slot.charged = this.#costOf(flow);
    slot.heldMs = 0;
    slot.countedAt = slot.since;
    this.#charge(flow, slot.charged);
    this.#rank(flow);
    this.#pass(slot.charged);
    this.#forget();
    return ticket;
  }

  /** The next in line may go to no server that is free, and others may, until `takeBack`. */
  passOver(): void {
    const flow = this.#next.peek();
    if (!flow) return;
    this.#next.remove(flow);
    this.#passedOver.push(flow);
  }

  /** Those who were passed over keep their turn. */
  takeBack(): void {
    for (let flow = this.#passedOver.pop(); flow; flow = this.#passedOver.pop()) this.#rank(flow);
  }

  bury(ticket: Ticket): void {
    const flow = this.#flows.get(ticket.flow) as Flow;
    flow.queued--;
    flow.line.bury();
    if (ticket.isRetry) {
      flow.retries--;
      this.#chargePending(flow);
    }
    this.#rank(flow);
    this.#forget();
  }

  /** How many tickets of this flow wait. */
  queuedOf(key: string | null): number {
    return this.#flows.get(key)?.queued ?? 0;
  }

  /** Returns how many tickets go before this one, if requests take as long as before. O(flows + tickets of its flow). */
  ahead(ticket: Ticket, tickets: Iterable<Ticket>): number {
    const flow = this.#flows.get(ticket.flow) as Flow;
    let before = 0;
    for (const other of tickets) if (other.flow === ticket.flow && goesBefore(other, ticket)) before++;
    const start = flow.tag + before * this.#costOf(flow);
    let count = before;
    for (const other of this.#flows.values())
      if (other !== flow)
        count += this.#startingBefore(other, start, before === 0 ? ticket.token : flow.arrival);
    return count;
  }

  /** Returns about how many tickets would go before a new one of this flow. O(1). */
  aheadOfNew(key: string | null, queued: number): number {
    const own = this.queuedOf(key);
    const others = Math.max(0, this.#next.size - (own > 0 ? 1 : 0));
    return own + Math.min(queued - own, (own + 1) * others);
  }

  /**
   * Returns in how many ms a ticket gets one of these slots that has so many of its own flow before it, if all others go on
   * as they do: as fast as its flow was served of late, and no slower than with an equal share.
   */
  pacedMs(key: string | null, before: number, slots: number, now: number): number {
    const flow = this.#flows.get(key);
    const isNew = flow === undefined || flow.queued + flow.inFlight === 0;
    const flows = this.#flows.size - this.#ahead.size + (isNew ? 1 : 0);
    const served = this.#served.at(now);
    const share = flow && served > 0 ? flow.served.at(now) / served : 0;
    const costMs = flow ? this.#costOf(flow) : (this.#meanMs ?? 0);
    return ((before + 1) * costMs) / (slots * Math.max(share, 1 / flows));
  }

  /**
   * Returns the shortest time, in ms, until a ticket gets a slot that has so many of its own flow before it, by how many
   * slots the flow may hold; 0: that does not limit it.
   */
  limitedForMs(key: string | null, before: number): number {
    if (this.#mostInFlight === Number.POSITIVE_INFINITY) return 0;
    const flow = this.#flows.get(key);
    const wanted = (flow?.inFlight ?? 0) + before + 1 - this.#mostInFlight;
    return wanted <= 0 ? 0 : (wanted / this.#mostInFlight) * (flow ? this.#costOf(flow) : 0);
  }

  /** How many tickets wait of the flow of which most do. O(flows). */
  get longest(): number {
    let longest = 0;
    for (const { queued } of this.#flows.values()) longest = Math.max(longest, queued);
    return longest;
  }

  /** Flows that have something, in no order. */
  *uses(now: number): Generator<FlowUse> {
    const total = this.#served.at(now);
    for (const { key, queued, inFlight, served } of this.#flows.values()) {
      if (queued + inFlight === 0) continue;
      yield { key, queued, inFlight, share: total > 0 ? served.at(now) / total : 0 };
    }
  }

  // ── Who is served ──

  /** A slot is free and nobody waits: nobody kept anybody from anything. */
  nobodyWaits(): void {
    this.#virtualTime = Math.max(this.#virtualTime, this.#latestTag);
    this.#forget();
  }

  /** The slot goes on being held. */
  renewed(slot: UsedSlot, now: number): void {
    if (slot.charged === null) return;
    const flow = this.#flows.get(slot.flow) as Flow;
    const heldMs = this.#heldMs(flow, slot, now);
    if (heldMs <= slot.charged) return;
    this.#charge(flow, heldMs - slot.charged);
    slot.charged = heldMs;
    this.#rank(flow);
  }

  /** Its server is done with the request, or is presumed to be. `closedMs`: the slot stays closed for so long after it. */
  released(slot: UsedSlot, now: number, closedMs = 0): void {
    if (slot.charged === null) return;
    const flow = this.#flows.get(slot.flow) as Flow;
    const heldMs = this.#heldMs(flow, slot, now) + closedMs;
    flow.meanMs = averaged(flow.meanMs, heldMs);
    this.#meanMs = averaged(this.#meanMs, heldMs);
    this.#charge(flow, heldMs - slot.charged);
    this.#chargePending(flow);
    this.#released(flow, slot);
  }

  /** Nothing was sent to the server. */
  unused(slot: UsedSlot): void {
    if (slot.charged === null) return;
    const flow = this.#flows.get(slot.flow) as Flow;
    this.#charge(flow, -slot.charged);
    if (flow.retries === 0) this.#chargePending(flow);
    this.#released(flow, slot);
  }

  /**
   * The server has failed the request, which is tried again: it keeps its turn, so that the attempt counts once it has
   * ended. The slot may stay closed, but no longer on its flow's account.
   */
  failed(slot: UsedSlot, now: number): void {
    if (slot.charged === null) return;
    const flow = this.#flows.get(slot.flow) as Flow;
    const heldMs = this.#heldMs(flow, slot, now);
    this.#charge(flow, -slot.charged);
    flow.pendingMs += heldMs;
    // It has its next slot already, or does not wait for one any more: there is no turn to keep.
    if (flow.retries === 0) this.#chargePending(flow);
    this.#released(flow, slot);
  }

  /** An earlier instance has granted the slot. */
  restored(slot: UsedSlot, now: number): void {
    const flow = this.#flows.get(slot.flow) ?? this.#add(slot.flow);
    flow.inFlight++;
    // From now on only: nobody knows what the others have had meanwhile.
    slot.charged = Math.max(0, now - slot.since);
    slot.heldMs = slot.charged;
    slot.countedAt = now;
  }

  // ── Internals ──

  #add(key: string | null): Flow {
    const flow: Flow = {
      key,
      line: new PriorityQueue(goesBefore, hasLeft),
      queued: 0,
      retries: 0,
      inFlight: 0,
      tag: this.#virtualTime,
      arrival: 0,
      pendingMs: 0,
      meanMs: null,
      served: this.#servedOf(key),
      rank: -1,
    };
    this.#flows.set(key, flow);
    return flow;
  }

  #servedOf(key: string | null): Decaying {
    const known = this.#servedByFlow.get(key);
    if (known) return known;
    const served = new Decaying();
    this.#servedByFlow.set(key, served);
    if (this.#servedByFlow.size > MOST_REMEMBERED) this.#servedByFlow.delete(firstOf(this.#servedByFlow));
    return served;
  }

  /** It wants slots from now on. */
  #start(flow: Flow): void {
    if (flow.inFlight === 0) this.#ahead.remove(flow);
    flow.tag = Math.max(flow.tag, this.#virtualTime);
  }

  #charge(flow: Flow, ms: number): void {
    flow.tag += ms;
    if (flow.tag > this.#latestTag) this.#latestTag = flow.tag;
  }

  #chargePending(flow: Flow): void {
    this.#charge(flow, flow.pendingMs);
    flow.pendingMs = 0;
  }

  /** For how long the slot has been held; counts what has not counted towards the flow's share. */
  #heldMs({ served }: Flow, slot: UsedSlot, now: number): number {
    const ms = Math.min(Math.max(0, now - slot.countedAt), this.#longestUnseenMs);
    served.add(ms, now);
    this.#served.add(ms, now);
    slot.countedAt = now;
    slot.heldMs += ms;
    return slot.heldMs;
  }

  #released(flow: Flow, slot: UsedSlot): void {
    slot.charged = null;
    // It could not have had more.
    if (flow.inFlight === this.#mostInFlight) flow.tag = Math.max(flow.tag, this.#virtualTime);
    flow.inFlight--;
    this.#rank(flow);
    this.#forget();
  }

  /** Puts the flow where it belongs after a change. */
  #rank(flow: Flow): void {
    const head = flow.line.peek();
    if (head && flow.inFlight < this.#mostInFlight) {
      flow.arrival = head.token;
      this.#next.set(flow);
    } else if (flow.queued + flow.inFlight > 0) this.#next.remove(flow);
    else this.#rest(flow);
  }

  /** It has nothing any more. */
  #rest(flow: Flow): void {
    this.#next.remove(flow);
    this.#chargePending(flow);
    this.#ahead.set(flow);
  }

  /**
   * Virtual time passes by what each flow gets of this service. If it only followed those who start, new flows would all
   * start before one that was served a moment ago, which starved while more and more of them came. It stays near to where
   * the next in line starts, or new flows would wait for more than that one's turn.
   */
  #pass(ms: number): void {
    const next = this.#next.peek();
    if (!next) return;
    const passed = this.#virtualTime + ms / (this.#next.size + 1);
    this.#virtualTime = Math.max(
      this.#virtualTime,
      Math.min(passed, next.tag + (this.#meanMs ?? LEAST_COST_MS)),
    );
  }

  /** Drops flows that have nothing, and have had no more service than those who start now. */
  #forget(): void {
    for (let flow = this.#ahead.peek(); flow; flow = this.#ahead.peek()) {
      if (flow.tag > this.#virtualTime && this.#ahead.size <= MOST_REMEMBERED) return;
      this.#ahead.remove(flow);
      this.#flows.delete(flow.key);
    }
  }

  /** How long a request of this flow may hold its slot. */
  #costOf({ meanMs }: Flow): number {
    return Math.max(LEAST_COST_MS, meanMs ?? this.#meanMs ?? LEAST_COST_MS);
  }

  /** How many requests of this flow start before that virtual time, or at it and have arrived before. */
  #startingBefore(flow: Flow, start: number, arrival: number): number {
    if (flow.queued === 0) return 0;
    // It waits for a slot of its own, and then starts at the virtual time.
    const tag = flow.rank < 0 ? Math.max(flow.tag, this.#virtualTime) : flow.tag;
    if (tag > start || (tag === start && flow.arrival >= arrival)) return 0;
    return Math.min(flow.queued, Math.max(1, Math.ceil((start - tag) / this.#costOf(flow))));
  }
}

function startsBefore(a: Flow, b: Flow): boolean {
  return a.tag < b.tag || (a.tag === b.tag && a.arrival < b.arrival);
}

function averaged(meanMs: number | null, ms: number): number {
  return meanMs === null ? ms : meanMs + (ms - meanMs) * NEWEST_SHARE;
}

/** The key that has been in the map for longest. */
function firstOf<Key>(map: ReadonlyMap<Key, unknown>): Key {
  return map.keys().next().value as Key;
}
