import { type CutOff, refusalOf } from "../terms/lease-end.ts";
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

  /** A request that had a slot ended without its server's last byte. */
  cutOff(cause: CutOff, now: number): void {
    const code = refusalOf(cause);
    if (code) this.refused(code, now);
    else this.counters.abandoned();
  }

  freedByHand({ server, lease }: { server: { name: string }; lease: string }, now: number): void {
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
}
