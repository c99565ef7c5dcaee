import type { Act } from "../../link/act.ts";
import { inTime } from "../../link/clock.ts";
import type { ShardView } from "../../link/shards.ts";
import type { Server } from "../../scheduler/fleet/server.ts";
import type { Counts } from "../../scheduler/record/counters.ts";
import type { PoolEvent } from "../../scheduler/record/events.ts";
import type { QueueHistory } from "../../scheduler/record/queue-history.ts";
import type { Scheduler } from "../../scheduler/scheduler.ts";
import type { ServerSnapshot, SnapshotContent } from "../../scheduler/snapshot.ts";
import type { Watched } from "../lookout.ts";
import type { Coordinator } from "./coordinator.ts";
import { mergedCounts, mergedHistory, mergedSnapshot } from "./merge.ts";
import type { ShardLedger } from "./shard-ledger.ts";

/** What was heard of a shard is shown for so long, in ms, however many look. */
const FRESH_MS = 250;
/** How long a shard may take to say how it is, in ms: whoever looks waits for it, and for one that did not answer hardly. */
const ANSWER_MS = 1_500;
const AGAIN_MS = 300;
/** Shards that have changed during a look are looked at again, so often in all. */
const MOST_LOOKS = 3;
/** Of so many events of a shard it is known which of the pool's they are: they may still grow. */
const MOST_KNOWN = 1_000;
/** Of these the coordinator tells by itself, as they concern the pool. */
const OF_THE_POOL: ReadonlySet<PoolEvent["kind"]> = new Set([
  "drain",
  "drained",
  "stop",
  "stopped",
  "resume",
]);

interface Parts {
  coordinator: Coordinator;
  scheduler: Scheduler;
  ledger: ShardLedger;
  write: (changes: () => void) => void;
}

/** What a shard was like when it answered last. */
interface Seen {
  view: ShardView;
  snapshot: SnapshotContent | null;
  /** Ids of its events in the coordinator's journal, by those that they have there. */
  events: Map<number, number>;
  /** False: it did not answer since. */
  isCurrent: boolean;
}

/** The pool as one, for those who look at it and steer it, in the coordinator's object. */
export class Whole {
  readonly #coordinator: Coordinator;
  readonly #scheduler: Scheduler;
  readonly #ledger: ShardLedger;
  readonly #write: Parts["write"];
  readonly #seen = new Map<number, Seen>();
  #refreshedAt = Number.NEGATIVE_INFINITY;
  /** The coordinator's, when the last look at the shards began. */
  #revision = -1;
  #refreshing: Promise<void> | null = null;
  /** Of other shards, as a scrape was told last. */
  #told: Map<number, Counts> | null = null;

  constructor({ coordinator, scheduler, ledger, write }: Parts) {
    this.#coordinator = coordinator;
    this.#scheduler = scheduler;
    this.#ledger = ledger;
    this.#write = write;
  }

