import { type Change, type Changes, Problem } from "./api.ts";

/** How many changes are asked for at first, and how many more each time. */
export const PAGE_SIZE = 50;
/** More than this many are for the command line: all of them are asked for again with each change. */
const MOST = 500;
/** The shortest time between two questions, in ms. */
const PAUSE_MS = 3_000;

type Load = (pool: string, limit: number) => Promise<Changes>;

/** The latest changes of one pool, as the API last told them. */
export class AuditList {
  /** Newest first; `null`: nothing was told yet. */
  changes: Change[] | null = null;
  hasMore = false;
  /** Why the last question failed; `null`: it did not. */
  problem: Problem | null = null;
  readonly #load: Load;
  readonly #onAnswer: () => void;
  #pool: string | null = null;
  #limit = PAGE_SIZE;
  #askedAt = Number.NEGATIVE_INFINITY;
  /** The news when the list was last asked for; `null`: it is to be asked for again. */
  #askedFor: string | null = null;
  /** The number of the latest question: an answer about an earlier pool is of no use. */
  #latest = 0;
  #isAsking = false;

  constructor(load: Load, onAnswer: () => void) {
    this.#load = load;
    this.#onAnswer = onAnswer;
  }

  /** Begins anew if this is another pool than before. */
  choose(pool: string): void {
    if (pool === this.#pool) return;
    this.#pool = pool;
    this.changes = null;
    this.hasMore = false;
    this.problem = null;
    this.#limit = PAGE_SIZE;
    this.#latest++;
    this.#isAsking = false;
    this.#askNext();
  }

  /** Asks for further changes. They come with the next `keepUp`. */
  more(): void {
    this.#limit += PAGE_SIZE;
    this.#askNext();
  }

  /** True if some are left and may be asked for. */
  get mayShowMore(): boolean {
    return this.hasMore && this.#limit < MOST;
  }

  /** To be called every second, and with every event, while the list is open. `news`: is another one with each change. */
  keepUp(news: string): void {
    const isNew = news !== this.#askedFor;
    if (this.#isAsking || !isNew || Date.now() - this.#askedAt < PAUSE_MS) return;
    void this.#ask(news);
  }

  #askNext(): void {
    this.#askedFor = null;
    // Signed out, the browser would have to ask for the password.
    if (this.problem?.status !== 401) this.#askedAt = Number.NEGATIVE_INFINITY;
  }

  async #ask(news: string): Promise<void> {
    const number = ++this.#latest;
    this.#askedAt = Date.now();
    this.#askedFor = news;
    this.#isAsking = true;
    try {
      const { changes, next } = await this.#load(this.#pool ?? "", this.#limit);
      if (number !== this.#latest) return;
      this.changes = changes;
      this.hasMore = next !== null;
      this.problem = null;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (number !== this.#latest) return;
      this.problem = error;
      this.#askedFor = null;
      if (error.status === 401) this.#askedAt = Number.POSITIVE_INFINITY;
    }
    this.#isAsking = false;
    this.#onAnswer();
  }
}
