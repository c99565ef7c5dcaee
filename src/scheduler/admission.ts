import type { PoolConfig } from "../config/types.ts";
import type { DrainSwitch, Stop } from "./drain.ts";
import type { Fleet } from "./fleet/fleet.ts";
import type { Chronicle } from "./record/chronicle.ts";
import type { Outbox } from "./record/outbox.ts";
import { type Line, type Pace, type Refusal, RetryTimes } from "./retry-times.ts";
import type { DeferRefusal, SchedulerRefusal } from "./terms/lease-end.ts";
import type { Outlook } from "./terms/outlook.ts";
import type { FairShares } from "./waiting/fair-shares.ts";
import type { Ticket, TicketRequest } from "./waiting/ticket.ts";
import type { WaitingList } from "./waiting/waiting-list.ts";

/** A request that is refused: a ticket, or one that did not come on the list. */
export type Refused = Pick<TicketRequest, "id"> &
  Partial<Pick<Ticket, "flow" | "expiresAt" | "since" | "patientUntil" | "isToBeStored">>;

/** What the answer depends on. */
interface Parts {
  settings: PoolConfig;
  waitingList: WaitingList;
  /** `null`: all are one flow. */
  shares: FairShares | null;
  fleet: Fleet;
  drainSwitch: DrainSwitch;
  chronicle: Chronicle;
  outbox: Outbox;
  /** True if other objects have some of the pool's servers. */
  isShard: boolean;
}

/**
 * Which requests may wait, and what the others are told: why not, how many wait, for how long, and when to try again.
 * Times are in ms.
 */
export class Admission {
  readonly #parts: Parts;
  readonly #retryTimes: RetryTimes;

  constructor(parts: Parts, random: () => number, now: number) {
    this.#parts = parts;
    this.#retryTimes = new RetryTimes(parts.settings, () => this.#pace, random, now);
  }

  // ── Who may wait ──

  /** True if a new direct request that has to wait is refused. */
  get isListFull(): boolean {
    return this.#parts.waitingList.direct >= this.#parts.settings.maxQueue;
  }

  /** Which list is full, as a new ticket waits; `null`: none. */
  fullFor({ flow }: Ticket): "flow-queue-full" | "queue-full" | null {
    const { settings, shares, waitingList } = this.#parts;
    const { maxQueue, maxQueuePerFlow } = settings;
    if (shares && maxQueuePerFlow !== null && shares.queuedOf(flow) > maxQueuePerFlow)
      return "flow-queue-full";
    return waitingList.direct > maxQueue ? "queue-full" : null;
  }

