import type { Me } from "../../admin/operator.ts";
import type { PoolEvent } from "../../scheduler/record/events.ts";
import type { QueueHistory } from "../../scheduler/record/queue-history.ts";
import type { Snapshot } from "../../scheduler/snapshot.ts";
import type { AllPools, Problem } from "./api.ts";
import { now } from "./clock.ts";
import { History } from "./history.ts";
import { Notices } from "./notices.ts";
import { isEarlier } from "./revision.ts";

/** Longest time between two messages of Sluice while all is well, in ms. A longer silence is no knowledge. */
const BEAT_MS = 4_500;

/**
 * After how long a snapshot of the overview is old, in ms: it asks every 3 s, and waits about as long for pools whose
 * object does not answer.
 */
const OLD_MS = 12_000;

export interface Connection {
  state: "connecting" | "live" | "lost";
  /** When the last message came, by this browser's clock. */
  lastSeen: number | null;
  problem: Problem | null;
}

/** The state of the page. The view draws it after each change, and every second. */
export class Model {
  /** The names of all pools, in the order of the configuration as far as it is known. */
  names: string[] = [];
  /** The latest snapshots. */
  readonly pools = new Map<string, Snapshot>();
  /**
   * The pools whose object Sluice does not reach, with the time of the last contact in ms; `null`: none since the page
   * was opened.
   */
  readonly unreachable = new Map<string, number | null>();
  readonly histories = new Map<string, History>();
  readonly notices = new Notices();
  /** The events of the chosen pool, by id. */
  events = new Map<number, PoolEvent>();
  /** Who has signed in, and what they may do; `null`: not known yet. */
  me: Me | null = null;
  /** The pool in view; `null`: the overview of all pools. */
  chosen: string | null = null;
  /** True once the list of all pools has come. */
  isLoaded = false;
  connection: Connection = { state: "connecting", lastSeen: null, problem: null };
  /** When each pool's latest snapshot came, by the servers' clock. */
  readonly #seenAt = new Map<string, number>();
  /** The pools that were not heard of since the connection was lost. */
  readonly #unsure = new Set<string>();
  /** The time up to which the page is known to be right, by this browser's clock. */
  #knownUntil: number | null = null;

  get isLive(): boolean {
    return this.connection.state === "live" && !this.unreachable.has(this.chosen ?? "");
  }

