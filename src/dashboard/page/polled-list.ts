import { Problem } from "./api.ts";

/** How many entries are asked for at first, and how many more each time. */
export const PAGE_SIZE = 50;
/** More than this many are for the command line: all of them are asked for again with each change. */
const MOST = 500;
/** The shortest time between two questions, in ms. */
const PAUSE_MS = 3_000;

/** Resolves with the first `limit` entries, and whether there are more. */
export type Load<Entry> = (limit: number) => Promise<{ entries: Entry[]; hasMore: boolean }>;

/** The first entries of a list of the API, all of which are asked for again whenever there is news of it. */
export class PolledList<Entry> {
  /** `null`: nothing was told yet. */
  entries: Entry[] | null = null;
  hasMore = false;
  /** Why the last question failed; `null`: it did not. */
  problem: Problem | null = null;
  readonly #onAnswer: () => void;
  #load: Load<Entry> | null = null;
  #limit = PAGE_SIZE;
  #askedAt = Number.NEGATIVE_INFINITY;
  /** The news when the list was last asked for; `null`: it has to be asked for again. */
  #askedFor: string | null = null;
  /** The number of the latest question: answers can overtake, and one about an earlier list is of no use. */
  #latest = 0;
  #isAsking = false;

  constructor(onAnswer: () => void) {
    this.#onAnswer = onAnswer;
  }

  /** Begins anew, with another list. */
  begin(load: Load<Entry>): void {
    this.#load = load;
    this.entries = null;
    this.hasMore = false;
    this.problem = null;
    this.#limit = PAGE_SIZE;
    this.#latest++;
    this.#isAsking = false;
    this.refresh();
  }

  /** Asks for further entries. They come with the next `keepUp`. */
  more(): void {
    this.#limit += PAGE_SIZE;
    this.refresh();
  }

  /** True if some are left and may be asked for. */
  get mayShowMore(): boolean {
    return this.hasMore && this.#limit < MOST;
  }

  /** Lets the next `keepUp` ask at once, unless the browser would have to ask for the password. */
  refresh(): void {
    if (this.problem?.status !== 401) this.#askedAt = Number.NEGATIVE_INFINITY;
  }

  /**
   * To be called every second, and with every message of the stream, while the list is in sight. `news` is another text
   * after each change that is known of; `staleMs`: after how long without any the list is asked for all the same.
   */
  keepUp(news: string, staleMs = Number.POSITIVE_INFINITY): void {
    const since = Date.now() - this.#askedAt;
    if (this.#load === null || this.#isAsking) return;
    if (since < (news === this.#askedFor ? staleMs : PAUSE_MS)) return;
    void this.#ask(this.#load, news);
  }

  async #ask(load: Load<Entry>, news: string): Promise<void> {
    const number = ++this.#latest;
    this.#askedAt = Date.now();
    this.#askedFor = news;
    this.#isAsking = true;
    try {
      const { entries, hasMore } = await load(this.#limit);
      if (number !== this.#latest) return;
      this.entries = entries;
      this.hasMore = hasMore;
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