  /**
   * Returns why a request may not be stored; `null`: it may. `unfinished`: how many wait or run already. `flow`:
   * `undefined`, it waits already.
   */
  deferRefusal(unfinished: number, flow: string | null | undefined, now: number): DeferRefusal | null {
    const { deferred, maxQueuePerFlow } = this.#parts.settings;
    if (this.stop) return "stopped";
    if (this.refusesForLackOfServers(true, now)) return "no-server";
    if (unfinished >= (deferred?.max ?? 0)) return "deferred-full";
    const ofFlow = flow === undefined ? 0 : (this.#parts.shares?.queuedOf(flow) ?? 0);
    return maxQueuePerFlow !== null && ofFlow >= maxQueuePerFlow ? "flow-queue-full" : null;
  }

  /**
   * True if no ticket may wait, as all servers are out. Not in a drain: its deploy may well take every server down. Nor
   * if the request is deferred for that very case (`when = "drained"`).
   */
  refusesForLackOfServers(isDeferred: boolean, now: number): boolean {
    const { settings, drainSwitch, fleet, isShard } = this.#parts;
    const { whenDown, deferred } = settings;
    if (whenDown !== "refuse" || drainSwitch.current) return false;
    // It waits at one of several shards, and may get a server of each.
    if (isDeferred && isShard) return false;
    return !(isDeferred && deferred?.when === "drained") && fleet.isOut(now);
  }

  /** The stop that is on, in which direct requests are refused; `null`: none. */
  get stop(): Stop | null {
    return this.#parts.drainSwitch.current?.stop ?? null;
  }

  // ── Those who may not ──

  /** A request has come that needs a place on the list, whether it was refused and told to come now or not. */
  arrived(now: number): void {
    this.#retryTimes.arrived(now);
  }

  /** A request has come, and may not even wait. */
  turnedAway(now: number): void {
    this.#parts.chronicle.traffic.turnedAway(now);
    this.#retryTimes.arrived(now);
  }

  refuse(refused: Refused, code: SchedulerRefusal, now: number): void {
    this.#parts.chronicle.refused(code, now);
    const message = code === "stopped" ? (this.stop?.message ?? undefined) : undefined;
    // Nobody waits for the answer to a deferred request.
    const isDeferred = (refused.expiresAt ?? null) !== null;
    const { flow = null } = refused;
    const told = { code, flow, line: this.#directLine, patienceMs: this.#patienceOf(refused) };
    const outlook = isDeferred ? undefined : this.#outlookOf(told, now);
    this.#parts.outbox.decided({ kind: "refuse", ticket: refused.id, code, message, outlook });
  }

  /** What the client is told of a request that may not be stored for this reason. */
  deferOutlook(code: DeferRefusal, unfinished: number, flow: string | null, now: number): Outlook {
    const { deferred, length } = this.#parts.waitingList;
    const { max = 0, expiresMs = 0 } = this.#parts.settings.deferred ?? {};
    const line = { waiting: unfinished, limit: max, share: deferred === 0 ? 1 : deferred / length };
    return this.#outlookOf({ code, flow, line, patienceMs: expiresMs }, now);
  }

  // ── How long it takes ──

  /** Returns what a new request of this flow would meet. O(1). */
  outlook(flow: string | null, now: number): Omit<Outlook, "retryAfterMs"> {
    const { shares, waitingList } = this.#parts;
    const { length } = waitingList;
    const queued = shares ? shares.aheadOfNew(flow, length) : length;
    const before = shares?.queuedOf(flow) ?? length;
    return { queued, estimatedWaitMs: this.#startsInMs(queued + 1, flow, before, now) };
  }

  /** Returns in how many ms this ticket, at its place, may get its slot; `null`: nobody knows, or it does not wait. */
  ticketStartsInMs(id: string, place: number, now: number): number | null {
    const { waitingList } = this.#parts;
    const ticket = waitingList.get(id);
    if (!ticket) return null;
    return this.#startsInMs(place, ticket.flow, waitingList.aheadInFlow(ticket), now);
  }

  /**
   * Returns in how many ms the ticket at this place may get its slot, by the service times of late; `null`: nobody
   * knows, as the pool is drained, no server is up, or no request has been completed yet.
   */
  startsInMs(place: number): number | null {
    const { meanServiceMs } = this.#parts.chronicle.counters;
    const { slots, hasFreeSlot } = this.#parts.fleet;
    if (this.#parts.drainSwitch.current || slots === 0 || meanServiceMs === null) return null;
    return hasFreeSlot && place === 1 ? 0 : Math.round((place / slots) * meanServiceMs);
  }

  /** As `startsInMs`, of a ticket with so many of its flow before it: those that others will send go before it, too. */
  #startsInMs(place: number, flow: string | null, before: number, now: number): number | null {
    const { shares, fleet } = this.#parts;
    const inMs = this.startsInMs(place);
    if (!shares || inMs === null || inMs === 0) return inMs;
    const pacedMs = shares.pacedMs(flow, before, fleet.slots, now);
    return Math.round(Math.max(inMs, pacedMs, shares.limitedForMs(flow, before)));
  }

  #outlookOf(refused: Omit<Refusal, "estimatedWaitMs">, now: number): Outlook {
    const outlook = this.outlook(refused.flow, now);
    const { estimatedWaitMs } = outlook;
    return { ...outlook, retryAfterMs: this.#retryTimes.book({ ...refused, estimatedWaitMs }, now) };
  }

  /** How long the client would wait. */
  #patienceOf({ since = 0, patientUntil = null, isToBeStored }: Refused): number {
    const { queueTimeoutMs } = this.#parts.settings;
    return patientUntil === null || isToBeStored ? queueTimeoutMs : patientUntil - since;
  }

  get #directLine(): Line {
    const { direct, length } = this.#parts.waitingList;
    const limit = this.#parts.settings.maxQueue;
    return { waiting: direct, limit, share: direct === 0 ? 1 : direct / length };
  }

  get #pace(): Pace {
    const { chronicle, fleet, settings } = this.#parts;
    const serviceMs = chronicle.traffic.serviceAtMostMs ?? chronicle.counters.meanServiceMs;
    return {
      slots: fleet.slots,
      turnMs: serviceMs === null ? null : serviceMs + settings.cooldownMs,
    };
  }
}
