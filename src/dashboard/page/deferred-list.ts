import type { DeferredState } from "../../link/deferral.ts";
import type { DeferredSnapshot, Snapshot } from "../../scheduler/snapshot.ts";
import type { DeferredRequest, DeferredRequests } from "./api.ts";
import { PolledList } from "./polled-list.ts";

/** The longest time between two questions while any request waits or runs, in ms: two that change places change no count. */
const STALE_MS = 15_000;

export type Filter = DeferredState | "all";

type LoadRequests = (pool: string, state: DeferredState | null, limit: number) => Promise<DeferredRequests>;

/** One pool's deferred requests in one state, or in any. */
export class DeferredList extends PolledList<DeferredRequest> {
  filter: Filter = "failed";
  pool: string | null = null;
  readonly #loadRequests: LoadRequests;

  constructor(loadRequests: LoadRequests, onAnswer: () => void) {
    super(onAnswer);
    this.#loadRequests = loadRequests;
  }

  /** Begins anew if this is another pool than before. */
  choose({ name, deferred }: Pick<Snapshot, "name" | "deferred">): void {
    if (name === this.pool) return;
    this.pool = name;
    this.show(deferred && deferred.failed === 0 && deferred.queued > 0 ? "queued" : "failed");
  }

  show(filter: Filter): void {
    this.filter = filter;
    const pool = this.pool ?? "";
    const state = filter === "all" ? null : filter;
    this.begin(async (limit) => {
      const { requests, next } = await this.#loadRequests(pool, state, limit);
      return { entries: requests, hasMore: next !== null };
    });
  }

  /** To be called as `keepUp` is: the counts are the news. */
  keepUpWith({ queued, running, answered, failed }: DeferredSnapshot): void {
    const staleMs = queued + running > 0 ? STALE_MS : Number.POSITIVE_INFINITY;
    this.keepUp([queued, running, answered, failed].join(), staleMs);
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
