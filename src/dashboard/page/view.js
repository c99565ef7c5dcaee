/**
 * @import { Snapshot } from "../../scheduler/snapshot.ts"
 * @import { Model } from "./model.js"
 */
import { changeServer, drain, extend, freeSlot, resume } from "./acts.js";
import { adviceFor } from "./advice.js";
import { now } from "./clock.js";
import { Curves } from "./curves.js";
import { byId } from "./dom.js";
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
    const { pools, chosen, connection, loaded, histories, shownAt } = this.#model;
    const pool = chosen === null ? undefined : pools.get(chosen);
    showConnection(connection, this.#trouble());
    showLinks([...pools.values()], chosen);
    byId("overview").hidden = chosen !== null || !loaded;
    byId("pool").hidden = !pool;
    const title = pool ? `${pool.name}: ${POOL_STATES[pool.state].toLowerCase()} – Sluice` : "Sluice";
    document.title = connection.state === "lost" ? `(not connected) ${title}` : title;
    if (pool) this.#drawPool(pool);
    else if (chosen === null) showOverview([...pools.values()], histories, shownAt);
  }

  /** What stands between this page and what is going on, though Sluice answers. */
  #trouble() {
    const { pools, chosen, loaded, unreachableSince } = this.#model;
    if (chosen !== null && loaded && !pools.has(chosen)) return `No pool “${chosen}” is configured.`;
    if (unreachableSince === null) return null;
    const time = whole(now() - Date.parse(unreachableSince));
    return `Sluice answers, but the object of this pool does not, for ${time}; what you see is from before.`;
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
