import type { News, Seen } from "../link/protocol.ts";
import { QueueRecord } from "../scheduler/record/queue-history.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import type { Snapshot } from "../scheduler/snapshot.ts";

/** A snapshot of a busy pool is made no more often than this, in ms, however many isolates watch. */
const SNAPSHOT_MS = 250;

/**
 * Answers watchers. A snapshot costs a walk over all servers, so it is made only when a watcher asks and something has
 * changed, and is shared by all watchers. A pool that nobody watches pays a few additions per turn.
 */
export class Lookout {
  readonly #snapshotAt: (now: number) => Snapshot;
  readonly #scheduler: Scheduler;
  readonly #instance = crypto.randomUUID();
  readonly #queue: QueueRecord;
  /** How many changes there were, for comparison with `#snapshot.changes`. */
  #changes = 0;
  #snapshot = { text: "", revision: 0, changes: -1, madeAt: Number.NEGATIVE_INFINITY };

  constructor(snapshotAt: (now: number) => Snapshot, scheduler: Scheduler, now: number) {
    this.#snapshotAt = snapshotAt;
    this.#scheduler = scheduler;
    this.#queue = new QueueRecord(now);
  }

  /** To be called when something may have changed. */
  changed(now: number): void {
    this.#changes++;
    this.#queue.note(this.#scheduler.queued, this.#scheduler.oldestSince, now);
  }

  /** The journal's new events must be in the ledger before. `history`: include the waiting list's recent history. */
  look(seen: Seen | null, history: boolean, now: number): News {
    const known = seen?.instance === this.#instance ? seen : { events: -1, snapshot: -1 };
    const { journal } = this.#scheduler;
    this.#refresh(now);
    const { text, revision } = this.#snapshot;
    return {
      seen: { instance: this.#instance, events: journal.revision, snapshot: revision },
      events: known.events === journal.revision ? [] : journal.since(known.events),
      snapshot: known.snapshot === revision ? null : text,
      ...(history ? { history: JSON.stringify(this.#queue.read(now)) } : {}),
    };
  }

  #refresh(now: number): void {
    const { changes, madeAt, text, revision } = this.#snapshot;
    if (changes === this.#changes && this.#isStill(madeAt)) return;
    if (now - madeAt < SNAPSHOT_MS) return;
    const fresh = JSON.stringify(this.#snapshotAt(now));
    this.#snapshot = {
      text: fresh,
      revision: fresh === text ? revision : revision + 1,
      changes: this.#changes,
      madeAt: now,
    };
  }

  /** True if a snapshot from then stays as it is until something happens: nothing in it depends on the time. */
  #isStill(madeAt: number): boolean {
    const { queued, currentDrain, traffic } = this.#scheduler;
    // The oldest wait grows, the time that is left of a drain shrinks, and what came lately is forgotten.
    return queued === 0 && !currentDrain && madeAt >= traffic.settlesAt;
  }
}
