import type { Scheduler } from "../scheduler/scheduler.ts";
import { snapshotOf } from "../scheduler/snapshot.ts";
import type { News, Seen } from "./protocol.ts";

/** However many isolates watch, a snapshot of a busy pool is made no more often than this. */
const SNAPSHOT_MS = 250;

/**
 * What watchers get to see. Making a snapshot costs a walk over the servers: it is made when somebody looks,
 * once for all who do, and only if something has changed; who is not watched pays one addition a turn.
 */
export class Lookout {
  readonly #name: string;
  readonly #scheduler: Scheduler;
  readonly #instance = crypto.randomUUID();
  #changes = 0;
  #snapshot = { text: "", revision: 0, changes: -1, madeAt: Number.NEGATIVE_INFINITY };

  constructor(name: string, scheduler: Scheduler) {
    this.#name = name;
    this.#scheduler = scheduler;
  }

  /** Something may have changed. */
  changed(): void {
    this.#changes++;
  }

  /** What the journal has to tell must be on record before. */
  look(seen: Seen | null, now: number): News {
    const known = seen?.instance === this.#instance ? seen : { events: -1, snapshot: -1 };
    const { journal } = this.#scheduler;
    this.#refresh(now);
    const { text, revision } = this.#snapshot;
    return {
      seen: { instance: this.#instance, events: journal.revision, snapshot: revision },
      events: known.events === journal.revision ? [] : journal.since(known.events),
      snapshot: known.snapshot === revision ? null : text,
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
