import type { News, Seen } from "../../link/protocol.ts";
import { dispensable, MOST_EVENTS, type PoolEvent } from "../../scheduler/record/events.ts";
import { frame, utf8 } from "./frames.ts";

/** A pool is asked this often, however many watch it. */
const ASK_EVERY_MS = 900;
/** Whoever asks may be cut off while it does: then somebody else asks. */
const ANSWER_MS = 5_000;

interface Kept {
  event: PoolEvent;
  frame: string;
  revision: number;
}

/**
 * What this isolate knows of one pool: watchers that are served by the same isolate share it. Promises and
 * streams cannot be shared between invocations, texts can: each is made once, whoever asked, and sent to all.
 */
export class Feed {
  #seen: Seen | null = null;
  #events: Kept[] = [];
  #snapshot: { bytes: Uint8Array; revision: number } = { bytes: utf8(""), revision: 0 };
  /** What the waiting list was; `at`: until when. */
  #history: { text: string; at: number } | null = null;
  #unreachable: { since: number; bytes: Uint8Array; revision: number } | null = null;
  #revision = 0;
  #askedAt = Number.NEGATIVE_INFINITY;
  #answeredAt: number | null = null;
  #asking = false;

  /** Rises with everything that watchers have to be told. */
  get revision(): number {
    return this.#revision;
  }

  /** It is time to ask, and nobody does. */
  due(now: number): boolean {
    return now - this.#askedAt >= (this.#asking ? ANSWER_MS : ASK_EVERY_MS);
  }

  /** What the waiting list was is not known up to now, for a new watcher who sees for itself what follows. */
  stale(now: number): boolean {
    return this.#history === null || now - this.#history.at >= ASK_EVERY_MS;
  }

  /** Never rejects: what went wrong is told to those who watch. */
  async refresh(look: (seen: Seen | null) => Promise<News>): Promise<void> {
    try {
      await this.ask(look);
    } catch {
      this.#lost(Date.now());
    }
  }

  async ask(look: (seen: Seen | null) => Promise<News>): Promise<void> {
    this.#asking = true;
    this.#askedAt = Date.now();
    try {
      this.#heard(await look(this.#seen));
    } finally {
      this.#asking = false;
    }
  }

  /** Everything for a new watcher, which may know the events up to `lastId` from before. */
  opening(lastId: number | null): Uint8Array {
    const last = this.#events.find(({ event }) => event.id === lastId)?.event;
    // An unknown id says nothing of what its watcher knows.
    const unknown = ({ event }: Kept) => !last || event.id > last.id || (event.until ?? "") >= last.at;
    return this.#joined(this.#events.filter(unknown), -1, this.#history?.text);
  }

  /** What is newer than `revision`; `null`: nothing. */
  since(revision: number): Uint8Array | null {
    if (revision === this.#revision) return null;
    const events = this.#events.filter((kept) => kept.revision > revision);
    // By far the most usual case: the same bytes go to all who watch.
    if (events.length === 0 && !this.#unreachable) return this.#snapshot.bytes;
    return this.#joined(events, revision);
  }

  #joined(events: Kept[], revision: number, first = ""): Uint8Array {
    const parts = [utf8(first + events.map((kept) => kept.frame).join(""))];
    if (this.#snapshot.revision > revision) parts.push(this.#snapshot.bytes);
    if (this.#unreachable && this.#unreachable.revision > revision) parts.push(this.#unreachable.bytes);
    const joined = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
    let end = 0;
    for (const part of parts) {
      joined.set(part, end);
      end += part.length;
    }
    return joined;
  }

  #heard({ seen, events, snapshot, history }: News): void {
    this.#answeredAt = Date.now();
    if (history !== undefined) this.#history = { text: frame("history", history), at: this.#answeredAt };
    const revision = this.#revision + 1;
    const known = new Map(this.#events.map((kept) => [kept.event.id, kept]));
    // Another instance tells all that it knows, most of which was told before.
    if (seen.instance !== this.#seen?.instance) this.#events = [];
    for (const event of events) this.#keep(event, known.get(event.id), revision);
    if (snapshot !== null) this.#snapshot = { bytes: utf8(frame("snapshot", snapshot)), revision };
    else if (this.#unreachable) this.#snapshot = { ...this.#snapshot, revision };
    const changed = this.#snapshot.revision === revision || this.#events.some((k) => k.revision === revision);
    if (changed) this.#revision = revision;
    this.#unreachable = null;
    this.#seen = seen;
  }

  #keep(event: PoolEvent, known: Kept | undefined, revision: number): void {
    const text = frame(event.kind, JSON.stringify(event), event.id);
    const kept = known?.frame === text ? known : { event, frame: text, revision };
    const index = this.#events.findIndex((one) => one.event.id === event.id);
    if (index >= 0) this.#events[index] = kept;
    else this.#events.push(kept);
    if (this.#events.length <= MOST_EVENTS) return;
    this.#events.splice(dispensable(this.#events.map((one) => one.event)), 1);
  }

  #lost(now: number): void {
    const since = this.#unreachable?.since ?? this.#answeredAt ?? now;
    const data = JSON.stringify({ at: new Date(since).toISOString() });
    this.#unreachable = { since, bytes: utf8(frame("unreachable", data)), revision: ++this.#revision };
  }
}

const feeds = new Map<string, Feed>();

/** One a pool and isolate. Their number is that of the configured pools. */
export function feedOf(pool: string): Feed {
  const feed = feeds.get(pool) ?? new Feed();
  feeds.set(pool, feed);
  return feed;
}
