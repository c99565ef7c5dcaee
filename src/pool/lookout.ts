import type { News, Seen } from "../link/protocol.ts";
import type { Journal } from "../scheduler/record/journal.ts";
import { QueueRecord } from "../scheduler/record/queue-history.ts";
import type { Revision, Snapshot, SnapshotContent } from "../scheduler/snapshot.ts";

/** A snapshot of a busy pool is made no more often than this, in ms, however many isolates watch. */
const SNAPSHOT_MS = 250;

/** What is watched: a pool, or one object of several. */
export interface Watched {
  journal: Journal;
  queued: number;
  /** When the oldest direct request began to wait; `undefined`: none waits. */
  oldestSince: number | undefined;
  /** When the snapshot stays as it is until something happens; ms since the epoch. `Infinity`: it never does. */
  settlesAt: number;
}

/**
 * Makes the snapshots, and answers watchers. A snapshot costs a walk over all servers, so it is made for watchers only
 * when one asks and something has changed, and is shared by all of them. A pool that nobody watches pays a few additions
 * per turn.
 */
export class Lookout {
  readonly #contentAt: (now: number) => SnapshotContent;
  readonly #watched: Watched;
  readonly #instance = crypto.randomUUID();
  readonly #since: string;
  readonly #queue: QueueRecord;
  /** How many changes there were, for comparison with `#latest.changes`. */
  #changes = 0;
  /** The latest snapshot without its revision, as JSON. */
  #latest = { json: "", number: 0, changes: -1, madeAt: Number.NEGATIVE_INFINITY };

  constructor(contentAt: (now: number) => SnapshotContent, watched: Watched, now: number) {
    this.#contentAt = contentAt;
    this.#watched = watched;
    this.#since = new Date(now).toISOString();
    this.#queue = new QueueRecord(now);
  }

  /** To be called when something may have changed. */
  changed(now: number): void {
    this.#changes++;
    this.#queue.note(this.#watched.queued, this.#watched.oldestSince, now);
  }

  /** The pool as it is now. */
  snapshot(now: number): Snapshot {
    const content = this.#make(now);
    return { ...content, revision: this.#revision };
  }

  /**
   * The journal's new events must be in the ledger before. `history`: include the waiting list's recent history. `ageMs`: how
   * old the snapshot may be.
   */
  look(seen: Seen | null, history: boolean, now: number, ageMs = SNAPSHOT_MS): News {
    const known = seen?.instance === this.#instance ? seen : { events: -1, snapshot: -1 };
    const { journal } = this.#watched;
    this.#refresh(now, ageMs);
    const { json, number } = this.#latest;
    return {
      seen: { instance: this.#instance, events: journal.revision, snapshot: number },
      events: known.events === journal.revision ? [] : journal.since(known.events),
      snapshot:
        known.snapshot === number
          ? null
          : `${json.slice(0, -1)},"revision":${JSON.stringify(this.#revision)}}`,
      ...(history ? { history: JSON.stringify(this.#queue.read(now)) } : {}),
    };
  }

  get #revision(): Revision {
    return { since: this.#since, number: this.#latest.number };
  }

  #refresh(now: number, ageMs: number): void {
    const { changes, madeAt } = this.#latest;
    if (changes === this.#changes && this.#isStill(madeAt)) return;
    if (now - madeAt >= ageMs) this.#make(now);
  }

  #make(now: number): SnapshotContent {
    const content = this.#contentAt(now);
    const json = JSON.stringify(content);
    // One that shows nothing new keeps its number, so that watchers need not get it.
    const number = this.#latest.number + (json === this.#latest.json ? 0 : 1);
    this.#latest = { json, number, changes: this.#changes, madeAt: now };
    return content;
  }

  /** True if a snapshot from then stays as it is until something happens: nothing in it depends on the time. */
  #isStill(madeAt: number): boolean {
    return madeAt >= this.#watched.settlesAt;
  }
}
