import { type LeaseEnd, refusalOf } from "../terms/lease-end.ts";
import { isHeld, isPresumedLost, leaseName, type SlotRow } from "../terms/rows.ts";
import { type CountedRefusal, Counters, type Counts } from "./counters.ts";
import type { DrainEnd, PoolEvent } from "./events.ts";
import { Journal } from "./journal.ts";
import { Traffic } from "./traffic.ts";

/** A drain, or with `stop` a stop, that has begun. */
interface BegunDrain {
  owner: string;
  by: string;
  reason: string | null;
  /** In ms since the epoch. */
  expiresAt: number;
  stop: { message: string | null } | null;
}

/** Records what happens to a pool: each method counts it, notes it as an event, or both. Times are in ms. */
export class Chronicle {
  readonly counters: Counters;
  readonly journal: Journal;
  readonly traffic: Traffic;
  /** True if the current drain has its `drained` event. */
  #drainedNoted: boolean;
  #restartNoted = false;

  constructor(restored: { counts: Partial<Counts>; events: PoolEvent[] } | null, now: number) {
    this.counters = new Counters(restored?.counts);
    this.journal = new Journal(restored?.events);
    this.traffic = new Traffic(now);
    const latest = this.journal.latest("drain", "stop", "drained", "stopped", "resume")?.kind;
    this.#drainedNoted = latest === "drained" || latest === "stopped";
  }

  refused(code: CountedRefusal, now: number): void {
    this.counters.refused(code);
    this.journal.note({ kind: "refusal", code }, now);
  }

  /** The client of a deferred request finds a refusal instead of an answer. */
  deferredFailed(code: string, now: number): void {
    this.journal.note({ kind: "deferred-failed", code }, now);
  }

  /** A lease has ended. To be called while the slot still has its state of before. */
  leaseEnded(slot: SlotRow, end: LeaseEnd, now: number): void {
    if (isSurplus(end)) {
      // It was counted when its holder was presumed lost, or it was cut off.
      if (!isHeld(slot)) this.holderFound();
      return;
    }
    const isRetried = end.how === "busy" || ("retried" in end && end.retried);
    // Its holder was presumed lost, and its request was counted then.
    if (isPresumedLost(slot) && !isRetried) return;
    if (!isHeld(slot)) this.holderFound();
    if (isRetried) this.counters.retried(slot.server.name);
    else if (end.how === "unused") this.counters.abandoned();
    else if ("status" in end) this.#completed(slot, end.status, now);
    else {
      const code = end.clientLeft ? null : refusalOf(end.how);
      if (code) this.refused(code, now);
      else this.counters.abandoned();
    }
  }

  /**
   * A request has passed its lease on, at this server. `since`: when it got it; `null`: that is not known any more, as
   * the lease has ended since.
   */
  passedOn(server: string, since: number | null, end: LeaseEnd, now: number): void {
    this.counters.passedOn();
    if (isSurplus(end)) return;
    if ("status" in end) this.#completed({ server: { name: server }, since: since ?? now }, end.status, now);
    else this.counters.abandoned();
  }

  /** A holder that was presumed lost, or cut off, is alive, so what became of its request is known. */
  holderFound(): void {
    this.counters.notAbandoned();
  }

  /** An operator frees a slot. To be called while the slot still has its state of before. */
  freedByHand(slot: SlotRow & { isHopUnsure: boolean }, by: string, now: number): void {
    if (isHeld(slot)) this.counters.abandoned();
    const lease = leaseName(slot);
    this.journal.note({ kind: "slot-freed", server: slot.server.name, lease, by }, now);
  }

  /** A lease is cut off by an operator's wish. Until its holder says how its request ended, it counts as abandoned. */
  cutOff(slot: SlotRow): void {
    if (isHeld(slot)) this.counters.abandoned();
  }

  /** So many leases were cut off, of one server or of all. */
  cut(leases: number, server: string | null, now: number): void {
    if (leases > 0) this.journal.note({ kind: "cut", leases, server }, now);
  }

  drainBegun(drain: BegunDrain, now: number): void {
    this.counters.drainBegun();
    this.drainTurned(drain, now);
  }

  /** A drain has become a stop, or a stop a drain. */
  drainTurned({ owner, by, reason, expiresAt, stop }: BegunDrain, now: number): void {
    const common = { owner, by, expiresAt: new Date(expiresAt).toISOString() };
    if (stop) this.journal.note({ kind: "stop", ...common, message: stop.message }, now);
    else this.journal.note({ kind: "drain", ...common, reason }, now);
    this.#drainedNoted = false;
  }

  /** Nothing is in flight in a drain or a stop. Noted once for each, however often this is called. */
  drained({ stop }: Pick<BegunDrain, "stop">, now: number): void {
    if (this.#drainedNoted) return;
    this.#drainedNoted = true;
    this.journal.note({ kind: stop ? "stopped" : "drained" }, now);
  }

  drainEnded(end: DrainEnd, now: number): void {
    this.traffic.drainEnded(now);
    this.journal.note({ kind: "resume", ...end }, now);
  }

  /** This instance has found requests of an earlier one. Noted once, however often this is called. */
  restarted(now: number): void {
    if (this.#restartNoted) return;
    this.#restartNoted = true;
    this.journal.note({ kind: "restart" }, now);
  }

  #completed(
    { server, since }: { server: { name: string }; since: number },
    status: number,
    now: number,
  ): void {
    this.counters.completed(server.name, now - since, status);
    this.traffic.served(now - since, now);
  }
}

/** True if the request that the lease was for had another one already, and is counted with that. */
function isSurplus(end: LeaseEnd): boolean {
  return end.how === "unused" && end.served === true;
}
