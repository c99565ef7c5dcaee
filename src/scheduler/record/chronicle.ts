import { type LeaseEnd, refusalOf } from "../terms/lease-end.ts";
import { isHeld, type SlotRow } from "../terms/rows.ts";
import { type CountedRefusal, Counters, type Counts } from "./counters.ts";
import type { PoolEvent } from "./events.ts";
import { Journal } from "./journal.ts";

/** What is told of a pool, in events, and what is counted: each thing that happens is noted here once. */
export class Chronicle {
  readonly counters: Counters;
  readonly journal: Journal;
  #drainedNoted: boolean;
  #restartNoted = false;

  constructor(restored: { counts: Partial<Counts>; events: PoolEvent[] } | null) {
    this.counters = new Counters(restored?.counts);
    this.journal = new Journal(restored?.events);
    this.#drainedNoted = this.journal.latest("drain", "drained", "resume")?.kind === "drained";
  }

  refused(code: CountedRefusal, now: number): void {
    this.counters.refused(code);
    this.journal.note({ kind: "refusal", code }, now);
  }

  /** The lease on this slot is over, which is in the state of before. */
  leaseEnded(slot: SlotRow & { lost: boolean }, end: LeaseEnd, now: number): void {
    if (end.how === "busy" || ("retried" in end && end.retried)) this.#retried(slot);
    // Quarantined already: its request was counted as lost.
    else if (!isHeld(slot)) return;
    else if (end.how === "unused") this.counters.abandoned();
    else if ("status" in end) this.counters.completed(slot.server.name, now - slot.since, end.status);
    else {
      const code = end.clientLeft ? null : refusalOf(end.how);
      if (code) this.refused(code, now);
      else this.counters.abandoned();
    }
  }

  /** A holder that was presumed lost has come forward. */
  holderFound(): void {
    this.counters.notAbandoned();
  }

  freedByHand(slot: SlotRow, now: number): void {
    const { server, lease } = slot;
    if (isHeld(slot)) this.counters.abandoned();
    this.journal.note({ kind: "slot-freed", server: server.name, lease }, now);
  }

  drainBegun(drain: { owner: string; reason: string | null; expiresAt: number }, now: number): void {
    const { owner, reason, expiresAt } = drain;
    this.counters.drained();
    this.journal.note({ kind: "drain", owner, reason, expiresAt: new Date(expiresAt).toISOString() }, now);
    this.#drainedNoted = false;
  }

  /** Nothing is in flight in a drain; once a drain, however often it is said. */
  drained(now: number): void {
    if (this.#drainedNoted) return;
    this.#drainedNoted = true;
    this.journal.note({ kind: "drained" }, now);
  }

  drainEnded(owner: string | null, cause: "resumed" | "forced" | "expired", now: number): void {
    this.journal.note({ kind: "resume", owner, cause }, now);
  }

  /** This instance found requests of an earlier one; once, however many there are. */
  restarted(now: number): void {
    if (this.#restartNoted) return;
    this.#restartNoted = true;
    this.journal.note({ kind: "restart" }, now);
  }

  #retried(slot: SlotRow & { lost: boolean }): void {
    if (!isHeld(slot)) {
      if (!slot.lost) return;
      this.holderFound();
    }
    this.counters.retried(slot.server.name);
  }
}
