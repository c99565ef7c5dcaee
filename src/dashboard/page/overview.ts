import type { Snapshot } from "../../scheduler/snapshot.ts";
import { POOL_STATES } from "../../words/phrases.ts";
import { clockInWords } from "../../words/times.ts";
import { adviceFor } from "./advice.ts";
import { byId, keyed, make, setAttributes, setText } from "./dom.ts";
import { drawFigures, figuresOf } from "./figures.ts";
import type { History } from "./history.ts";
import { setSteadyText } from "./steady.ts";

/** A configured pool among the others. */
export interface PoolEntry {
  name: string;
  /** Its latest snapshot. */
  pool: Snapshot | undefined;
  /** Since when its object is not reached, in ms; `null`: since the page was opened; `undefined`: it is reached. */
  lostAt: number | null | undefined;
}

const linkTo = (pool: string) => `#/${encodeURIComponent(pool)}`;

/** The links to all pools, at the top of every view. */
export function drawLinks(pools: readonly PoolEntry[], chosen: string | null): void {
  keyed(
    byId("pool-links"),
    pools,
    ({ name }) => name,
    ({ name }) => {
      const link = make("a", "", name, make("span"));
      link.href = linkTo(name);
      return make("li", "", link);
    },
    (item, { name, pool, lostAt }) => {
      const link = item.firstElementChild;
      const state = lostAt === undefined ? (pool?.state ?? "running") : "not reached";
      setAttributes(link, { "aria-current": name === chosen ? "page" : null, "data-state": state });
      setText(link?.lastChild, state === "running" ? "" : ` ${state}`);
    },
  );
}

/** A card for each pool. `isLoaded`: the list of pools has come. */
export function drawOverview(
  pools: readonly PoolEntry[],
  isLoaded: boolean,
  histories: ReadonlyMap<string, History>,
  now: number,
): void {
  byId("no-pools").hidden = !isLoaded || pools.length > 0;
  keyed(
    byId("cards"),
    pools,
    ({ name }) => name,
    ({ name }) => createCard(name),
    (item, entry) => drawCard(item.firstElementChild as Element, entry, histories.get(entry.name), now),
  );
}

function createCard(name: string): HTMLLIElement {
  const card = make("a", "card", make("h2"), make("p", "state"), make("dl", "figures"), make("p", "advice"));
  card.href = linkTo(name);
  return make("li", "", card);
}

function drawCard(
  card: Element,
  { name, pool, lostAt }: PoolEntry,
  history: History | undefined,
  now: number,
): void {
  const [title, state, numbers, advice] = card.children;
  const isLost = lostAt !== undefined || !pool;
  setText(title, name);
  setText(state, isLost ? "Not reached" : POOL_STATES[pool.state]);
  setAttributes(state, { "data-state": isLost ? "lost" : pool.state });
  drawFigures(numbers as Element, pool ? figuresOf(pool) : []);
  setAttributes(card, { "data-stale": isLost ? "" : null });
  const gravest = isLost ? notReached(lostAt ?? null, now) : adviceFor(pool, now, history)[0];
  setSteadyText(advice, gravest?.text ?? "Nothing to do.");
  setAttributes(advice, { "data-weight": gravest?.weight ?? "good" });
}

function notReached(lostAt: number | null, now: number) {
  const since = lostAt === null ? "" : ` since ${clockInWords(lostAt, now)}; the figures are from then`;
  return { weight: "bad", text: `Its Durable Object cannot be reached${since}.` };
}
