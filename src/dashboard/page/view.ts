import type { Snapshot } from "../../scheduler/snapshot.ts";
import { POOL_STATES } from "../../words/phrases.ts";
import { wholeSeconds } from "../../words/times.ts";
import { changeServer, drain, extend, freeSlot, resume } from "./acts.ts";
import { adviceFor } from "./advice.ts";
import { now } from "./clock.ts";
import { Curves } from "./curves.ts";
import { Deferred } from "./deferred.ts";
import { byId, setText } from "./dom.ts";
import { drawEvents } from "./events.ts";
import type { Model } from "./model.ts";
import { drawConnection } from "./notices.ts";
import { drawLinks, drawOverview } from "./overview.ts";
import { drawPoolMenu } from "./pool-menu.ts";
import { Servers } from "./servers.ts";
import { Slots } from "./slots.ts";
import { drawAdvice, drawSummary } from "./summary.ts";

/** Draws the model, and starts the acts of the operator. */
export class View {
  readonly #model: Model;
  readonly #slots: Slots;
  readonly #servers: Servers;
  readonly #deferred: Deferred;
  #curves: Curves | null = null;

  constructor(model: Model) {
    this.#model = model;
    this.#slots = new Slots(({ server, lease }) => {
      if (lease && model.chosen !== null) freeSlot(model.chosen, server, lease);
    });
    this.#servers = new Servers(
      (server) => {
        if (model.chosen !== null) changeServer(model.chosen, server);
      },
      () => this.draw(),
    );
    this.#deferred = new Deferred(() => this.draw());
    for (const [id, act] of [
      ["act-drain", drain],
      ["act-extend", extend],
      ["act-resume", resume],
    ] as const) {
      byId(id).addEventListener("click", () => {
        const pool = model.pools.get(model.chosen ?? "");
        if (pool && model.isLive) act(pool);
      });
    }
  }

  draw(): void {
    const { names, pools, unreachable, chosen, connection, isLoaded, histories, asOf } = this.#model;
    const pool = chosen === null ? undefined : pools.get(chosen);
    const all = names.map((name) => ({ name, pool: pools.get(name), lostAt: unreachable.get(name) }));
    drawConnection(connection, this.#trouble());
    drawLinks(all, chosen);
    drawPoolMenu(names.length);
    byId("overview").hidden = chosen !== null;
    byId("pool").hidden = !pool;
    byId("absent").hidden = chosen === null || pool !== undefined;
    document.title = connection.state === "lost" ? `(not connected) ${titleOf(pool)}` : titleOf(pool);
    if (pool) this.#drawPool(pool);
    else if (chosen === null) drawOverview(all, isLoaded, histories, asOf);
    else this.#drawAbsent(chosen);
  }

  /** Why the chosen pool is not reached although Sluice answers; `null`: it is reached. */
  #trouble(): string | null {
    const { chosen, unreachable } = this.#model;
    const lostAt = unreachable.get(chosen ?? "");
    if (lostAt === undefined) return null;
    const time = lostAt === null ? "" : `, for ${wholeSeconds(now() - lostAt)}; what you see is from before`;
    return `Sluice answers, but the Durable Object of this pool does not${time}. Trying again…`;
  }

  /** A pool without a snapshot. */
  #drawAbsent(name: string): void {
    const { isUnknown, connection } = this.#model;
    setText(byId("absent-title"), isUnknown ? "No such pool" : name);
    const words = connection.state === "connecting" ? "Connecting…" : "Nothing is known of it yet.";
    setText(byId("absent-words"), isUnknown ? `No pool “${name}” is configured.` : words);
  }

  #drawPool(pool: Snapshot): void {
    const { isLive, histories, events, asOf } = this.#model;
    const history = histories.get(pool.name);
    drawSummary(pool, isLive, asOf);
    drawAdvice(adviceFor(pool, asOf, history, [...events.values()]));
    this.#slots.draw(pool, isLive, asOf);
    this.#servers.draw(pool, isLive, asOf);
    drawEvents(events, asOf);
    this.#deferred.draw(pool, isLive, asOf);
    setText(byId("wait-title"), pool.deferred ? "Oldest wait of those not stored" : "Oldest wait");
    // Not before it is visible: a hidden element has no width.
    this.#curves ??= new Curves();
    if (history) this.#curves.draw(history, now());
  }
}

function titleOf(pool: Snapshot | undefined): string {
  return pool ? `${pool.name}: ${POOL_STATES[pool.state].toLowerCase()} – Sluice` : "Sluice";
}
