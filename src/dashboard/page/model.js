/**
 * @import { PoolEvent } from "../../scheduler/record/events.ts"
 * @import { QueueHistory } from "../../scheduler/record/queue-history.ts"
 * @import { Snapshot } from "../../scheduler/snapshot.ts"
 * @import { Problem } from "./api.js"
 * @import { Connection } from "./notices.js"
 */
import { now } from "./clock.js";
import { History } from "./history.js";

/** Something comes at least this often while all is well; what is older than that is not known to be so still. */
const BEAT_MS = 4_500;

/** All that the page knows. What is seen of it is drawn anew after each change, and every second. */
export class Model {
  /** Of all pools, in the configuration's order as far as it is known. @type {string[]} */
  names = [];
  /** As last seen. @type {Map<string, Snapshot>} */
  pools = new Map();
  /** Those whose object Sluice does not reach, and when it last did, in ms; `null`: not since the page is open. @type {Map<string, number | null>} */
  unreachable = new Map();
  /** @type {Map<string, History>} */
  histories = new Map();
  /** Of the chosen pool, by id. @type {Map<number, PoolEvent>} */
  events = new Map();
  /** The pool that is looked at; `null`: all of them. @type {string | null} */
  chosen = null;
  /** Have all pools been told once? */
  loaded = false;
  /** @type {Connection} */
  connection = { state: "connecting", lastSeen: null, problem: null };
  /** When each was last told of, by the servers' clock. @type {Map<string, number>} */
  #seenAt = new Map();
  /** Until when what is shown is known to have been so, by this browser's clock. @type {number | null} */
  #knownAt = null;

  get live() {
    return this.connection.state === "live" && !this.unreachable.has(this.chosen ?? "");
  }

  /** The moment that is shown: what is not known to go on does not grow older on the screen. */
  get shownAt() {
    if (this.#knownAt === null) return now();
    const known = this.#knownAt + (this.live ? BEAT_MS : 0);
    return now() - Math.max(0, Date.now() - known);
  }

  /** Sluice answers, and knows of no pool by the chosen name. */
  get unknown() {
    return this.chosen !== null && this.loaded && !this.names.includes(this.chosen);
  }

  /** @param {{ pools: Snapshot[], unreachable: string[] }} all */
  sawAll({ pools, unreachable }) {
    this.loaded = true;
    const names = [...pools.map(({ name }) => name), ...unreachable];
    // Their places among the others are not told.
    const before = unreachable.length > 0 ? this.names.filter((name) => names.includes(name)) : [];
    this.names = [...new Set([...before, ...names])];
    // The chosen one's own stream is ahead of this.
    const followed = (/** @type {string} */ name) => name === this.chosen && this.#seenAt.has(name);
    for (const pool of pools) if (!followed(pool.name)) this.#saw(pool);
    for (const name of unreachable) if (!followed(name)) this.#lostPool(name, this.#seenAt.get(name) ?? null);
    for (const known of [this.pools, this.unreachable, this.#seenAt, this.histories]) {
      for (const name of known.keys()) if (!this.names.includes(name)) known.delete(name);
    }
  }

  /**
   * The chosen pool, by its own stream.
   * @param {Snapshot} pool
   */
  saw(pool) {
    if (!this.names.includes(pool.name)) this.names.push(pool.name);
    this.#saw(pool);
    this.#knownAt = Date.now();
  }

  /**
   * What was before the chosen pool's stream began.
   * @param {QueueHistory} kept
   */
  told(kept) {
    if (this.chosen !== null) this.#history(this.chosen).told(kept, now());
  }

  /**
   * Sluice is there, and the chosen pool's object is not.
   * @param {string} [at] Since when, if Sluice knows it.
   */
  lostChosen(at) {
    if (this.chosen === null) return;
    const since = at === undefined ? (this.#seenAt.get(this.chosen) ?? null) : Date.parse(at);
    this.#lostPool(this.chosen, since);
    const known = since === null ? Number.POSITIVE_INFINITY : since - (now() - Date.now());
    this.#knownAt = Math.min(this.#knownAt ?? Date.now(), known);
  }

  contact() {
    this.connection = { state: "live", lastSeen: Date.now(), problem: null };
    if (this.live) this.#knownAt = Date.now();
  }

  /** @param {Problem} problem */
  lost(problem) {
    // What was shown until now stays.
    if (this.live && this.#knownAt !== null) this.#knownAt = Math.min(Date.now(), this.#knownAt + BEAT_MS);
    this.connection = { state: "lost", lastSeen: this.connection.lastSeen, problem };
  }

  /** Sluice has answered that there is no pool by the chosen name. */
  noSuchPool() {
    this.loaded = true;
    this.names = this.names.filter((name) => name !== this.chosen);
    this.pools.delete(this.chosen ?? "");
    this.contact();
  }

  /** @param {string | null} pool */
  choose(pool) {
    this.chosen = pool;
    this.events = new Map();
    this.connection = { ...this.connection, state: "connecting", problem: null };
  }

  /** A second has passed. */
  tick() {
    const lost = this.connection.state === "lost";
    for (const [name, history] of this.histories) {
      if (this.unreachable.has(name) || (lost && (this.chosen ?? name) === name)) history.lost(now());
      else if (name === this.chosen && this.live && this.shownAt >= now() - 1) history.passed(now());
    }
  }

  /** @param {Snapshot} pool */
  #saw(pool) {
    this.pools.set(pool.name, pool);
    this.unreachable.delete(pool.name);
    this.#seenAt.set(pool.name, now());
    this.#history(pool.name).saw(pool, now());
  }

  /**
   * @param {string} name
   * @param {number | null} since
   */
  #lostPool(name, since) {
    if (!this.unreachable.has(name)) this.unreachable.set(name, since);
  }

  /** @param {string} name */
  #history(name) {
    const history = this.histories.get(name) ?? new History();
    this.histories.set(name, history);
    return history;
  }
}
