/**
 * @import { PoolEvent } from "../../scheduler/events.ts"
 * @import { Snapshot } from "../../scheduler/snapshot.ts"
 * @import { Problem } from "./api.js"
 * @import { Connection } from "./notices.js"
 */
import { now } from "./clock.js";
import { History } from "./history.js";

/** All that the page knows. What is seen of it is drawn anew after each change, and every second. */
export class Model {
  /** As last seen, in the configuration's order. @type {Map<string, Snapshot>} */
  pools = new Map();
  /** @type {Map<string, History>} */
  histories = new Map();
  /** Of the chosen pool, by id. @type {Map<number, PoolEvent>} */
  events = new Map();
  /** The pool that is looked at; `null`: all of them. @type {string | null} */
  chosen = null;
  /** Since when Sluice is there and the chosen pool's object is not. @type {string | null} */
  unreachableSince = null;
  /** Have all pools been told once? */
  loaded = false;
  /** @type {Connection} */
  connection = { state: "connecting", lastSeen: null, problem: null };

  get live() {
    return this.connection.state === "live" && this.unreachableSince === null;
  }

  /** The moment that is shown: what was seen last does not grow older on the screen. */
  get shownAt() {
    const { lastSeen, state } = this.connection;
    return state === "lost" && lastSeen !== null ? now() - (Date.now() - lastSeen) : now();
  }

  /** @param {Snapshot[]} pools */
  sawAll(pools) {
    this.loaded = true;
    const known = this.pools;
    // The chosen one's own stream is ahead of this.
    const latest = (/** @type {Snapshot} */ pool) =>
      pool.name === this.chosen ? (known.get(pool.name) ?? pool) : pool;
    this.pools = new Map(pools.map((pool) => [pool.name, latest(pool)]));
    for (const pool of pools) if (pool.name !== this.chosen) this.#history(pool.name).saw(pool, now());
  }

  /** @param {Snapshot} pool */
  saw(pool) {
    this.pools.set(pool.name, pool);
    this.#history(pool.name).saw(pool, now());
    this.unreachableSince = null;
  }

  contact() {
    this.connection = { state: "live", lastSeen: Date.now(), problem: null };
  }

  /** @param {Problem} problem */
  lost(problem) {
    this.connection = { state: "lost", lastSeen: this.connection.lastSeen, problem };
  }

  /** @param {string | null} pool */
  choose(pool) {
    this.chosen = pool;
    this.events = new Map();
    this.unreachableSince = null;
    this.connection = { ...this.connection, state: "connecting", problem: null };
  }

  /** A second has passed. */
  tick() {
    for (const [name, history] of this.histories) {
      if (!this.live) history.lost(now());
      else if (name === this.chosen) history.passed(now());
    }
  }

  /** @param {string} name */
  #history(name) {
    const history = this.histories.get(name) ?? new History();
    this.histories.set(name, history);
    return history;
  }
}
