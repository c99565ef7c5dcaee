import type { News, Seen } from "../link/protocol.ts";
import { QueueRecord } from "../scheduler/record/queue-history.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import { snapshotOf } from "../scheduler/snapshot.ts";

/** However many isolates watch, a snapshot of a busy pool is made no more often than this. */
const SNAPSHOT_MS = 250;

/**
 * What watchers get to see. Making a snapshot costs a walk over the servers: it is made when somebody looks,
 * once for all who do, and only if something has changed; who is not watched pays some additions a turn.
 */
export class Lookout {
  readonly #name: string;
  readonly #scheduler: Scheduler;
  readonly #instance = crypto.randomUUID();
  readonly #queue: QueueRecord;
  #changes = 0;
  #snapshot = { text: "", revision: 0, changes: -1, madeAt: Number.NEGATIVE_INFINITY };

  constructor(name: string, scheduler: Scheduler, now: number) {
    this.#name = name;
    this.#scheduler = scheduler;
    this.#queue = new QueueRecord(now);
  }

  /** Something may have changed. */
  changed(now: number): void {
    this.#changes++;
    this.#queue.note(this.#scheduler.queued, this.#scheduler.oldestSince, now);
  }

  /** What the journal has to tell must be on record before. `history`: with what the waiting list was. */
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
    // The wait of a queue grows without any event.
    if (changes === this.#changes && this.#scheduler.queued === 0) return;
    if (now - madeAt < SNAPSHOT_MS) return;
    const fresh = JSON.stringify(snapshotOf(this.#name, this.#scheduler, now));
    this.#snapshot = {
      text: fresh,
      revision: fresh === text ? revision : revision + 1,
      changes: this.#changes,
      madeAt: now,
    };
  }
}