  /** Hears how all shards are, unless that was heard just now. Resolves also if some do not answer. */
  async refresh(history = false): Promise<void> {
    if (this.#isFresh && !history) return;
    // What has changed since that one began it may not show.
    if (this.#refreshing && this.#isOutdated) await this.#refreshing;
    for (let looks = 0; looks < MOST_LOOKS && (looks === 0 || this.#isOutdated); looks++) {
      this.#refreshing ??= this.#look(history).finally(() => {
        this.#refreshedAt = Date.now();
        this.#refreshing = null;
      });
      await this.#refreshing;
    }
  }

  /** The pool's, of this object's own. */
  snapshot(own: SnapshotContent, now: number): SnapshotContent {
    const { others, unreachable } = this.#coordinator;
    const wanted = new Map(this.#scheduler.servers.map((server) => [server.name, server]));
    const asTold = (server: ServerSnapshot): ServerSnapshot => {
      const isDown = this.#coordinator.isDown(wanted.get(server.name)?.identity ?? "");
      return isDown ? { ...server, health: "down" } : server;
    };
    const views = others.map((shard) => {
      const seen = this.#seen.get(shard);
      return {
        shard,
        reachable: !unreachable.includes(shard),
        snapshot: seen ? asFarAsInformed(seen, asTold) : null,
        waits: seen?.view.waits ?? [],
        services: seen?.view.services ?? [],
      };
    });
    const ownerOf = ({ name }: { name: string }) => {
      const server = wanted.get(name);
      return server ? this.#coordinator.ownerOf(server.identity) : null;
    };
    // For those that their owner does not show.
    const listed = own.servers.map(asTold);
    const merged = mergedSnapshot(
      { ...own, servers: listed },
      views,
      this.#scheduler.traffic.sketches(now),
      ownerOf,
    );
    const servers = merged.servers.map((seen) => this.#asFarAsKnown(seen, wanted.get(seen.name)));
    return { ...merged, servers };
  }

  /** For a watcher. */
  get watched(): Watched {
    const scheduler = this.#scheduler;
    const snapshots = () => [...this.#seen.values()].flatMap(({ snapshot }) => snapshot ?? []);
    return {
      journal: scheduler.journal,
      settlesAt: Number.POSITIVE_INFINITY,
      get queued() {
        return snapshots().reduce((sum, { queued }) => sum + queued, scheduler.queued);
      },
      get oldestSince() {
        const longestMs = Math.max(0, ...snapshots().map(({ oldestWaitMs }) => oldestWaitMs));
        const since = longestMs === 0 ? Number.POSITIVE_INFINITY : Date.now() - longestMs;
        const oldest = Math.min(since, scheduler.oldestSince ?? Number.POSITIVE_INFINITY);
        return Number.isFinite(oldest) ? oldest : undefined;
      },
    };
  }

  /** The waiting list's history, of this object's own. */
  history(own: string): string {
    const others = [...this.#seen.values()].flatMap(({ view }) => view.news.history ?? []);
    return JSON.stringify(mergedHistory([own, ...others].map((one) => JSON.parse(one) as QueueHistory)));
  }

  /** The pool's counts, of this object's own: they never fall, so of a shard that does not answer the last ones count. */
  async counts(own: Counts): Promise<Counts> {
    await Promise.all(this.#coordinator.others.map((shard) => this.#hearCounts(shard).catch(() => {})));
    return mergedCounts([own, ...this.#toldCounts.values()]);
  }

  /** Frees a slot of whichever shard has it. Returns the name of its server; `null`: no shard has it that answers. */
  async free(name: string, act: Act, waitedMs: number): Promise<string | null> {
    const asked = this.#coordinator.others.map((shard) =>
      this.#coordinator.stub(shard).freeHere(name, act, waitedMs),
    );
    const answers = await Promise.allSettled(asked);
    for (const answer of answers)
      if (answer.status === "fulfilled" && answer.value !== null) return answer.value;
    const failed = answers.find((answer) => answer.status === "rejected");
    // It may be that one's.
    if (failed) throw failed.reason;
    return null;
  }

  get #isFresh(): boolean {
    return Date.now() - this.#refreshedAt < FRESH_MS && !this.#isOutdated;
  }

  get #isOutdated(): boolean {
    return this.#revision !== this.#coordinator.revision;
  }

  async #hearCounts(shard: number): Promise<void> {
    const counts = await inTime(this.#coordinator.stub(shard).counts(), ANSWER_MS);
    if (JSON.stringify(counts) === JSON.stringify(this.#toldCounts.get(shard))) return;
    this.#toldCounts.set(shard, counts);
    this.#write(() => this.#ledger.writeCounts(shard, counts));
  }

  get #toldCounts(): Map<number, Counts> {
    this.#told ??= this.#ledger.counts();
    return this.#told;
  }

  async #look(history: boolean): Promise<void> {
    const { others, unreachable, revision } = this.#coordinator;
    this.#revision = revision;
    const news = await Promise.all(
      others.map(async (shard) => {
        const known = this.#seen.get(shard);
        try {
          const view = await inTime(
            this.#coordinator.stub(shard).view(known?.view.news.seen ?? null, history),
            unreachable.includes(shard) ? AGAIN_MS : ANSWER_MS,
          );
          this.#coordinator.called(shard, true);
          return this.#note(shard, view);
        } catch {
          this.#coordinator.called(shard, false);
          if (known) known.isCurrent = false;
          return [];
        }
      }),
    );
    for (const shard of this.#seen.keys()) if (!others.includes(shard)) this.#seen.delete(shard);
    this.#adopt(news.flat());
  }

  /** Returns its new events. */
  #note(shard: number, view: ShardView): { shard: number; event: PoolEvent }[] {
    const before = this.#seen.get(shard);
    const { snapshot, events } = view.news;
    this.#seen.set(shard, {
      view,
      snapshot: snapshot === null ? (before?.snapshot ?? null) : JSON.parse(snapshot),
      events: before?.events ?? new Map(),
      isCurrent: true,
    });
    return events.filter(({ kind }) => !OF_THE_POOL.has(kind)).map((event) => ({ shard, event }));
  }

  /** Makes the shards' events the pool's, in the order of their times. */
  #adopt(news: { shard: number; event: PoolEvent }[]): void {
    if (news.length === 0) return;
    const adopted = this.#ledger.adopted;
    const { journal } = this.#scheduler;
    const inOrder = news.sort((a, b) => (a.event.at < b.event.at ? -1 : 1));
    for (const { shard, event } of inOrder) {
      const known = this.#seen.get(shard)?.events;
      const own = known?.get(event.id);
      // An instance before has it, by an id that is not known any more.
      if (own === undefined && event.id <= (adopted[shard] ?? 0)) continue;
      const id = journal.adopt({ ...event, shard }, own);
      if (known) remember(known, event.id, id);
      adopted[shard] = Math.max(adopted[shard] ?? 0, event.id);
    }
    this.#write(() => {
      this.#ledger.adopted = adopted;
    });
  }

  /** True if whoever may have slots of the server taken was seen by the latest orders. */
  #isCertain(identity: string): boolean {
    const holder = this.#coordinator.holderOf(identity);
    if (holder === null || holder === 0) return true;
    const seen = this.#seen.get(holder);
    return seen?.isCurrent === true && seen.view.version === this.#coordinator.version;
  }

  /**
   * A server that is not to get requests, and of which it is not certain that its shard has heard so, counts as busy: whoever waits
   * for its last request would take it for idle.
   */
  #asFarAsKnown(server: ServerSnapshot, wanted: Server | undefined): ServerSnapshot {
    if (server.inFlight > 0) return server;
    if (!wanted || (server.state === "ready" && !wanted.retired)) return server;
    return this.#isCertain(wanted.identity) ? server : { ...server, inFlight: 1 };
  }
}

/** A shard that has just started has heard nothing, and knows of a server only that something of it is in flight. */
function asFarAsInformed(
  { view, snapshot }: Seen,
  asTold: (server: ServerSnapshot) => ServerSnapshot,
): SnapshotContent | null {
  if (snapshot === null || view.version > 0) return snapshot;
  return { ...snapshot, servers: snapshot.servers.map(asTold) };
}

/** As the latest. */
function remember(known: Map<number, number>, event: number, own: number): void {
  known.delete(event);
  known.set(event, own);
  const [oldest] = known.keys();
  if (known.size > MOST_KNOWN && oldest !== undefined) known.delete(oldest);
}
