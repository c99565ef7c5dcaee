import { dispensable, type Happening, MOST_EVENTS, type PoolEvent, runMs, runOf } from "./events.ts";

/** An event that grows is written, and sent to watchers, no more often than this, in ms. */
const REWRITE_MS = 1_000;

/** Times are in ms since the epoch. */
interface Entry {
  /** The event as the last `take` returned it. Updated only then, so that a flood costs little. */
  event: PoolEvent;
  /** The latest occurrence. With `count` and `until`, it says how the event has grown since. */
  latest: Happening;
  count: number;
  until: number;
  /** When `take` last returned it; `-Infinity`: not yet. */
  writtenAt: number;
  /** The journal's revision since then. */
  revision: number;
}

/** What the ledger has to change. */
export interface JournalChanges {
  /** New events, and events that have grown. */
  written: PoolEvent[];
  /** Ids of events to delete. */
  dropped: number[];
}

/** The last `MOST_EVENTS` events of a pool, oldest first. */
export class Journal {
  readonly #entries: Entry[];
  /** The latest entry of each run, by its key. */
  readonly #runs = new Map<string, Entry>();
  /** Entries that `take` has to return. */
  readonly #changed = new Set<Entry>();
  #dropped: number[] = [];
  #nextId: number;
  #revision = 0;

  constructor(restored: PoolEvent[] = []) {
    this.#entries = restored.map((event) => {
      const until = Date.parse(event.until ?? event.at);
      return { event, latest: event, count: event.count ?? 1, until, writtenAt: until, revision: 0 };
    });
    this.#nextId = (restored.at(-1)?.id ?? 0) + 1;
    for (const entry of this.#entries) {
      // Another shard's is never one with others.
      const run = entry.event.shard === undefined ? runOf(entry.event) : null;
      if (run !== null) this.#runs.set(run, entry);
    }
  }

  /** Rises with each `take` that returns something to write. */
  get revision(): number {
    return this.#revision;
  }

  note(happening: Happening, now: number): void {
    const run = runOf(happening);
    const growing = run === null ? undefined : this.#runs.get(run);
    if (growing && now - growing.until < runMs(happening)) {
      growing.latest = happening;
      growing.count++;
      growing.until = now;
      this.#changed.add(growing);
      return;
    }
    const event: PoolEvent = { id: this.#nextId++, at: iso(now), ...happening };
    const entry = this.#add(event, { latest: happening, count: 1, until: now });
    if (run !== null) this.#runs.set(run, entry);
  }

  /**
   * Takes in an event of another journal: a new one, or one that has grown and is `known` here by this id. Returns its id here. Such an
   * event is never one with others.
   */
  adopt(event: PoolEvent, known: number | undefined): number {
    const { id: _, at, count = 1, until = at, ...happening } = event;
    const grown = { latest: happening, count, until: Date.parse(until) };
    const entry = this.#entries.find(({ event: { id } }) => id === known);
    if (!entry) return this.#add({ ...event, id: this.#nextId++ }, grown).event.id;
    Object.assign(entry, grown);
    this.#changed.add(entry);
    return entry.event.id;
  }

  /** Returns what the ledger has to change now. `since` shows only what was returned here before. */
  take(now: number): JournalChanges {
    const changes: JournalChanges = { written: [], dropped: this.#dropped };
    this.#dropped = [];
    for (const entry of this.#changed) {
      if (now - entry.writtenAt < REWRITE_MS) continue;
      this.#changed.delete(entry);
      entry.writtenAt = now;
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

  /** Returns the events that `take` returned after this revision, oldest first. */
  since(revision: number): PoolEvent[] {
    return this.#entries
      .filter((entry) => entry.revision > revision && Number.isFinite(entry.writtenAt))
      .map(({ event }) => event);
  }

  /** Returns the runs that have gone on since `time`, in ms, with what `take` has not returned yet; oldest first. */
  runsSince(time: number): PoolEvent[] {
    return this.#entries
      .filter(({ event, until }) => until >= time && runOf(event) !== null)
      .map(({ event, count, until }) => ({ ...event, count, until: iso(until) }));
  }

  latest(...kinds: Happening["kind"][]): PoolEvent | undefined {
    return this.#entries.findLast(({ event }) => kinds.includes(event.kind))?.event;
  }

  #add(event: PoolEvent, occurred: Pick<Entry, "latest" | "count" | "until">): Entry {
    const entry = { event, ...occurred, writtenAt: Number.NEGATIVE_INFINITY, revision: 0 };
    this.#entries.push(entry);
    this.#changed.add(entry);
    if (this.#entries.length > MOST_EVENTS) this.#dropOne();
    return entry;
  }

  #dropOne(): void {
    const [entry] = this.#entries.splice(dispensable(this.#entries.map(({ event }) => event)), 1);
    if (!entry) return;
    // An event that was never written need not be deleted.
    if (!this.#changed.delete(entry) || Number.isFinite(entry.writtenAt)) this.#dropped.push(entry.event.id);
    const run = runOf(entry.event);
    if (run !== null && this.#runs.get(run) === entry) this.#runs.delete(run);
  }
}

const iso = (ms: number) => new Date(ms).toISOString();
