import type { Snapshot } from "../../scheduler/snapshot.ts";
import { wholeSeconds } from "../../words/times.ts";
import { resumeAct, setServerAct } from "./acts.ts";
import { Audit } from "./audit.ts";
import { aged } from "./capacity.ts";
import { now } from "./clock.ts";
import { drawConnection } from "./connection.ts";
import { Curves } from "./curves.ts";
import { Deferred } from "./deferred.ts";
import { Dialog, type Question } from "./dialog.ts";
import { byId, setText } from "./dom.ts";
import { drainQuestion, endQuestion, extendQuestion } from "./drain-questions.ts";
import { drawEvents } from "./events.ts";
import { Flows } from "./flows.ts";
import { Hold } from "./hold.ts";
import type { Model } from "./model.ts";
import { announce, drawNotice } from "./notices.ts";
import { offersOn } from "./offers.ts";
import { outlookOf, outlookOnLoss } from "./outlook.ts";
import { drawLinks, drawOverview, type PoolEntry } from "./overview.ts";
import { Performer } from "./perform.ts";
import { drawPoolMenu } from "./pool-menu.ts";
import { Ranking } from "./ranking.ts";
import { freeQuestion, serverQuestion } from "./server-questions.ts";
import { Servers } from "./servers.ts";
import { drawShards } from "./shards.ts";
import { Slots } from "./slots.ts";
import { cutQuestion, stopQuestion } from "./stop-questions.ts";
import { drawAdvice, drawSummary } from "./summary.ts";
import { titleOf } from "./title.ts";

/** Draws the model, and starts the acts of the operator. */
export class View {
  readonly #model: Model;
  readonly #slots: Slots;
  readonly #servers: Servers;
  readonly #flows: Flows;
  readonly #deferred: Deferred;
  readonly #audit: Audit;
  readonly #ranking = new Ranking();
  readonly #performer: Performer;
  readonly #dialog: Dialog;
  /** The parts below the advice in which something can be pressed. */
  readonly #holds: Hold[];
  #curves: Curves | null = null;

  /** `onForbidden`: called when an act was refused for want of a right. */
  constructor(model: Model, onForbidden: () => void) {
    this.#model = model;
    this.#performer = new Performer(model, {
      redraw: () => this.draw(),
      announce,
      onForbidden,
      onDone: () => this.#audit.acted(),
    });
    this.#dialog = new Dialog(this.#performer);
    this.#holds = ["cells", "servers", "deferred"].map((id) => new Hold(byId(id), () => this.draw()));
    const onPool = (act: (pool: Snapshot) => void) => {
      const pool = model.pools.get(model.chosen ?? "");
      if (pool && model.isLive) act(pool);
    };
    const ask = (question: (pool: Snapshot) => Question) =>
      onPool((pool) => this.#dialog.ask(question(pool), pool));
    this.#audit = new Audit(() => this.draw());
    this.#slots = new Slots(({ server, lease }) => {
      if (lease) ask(({ name }) => freeQuestion(name, server, lease));
    });
    this.#servers = new Servers(
      {
        change: (server) => ask((pool) => serverQuestion(pool, server, offersOn(pool, model.me))),
        restore: (server) =>
          onPool(({ name }) => this.#performer.performAtOnce(setServerAct(name, server, "ready"))),
      },
      () => this.draw(),
    );
    this.#flows = new Flows(() => this.draw());
    this.#deferred = new Deferred(
      (question) => ask(() => question),
      () => this.draw(),
    );
    const askOfDrain = (question: (pool: Snapshot, drain: NonNullable<Snapshot["drain"]>) => Question) =>
      onPool((pool) => pool.drain && this.#dialog.ask(question(pool, pool.drain), pool));
    for (const [id, question] of Object.entries({ "act-drain": drainQuestion, "act-stop": stopQuestion }))
      byId(id).addEventListener("click", () =>
        ask((pool) => question(pool, this.#operator, offersOn(pool, model.me).slots)),
      );
    byId("act-extend").addEventListener("click", () => askOfDrain(extendQuestion));
    byId("act-cut").addEventListener("click", () => askOfDrain(cutQuestion));
    byId("act-resume").addEventListener("click", () => onPool((pool) => this.#resume(pool)));
    byId("outcome-seen").addEventListener("click", () => {
      model.notices.remove(model.chosen ?? "");
      this.draw();
    });
  }

  get #operator(): string {
    return this.#model.me?.name ?? "";
  }

  #mayCut(pool: string): boolean {
    const rights = this.#model.me?.pools[pool] ?? [];
    return rights.includes("drain") && rights.includes("slots");
  }

  #resume(pool: Snapshot): void {
    const { resume } = offersOn(pool, this.#model.me);
    if (resume === "at once") this.#performer.performAtOnce(resumeAct(pool.name));
    else if (resume === "by force" && pool.drain)
      this.#dialog.ask(endQuestion(pool, this.#operator, pool.drain), pool);
  }

  draw(): void {
    const { names, pools, chosen, connection, isLoaded, asOf } = this.#model;
    const pool = chosen === null ? undefined : pools.get(chosen);
    const all = names.map((name) => this.#entryOf(name));
    drawConnection(connection, this.#trouble());
    setText(byId("who"), this.#operator && `Signed in as ${this.#operator}`);
    drawNotice(pool ? this.#model.notices.wordsOn(pool) : "");
    drawLinks(all, chosen);
    drawPoolMenu(names.length);
    byId("overview").hidden = chosen !== null;
    byId("pool").hidden = !pool;
    byId("absent").hidden = chosen === null || pool !== undefined;
    document.title = titleOf(all, chosen, connection.state !== "lost");
    const entry = all.find(({ name }) => name === chosen);
    if (pool && entry) this.#drawPool(pool, entry);
    else if (chosen === null) drawOverview(this.#ranking.order(all, asOf), isLoaded);
    else this.#drawAbsent(chosen);
    this.#dialog.draw(pools.get(this.#dialog.pool ?? ""));
  }

  #entryOf(name: string): PoolEntry {
    const { pools, unreachable, histories, events, chosen, asOf } = this.#model;
    const [pool, lostAt] = [pools.get(name), unreachable.get(name)];
    const known = name === chosen ? events.values() : [];
    const isLost = lostAt !== undefined || !pool;
    return {
      name,
      pool,
      isLost,
      isFresh: this.#model.isFresh(name),
      ...(isLost
        ? outlookOnLoss(lostAt ?? null, asOf)
        : outlookOf(pool, this.#operator, asOf, histories.get(name), known, this.#mayCut(name))),
    };
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

  #drawPool(pool: Snapshot, { condition, advice, isFresh }: PoolEntry): void {
    const { isLive, histories, events, asOf } = this.#model;
    const history = histories.get(pool.name);
    const offers = offersOn(pool, this.#model.me);
    drawSummary(aged(pool, this.#model.ageOf(pool.name)), condition, offers, isLive, asOf);
    const isHeld = this.#holds.some((hold) => hold.isOn);
    drawAdvice(advice, isFresh, isHeld);
    this.#slots.draw(pool, offers.slots, isLive, asOf);
    this.#servers.draw(pool, offers, isLive, asOf);
    drawEvents(events, asOf);
    drawShards(pool);
    this.#flows.draw(pool);
    this.#deferred.draw(pool, offers.deferred, isLive, asOf);
    this.#audit.draw(pool.name, events, isLive, asOf);
    setText(byId("wait-title"), pool.deferred ? "Oldest wait of those not stored" : "Oldest wait");
    // Not before it is visible: a hidden element has no width.
    this.#curves ??= new Curves();
    if (history) this.#curves.draw(history, now());
  }
}
