import type { News, Seen } from "../../link/protocol.ts";
import { dispensable, MOST_EVENTS, type PoolEvent } from "../../scheduler/record/events.ts";

/** How often the pool's object is called, in ms, whatever the number of watchers. */
const ASK_EVERY_MS = 900;
/** A watcher that calls may be cancelled before it has the answer. After this time another one calls. */
const ANSWER_MS = 5_000;

interface EventFrame {
  event: PoolEvent;
  text: string;
  /** The feed's revision when the event was new or grew. */
  revision: number;
}

/**
 * The state of one pool as this isolate knows it, for all its watchers. Promises and streams cannot be shared between
 * invocations, but bytes can: each frame is made once, whichever watcher has called, and sent to all of them.
 */
export class Feed {
  #seen: Seen | null = null;
  #events: EventFrame[] = [];
  #snapshot: { bytes: Uint8Array; revision: number } = { bytes: utf8(""), revision: 0 };
  /** The recent history of the waiting list up to `at`, in ms. */
  #history: { text: string; at: number } | null = null;
  #unreachable: { since: number; bytes: Uint8Array; revision: number } | null = null;
  #revision = 0;
  #askedAt = Number.NEGATIVE_INFINITY;
  #answeredAt: number | null = null;
  #asking = false;

  /** Rises with everything that is new for watchers. */
  get revision(): number {
    return this.#revision;
  }

  /** True if it is time for the next call and no watcher makes it yet. */
  isDue(now: number): boolean {
    return now - this.#askedAt >= (this.#asking ? ANSWER_MS : ASK_EVERY_MS);
  }

  /** True if the history ends too early for a new watcher, who sees for itself what follows. */
  isStale(now: number): boolean {
    return this.#history === null || now - this.#history.at >= ASK_EVERY_MS;
  }

  /** Like `ask`, but never rejects: a failure becomes an event `unreachable`. */
  async refresh(look: (seen: Seen | null) => Promise<News>): Promise<void> {
    try {
      await this.ask(look);
    } catch {
      this.#addOutage(Date.now());
    }
  }

  async ask(look: (seen: Seen | null) => Promise<News>): Promise<void> {
    this.#asking = true;
    this.#askedAt = Date.now();
    try {
      this.#addNews(await look(this.#seen));
    } finally {
      this.#asking = false;
    }
  }

  /** Everything, for a new watcher. `lastId`: the latest event that it knows from an earlier connection. */
  opening(lastId: number | null): Uint8Array {
    const last = this.#events.find(({ event }) => event.id === lastId)?.event;
    // The feed does not keep the event `lastId`, so the watcher gets all of them.
    const isUnknown = ({ event }: EventFrame) =>
      !last || event.id > last.id || (event.until ?? "") >= last.at;
    return this.#bytes(this.#events.filter(isUnknown), -1, this.#history?.text);
  }

  /** All that is newer than `revision`; `null`: nothing. */
  since(revision: number): Uint8Array | null {
    if (revision === this.#revision) return null;
    const events = this.#events.filter((frame) => frame.revision > revision);
    // By far the most usual case: all watchers get the same bytes.
    if (events.length === 0 && !this.#unreachable) return this.#snapshot.bytes;
    return this.#bytes(events, revision);
  }

  #bytes(events: EventFrame[], revision: number, first = ""): Uint8Array {
    const parts = [utf8(first + events.map(({ text }) => text).join(""))];
    if (this.#snapshot.revision > revision) parts.push(this.#snapshot.bytes);
    if (this.#unreachable && this.#unreachable.revision > revision) parts.push(this.#unreachable.bytes);
    const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
    let end = 0;
    for (const part of parts) {
      bytes.set(part, end);
      end += part.length;
    }
    return bytes;
  }

  #addNews({ seen, events, snapshot, history }: News): void {
    this.#answeredAt = Date.now();
    if (history !== undefined) this.#history = { text: frame("history", history), at: this.#answeredAt };
    const revision = this.#revision + 1;
    const known = new Map(this.#events.map((one) => [one.event.id, one]));
    // A new instance of the object sends all its events, most of which watchers know.
    if (seen.instance !== this.#seen?.instance) this.#events = [];
    for (const event of events) this.#addEvent(event, known.get(event.id), revision);
    if (snapshot !== null) this.#snapshot = { bytes: utf8(frame("snapshot", snapshot)), revision };
    else if (this.#unreachable) this.#snapshot = { ...this.#snapshot, revision };
    const isNew = this.#snapshot.revision === revision || this.#events.some((e) => e.revision === revision);
    if (isNew) this.#revision = revision;
    this.#unreachable = null;
    this.#seen = seen;
  }

  #addEvent(event: PoolEvent, known: EventFrame | undefined, revision: number): void {
    const text = frame(event.kind, JSON.stringify(event), event.id);
    const added = known?.text === text ? known : { event, text, revision };
    const index = this.#events.findIndex((one) => one.event.id === event.id);
    if (index >= 0) this.#events[index] = added;
    else this.#events.push(added);
    if (this.#events.length <= MOST_EVENTS) return;
    this.#events.splice(dispensable(this.#events.map((one) => one.event)), 1);
  }

  #addOutage(now: number): void {
    const since = this.#unreachable?.since ?? this.#answeredAt ?? now;
    const data = JSON.stringify({ at: new Date(since).toISOString() });
    this.#unreachable = { since, bytes: utf8(frame("unreachable", data)), revision: ++this.#revision };
  }
}

const feeds = new Map<string, Feed>();

/** One feed a pool and isolate. Only configured pools have one. */
export function feedOf(pool: string): Feed {
  const feed = feeds.get(pool) ?? new Feed();
  feeds.set(pool, feed);
  return feed;
}

/** One server-sent event. `data` is a single line. */
function frame(event: string, data: string, id?: number): string {
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${data}\n\n`;
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
