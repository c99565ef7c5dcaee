/**
 * @import { Snapshot } from "../../scheduler/snapshot.ts"
 * @import { Model } from "./model.js"
 */
import { changeServer, drain, extend, freeSlot, resume } from "./acts.js";
import { adviceFor } from "./advice.js";
import { now } from "./clock.js";
import { Curves } from "./curves.js";
import { byId, setText } from "./dom.js";
import { showEvents } from "./event-list.js";
import { showConnection } from "./notices.js";
import { showLinks, showOverview } from "./overview.js";
import { Servers } from "./servers.js";
import { Slots } from "./slots.js";
import { showAdvice, showSummary } from "./summary.js";
import { POOL_STATES, whole } from "./words.js";

/** Draws what the model knows, and asks for what the operator wants. */
export class View {
  #model;
  #slots;
  #servers;
  /** @type {Curves | null} */
  #curves = null;

  /** @param {Model} model */
  constructor(model) {
    this.#model = model;
    this.#slots = new Slots(({ server, lease }) => {
      if (lease && model.chosen !== null) freeSlot(model.chosen, server, lease);
    });
    this.#servers = new Servers(
      (server) => model.chosen !== null && changeServer(model.chosen, server),
      () => this.draw(),
    );
    for (const [id, act] of /** @type {const} */ ([
      ["act-drain", drain],
      ["act-extend", extend],
      ["act-resume", resume],
    ])) {
      byId(id).addEventListener("click", () => {
        const pool = model.pools.get(model.chosen ?? "");
        if (pool && model.live) act(pool);
      });
    }
  }

  draw() {
    const { names, pools, unreachable, chosen, connection, loaded, histories, shownAt } = this.#model;
    const pool = chosen === null ? undefined : pools.get(chosen);
    const all = names.map((name) => ({ name, pool: pools.get(name), lostAt: unreachable.get(name) }));
    showConnection(connection, this.#trouble());
    showLinks(all, chosen);
    byId("overview").hidden = chosen !== null;
    byId("pool").hidden = !pool;
    byId("absent").hidden = chosen === null || pool !== undefined;
    document.title = connection.state === "lost" ? `(not connected) ${this.#title(pool)}` : this.#title(pool);
    if (pool) this.#drawPool(pool);
    else if (chosen === null) showOverview(all, loaded, histories, shownAt);
    else this.#drawAbsent(chosen);
  }

  /** @param {Snapshot | undefined} pool */
  #title(pool) {
    return pool ? `${pool.name}: ${POOL_STATES[pool.state].toLowerCase()} – Sluice` : "Sluice";
  }

  /** What stands between this page and what is going on in the chosen pool, though Sluice answers. */
  #trouble() {
    const { chosen, unreachable } = this.#model;
    const lostAt = unreachable.get(chosen ?? "");
    if (lostAt === undefined) return null;
    const time = lostAt === null ? "" : `, for ${whole(now() - lostAt)}; what you see is from before`;
    return `Sluice answers, but the Durable Object of this pool does not${time}. Trying again…`;
  }

  /**
   * A pool of which nothing is known but its name.
   * @param {string} name
   */
  #drawAbsent(name) {
    const { unknown, connection } = this.#model;
    setText(byId("absent-title"), unknown ? "No such pool" : name);
    const waiting = connection.state === "connecting" ? "Connecting…" : "Nothing is known of it yet.";
    setText(byId("absent-words"), unknown ? `No pool “${name}” is configured.` : waiting);
  }

  /** @param {Snapshot} pool */
  #drawPool(pool) {
    const { live, histories, events, shownAt } = this.#model;
    const history = histories.get(pool.name);
    showSummary(pool, live, shownAt);
    showAdvice(adviceFor(pool, shownAt, history, [...events.values()]));
    this.#slots.show(pool, live, shownAt);
    this.#servers.show(pool, live, shownAt);
    showEvents(events, shownAt);
    // Made when it is seen: hidden, it would have no width.
    this.#curves ??= new Curves();
    if (history) this.#curves.show(history, now());
  }
}
