import type { DeferredState } from "../../link/deferral.ts";
import type { DeferredSnapshot, Snapshot } from "../../scheduler/snapshot.ts";
import { type DeferredRequest, type DeferredRequests, Problem } from "./api.ts";

/** How many requests are asked for at first, and how many more each time. */
export const PAGE_SIZE = 50;
/** More than this many are for the command line: all of them are asked for again with each change. */
const MOST = 500;
/** The shortest time between two questions, in ms. */
const PAUSE_MS = 3_000;
/** The longest while any request waits or runs, in ms: two that change places leave all counts as they were. */
const STALE_MS = 15_000;

export type Filter = DeferredState | "all";

type Load = (pool: string, state: DeferredState | null, limit: number) => Promise<DeferredRequests>;

/** A part of one pool's list of deferred requests, as the API last told it. */
export class DeferredList {
  /** `null`: nothing was told yet. */
  requests: DeferredRequest[] | null = null;
  hasMore = false;
  /** Why the last question failed; `null`: it did not. */
  problem: Problem | null = null;
  filter: Filter = "failed";
  pool: string | null = null;
  readonly #load: Load;
  readonly #onAnswer: () => void;
  #limit = PAGE_SIZE;
  #askedAt = Number.NEGATIVE_INFINITY;
  /** The counts when the list was last asked for. */
  #askedFor = "";
  /** The number of the latest question: answers can overtake, and one to an earlier filter is of no use. */
  #latest = 0;
  #isAsking = false;

  constructor(load: Load, onAnswer: () => void) {
    this.#load = load;
    this.#onAnswer = onAnswer;
  }

  /** Begins anew if this is another pool than before. */
  choose({ name, deferred }: Pick<Snapshot, "name" | "deferred">): void {
    if (name === this.pool) return;
    this.pool = name;
    this.show(deferred && deferred.failed === 0 && deferred.queued > 0 ? "queued" : "failed");
  }

  show(filter: Filter): void {
    this.filter = filter;
    this.requests = null;
    this.hasMore = false;
    this.problem = null;
    this.#limit = PAGE_SIZE;
    this.refresh();
    this.#isAsking = false;
    this.#latest++;
  }

  /** Asks for further requests. They come with the next `keepUp`. */
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

  /** To be called every second and with every snapshot while the list is in sight. */
  keepUp({ queued, running, answered, failed }: DeferredSnapshot): void {
    const counts = [queued, running, answered, failed].join();
    const since = Date.now() - this.#askedAt;
    const staleMs = queued + running > 0 ? STALE_MS : Number.POSITIVE_INFINITY;
    if (this.#isAsking || since < (counts === this.#askedFor ? staleMs : PAUSE_MS)) return;
    void this.#ask(counts);
  }

  async #ask(counts: string): Promise<void> {
    const number = ++this.#latest;
    this.#askedAt = Date.now();
    this.#askedFor = counts;
    this.#isAsking = true;
    try {
      const state = this.filter === "all" ? null : this.filter;
      const { requests, next } = await this.#load(this.pool ?? "", state, this.#limit);
      if (number !== this.#latest) return;
      this.requests = requests;
      this.hasMore = next !== null;
      this.problem = null;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (number !== this.#latest) return;
      this.problem = error;
      this.#askedFor = "";
      if (error.status === 401) this.#askedAt = Number.POSITIVE_INFINITY;
    }
    this.#isAsking = false;
    this.#onAnswer();
  }
}

/** A line of the table. */
export interface Row {
  request: DeferredRequest;
  /** The list has it no more, and only the table still does. */
  isGone: boolean;
}

/**
 * The lines of the table, where it showed `before` and the list is `latest`. While it is `held`, no line moves: what is
 * gone stays, and what is new comes last. Otherwise only the line with the focus stays.
 */
export function arranged(
  before: readonly Row[],
  latest: readonly DeferredRequest[],
  isHeld: boolean,
  focused: string | null,
): Row[] {
  const left = new Map(latest.map((request) => [request.id, request]));
  const kept = before.flatMap(({ request }): Row[] => {
    const present = left.get(request.id);
    const stays = isHeld || (request.id === focused && !present);
    if (!stays) return [];
    left.delete(request.id);
    return [{ request: present ?? request, isGone: !present }];
  });
  const rows = [...kept, ...[...left.values()].map((request) => ({ request, isGone: false }))];
  return isHeld ? rows : rows.sort((a, b) => a.request.number - b.request.number);
}
