import { type LeaseEnd, refusalOf } from "../terms/lease-end.ts";
import { isHeld, type SlotRow } from "../terms/rows.ts";
import { type CountedRefusal, Counters, type Counts } from "./counters.ts";
import type { DrainEnd, PoolEvent } from "./events.ts";
import { Journal } from "./journal.ts";
import { Traffic } from "./traffic.ts";

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
    this.#drainedNoted = this.journal.latest("drain", "drained", "resume")?.kind === "drained";
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
    if (end.how === "busy" || ("retried" in end && end.retried)) this.#countRetry(slot);
    // Its holder was presumed lost, and its request was counted then.
    else if (!isHeld(slot)) return;
    else if (end.how === "unused") this.counters.abandoned();
    else if ("status" in end) this.#completed(slot, end.status, now);
    else {
      const code = end.clientLeft ? null : refusalOf(end.how);
      if (code) this.refused(code, now);
      else this.counters.abandoned();
    }
  }

  /** A holder that was presumed lost is alive, so its request was not abandoned. */
  holderFound(): void {
    this.counters.notAbandoned();
  }

  /** An operator frees a slot. To be called while the slot still has its state of before. */
  freedByHand(slot: SlotRow, by: string, now: number): void {
    const { server, lease } = slot;
    if (isHeld(slot)) this.counters.abandoned();
    this.journal.note({ kind: "slot-freed", server: server.name, lease, by }, now);
  }

  drainBegun(
    drain: { owner: string; by: string; reason: string | null; expiresAt: number },
    now: number,
  ): void {
    const { owner, by, reason, expiresAt } = drain;
    this.counters.drainBegun();
    const ends = new Date(expiresAt).toISOString();
    this.journal.note({ kind: "drain", owner, by, reason, expiresAt: ends }, now);
    this.#drainedNoted = false;
  }

  /** Nothing is in flight in a drain. Noted once per drain, however often this is called. */
  drained(now: number): void {
    if (this.#drainedNoted) return;
    this.#drainedNoted = true;
    this.journal.note({ kind: "drained" }, now);
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

  #completed({ server, since }: SlotRow, status: number, now: number): void {
    this.counters.completed(server.name, now - since, status);
    this.traffic.served(now - since, now);
  }

  #countRetry(slot: SlotRow): void {
    if (!isHeld(slot)) this.holderFound();
    this.counters.retried(slot.server.name);
  }
}
