import { dispensable, type Happening, MOST_EVENTS, type PoolEvent, RUN_MS, runOf } from "./events.ts";

/** An event that grows is written, and told, no more often than this. */
const RETAKE_MS = 1_000;

/** Times in ms since the epoch. */
interface Entry {
  /** As it was last taken. */
  event: PoolEvent;
  /** How it has grown since: a flood costs no more than this. */
  latest: Happening;
  count: number;
  until: number;
  /** When it was last taken; `-Infinity`: not yet. */
  takenAt: number;
  revision: number;
}

/** What of the journal the ledger has to write. */
export interface JournalChanges {
  written: PoolEvent[];
  dropped: number[];
}

/** The last things that happened to a pool, oldest first. */
export class Journal {
  readonly #entries: Entry[];
  readonly #runs = new Map<string, Entry>();
  readonly #changed = new Set<Entry>();
  #dropped: number[] = [];
  #nextId: number;
  #revision = 0;

  constructor(restored: PoolEvent[] = []) {
    this.#entries = restored.map((event) => {
      const until = Date.parse(event.until ?? event.at);
      return { event, latest: event, count: event.count ?? 1, until, takenAt: until, revision: 0 };
    });
    this.#nextId = (restored.at(-1)?.id ?? 0) + 1;
    for (const entry of this.#entries) {
      const run = runOf(entry.event);
      if (run !== null) this.#runs.set(run, entry);
    }
  }

  /** Rises with every `take` that found something new. */
  get revision(): number {
    return this.#revision;
  }

  note(happening: Happening, now: number): void {
    const run = runOf(happening);
    const known = run === null ? undefined : this.#runs.get(run);
    if (known && now - known.until < RUN_MS) {
      known.latest = happening;
      known.count++;
      known.until = now;
      this.#changed.add(known);
      return;
    }
    const event: PoolEvent = { id: this.#nextId++, at: iso(now), ...happening };
    const takenAt = Number.NEGATIVE_INFINITY;
    const entry = { event, latest: happening, count: 1, until: now, takenAt, revision: 0 };
    if (run !== null) this.#runs.set(run, entry);
    this.#entries.push(entry);
    this.#changed.add(entry);
    if (this.#entries.length > MOST_EVENTS) this.#dropOne();
  }

  /** What has to be written now; only what was taken may be told. */
  take(now: number): JournalChanges {
    const changes: JournalChanges = { written: [], dropped: this.#dropped };
    this.#dropped = [];
    for (const entry of this.#changed) {
      if (now - entry.takenAt < RETAKE_MS) continue;
      this.#changed.delete(entry);
      entry.takenAt = now;
      entry.revision = this.#revision + 1;
      if (runOf(entry.latest) !== null) {
        const { count, until } = entry;
        Object.assign(entry.event, entry.latest, { count, until: iso(until) });
      }
      changes.written.push(entry.event);
    }
    if (changes.written.length > 0) this.#revision++;
    return changes;
  }

  /** What was taken after that revision, oldest first. */
  since(revision: number): PoolEvent[] {
    return this.#entries
      .filter((entry) => entry.revision > revision && Number.isFinite(entry.takenAt))
      .map(({ event }) => event);
  }

  /** The latest event of one of these kinds. */
  latest(...kinds: Happening["kind"][]): PoolEvent | undefined {
    return this.#entries.findLast(({ event }) => kinds.includes(event.kind))?.event;
  }

  #dropOne(): void {
    const [entry] = this.#entries.splice(dispensable(this.#entries.map(({ event }) => event)), 1);
    if (!entry) return;
    // One that never came to be written needs no deleting.
    if (!this.#changed.delete(entry) || Number.isFinite(entry.takenAt)) this.#dropped.push(entry.event.id);
    const run = runOf(entry.event);
    if (run !== null && this.#runs.get(run) === entry) this.#runs.delete(run);
  }
}

const iso = (ms: number) => new Date(ms).toISOString();