  /** The time as of which the page is drawn: it stands still without contact, so that no age grows unseen. */
  get asOf(): number {
    if (this.#knownUntil === null) return now();
    const known = this.#knownUntil + (this.isLive ? BEAT_MS : 0);
    return now() - Math.max(0, Date.now() - known);
  }

  /** True if the latest snapshot of this pool says how it is now. */
  isFresh(name: string): boolean {
    if (this.connection.state !== "live" || this.unreachable.has(name)) return false;
    return now() - (this.#seenAt.get(name) ?? 0) < OLD_MS;
  }

  /** How long ago a pool's latest snapshot came, in ms, as of the time that the page is drawn for. */
  ageOf(name: string): number {
    return Math.max(0, this.asOf - (this.#seenAt.get(name) ?? this.asOf));
  }

  /** True if Sluice answers and has no pool of the chosen name. */
  get isUnknown(): boolean {
    return this.chosen !== null && this.isLoaded && !this.names.includes(this.chosen);
  }

  /** Takes an answer about all pools. */
  addAll({ pools, unreachable }: AllPools): void {
    this.isLoaded = true;
    const names = [...pools.map(({ name }) => name), ...unreachable];
    // The answer does not say where the unreachable pools stand among the others.
    const before = unreachable.length > 0 ? this.names.filter((name) => names.includes(name)) : [];
    this.names = [...new Set([...before, ...names])];
    // The stream of the chosen pool is ahead of this answer.
    const isFollowed = (name: string) => name === this.chosen && this.#seenAt.has(name);
    for (const pool of pools) if (!isFollowed(pool.name)) this.#addSnapshot(pool);
    for (const name of unreachable) {
      if (!isFollowed(name)) this.#setUnreachable(name, this.#seenAt.get(name) ?? null);
    }
    for (const known of [this.pools, this.unreachable, this.#seenAt, this.histories]) {
      for (const name of known.keys()) if (!this.names.includes(name)) known.delete(name);
    }
  }

  /** Takes a snapshot from the stream of the chosen pool. */
  addSnapshot(pool: Snapshot): void {
    if (!this.names.includes(pool.name)) this.names.push(pool.name);
    this.#addSnapshot(pool);
    this.#knownUntil = Date.now();
  }

  /** Takes the pool as it is after an act, from the act's answer. */
  addAnswer(pool: Snapshot): void {
    if (pool.name === this.chosen) this.addSnapshot(pool);
    else this.#addSnapshot(pool);
  }

  /** Takes the chosen pool's record of its waiting list from before the stream began. */
  addRecord(record: QueueHistory): void {
    if (this.chosen !== null) this.#historyOf(this.chosen).addRecord(record, now());
  }

  /** Sluice answers, but does not reach the chosen pool's object. `at`: since when, if Sluice knows. */
  setUnreachable(at?: string): void {
    if (this.chosen === null) return;
    const since = at === undefined ? (this.#seenAt.get(this.chosen) ?? null) : Date.parse(at);
    this.#setUnreachable(this.chosen, since);
    const known = since === null ? Number.POSITIVE_INFINITY : since - (now() - Date.now());
    this.#knownUntil = Math.min(this.#knownUntil ?? Date.now(), known);
  }

  setConnected(): void {
    this.connection = { state: "live", lastSeen: Date.now(), problem: null };
    if (this.isLive) this.#knownUntil = Date.now();
  }

  setDisconnected(problem: Problem): void {
    // The page keeps showing the state that it has drawn last.
    if (this.isLive && this.#knownUntil !== null)
      this.#knownUntil = Math.min(Date.now(), this.#knownUntil + BEAT_MS);
    for (const name of this.pools.keys()) this.#unsure.add(name);
    this.connection = { state: "lost", lastSeen: this.connection.lastSeen, problem };
  }

  /** Sluice answers that it has no pool of the chosen name. */
  setUnknown(): void {
    this.isLoaded = true;
    this.names = this.names.filter((name) => name !== this.chosen);
    this.pools.delete(this.chosen ?? "");
    this.setConnected();
  }

  choose(pool: string | null): void {
    this.chosen = pool;
    this.events = new Map();
    this.connection = { ...this.connection, state: "connecting", problem: null };
  }

  /** To be called once a second. */
  tick(): void {
    const isLost = this.connection.state === "lost";
    for (const [name, history] of this.histories) {
      if (this.unreachable.has(name) || (isLost && (this.chosen ?? name) === name)) history.addGap(now());
      else if (name === this.chosen && this.isLive && this.asOf >= now() - 1) history.continueEmpty(now());
    }
  }

  /** Stream, answers of acts, and answers about all pools come by ways of their own, and may overtake each other. */
  #addSnapshot(pool: Snapshot): void {
    const known = this.pools.get(pool.name)?.revision;
    const { revision, name } = pool;
    if (known && isEarlier(revision, known)) {
      // After a loss it may come from another Sluice, by whose clock the object has not started later.
      if (known.since === revision.since || !this.#unsure.has(name)) return;
    }
    this.#unsure.delete(name);
    this.pools.set(pool.name, pool);
    this.notices.check(pool);
    this.unreachable.delete(pool.name);
    this.#seenAt.set(pool.name, now());
    this.#historyOf(pool.name).addSnapshot(pool, now());
  }

  #setUnreachable(name: string, since: number | null): void {
    if (!this.unreachable.has(name)) this.unreachable.set(name, since);
  }

  #historyOf(name: string): History {
    const history = this.histories.get(name) ?? new History();
    this.histories.set(name, history);
    return history;
  }
}
