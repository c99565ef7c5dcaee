import type { Snapshot } from "../../scheduler/snapshot.ts";
import { inSentence } from "../../words/phrases.ts";
import { byId, keyed, make, setAttributes, setText } from "./dom.ts";
import { drawFigures, figuresOf } from "./figures.ts";
import type { Outlook } from "./outlook.ts";
import { setSteadyText } from "./steady.ts";

/** A configured pool among the others. */
export interface PoolEntry extends Outlook {
  name: string;
  /** Its latest snapshot. */
  pool: Snapshot | undefined;
  /** True if its object is not reached. */
  isLost: boolean;
  /** True if the latest snapshot is of now. */
  isFresh: boolean;
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
    (item, { name, condition: { gravity, words } }) => {
      const link = item.firstElementChild;
      setAttributes(link, { "aria-current": name === chosen ? "page" : null, "data-gravity": gravity });
      setText(link?.lastChild, gravity === "good" ? "" : ` ${inSentence(words)}`);
    },
  );
}

/** A card for each pool, in this order. `isLoaded`: the list of pools has come. */
export function drawOverview(pools: readonly PoolEntry[], isLoaded: boolean): void {
  byId("no-pools").hidden = !isLoaded || pools.length > 0;
  keyed(
    byId("cards"),
    pools,
    ({ name }) => name,
    ({ name }) => createCard(name),
    (item, entry) => drawCard(item.firstElementChild as Element, entry),
  );
}

function createCard(name: string): HTMLLIElement {
  const card = make("a", "card", make("h2"), make("p", "state"), make("dl", "figures"), make("p", "advice"));
  card.href = linkTo(name);
  return make("li", "", card);
}

function drawCard(card: Element, entry: PoolEntry): void {
  const { name, pool, isLost, isFresh, condition, advice } = entry;
  const [title, state, numbers, gravest] = card.children;
  setText(title, name);
  setText(state, condition.words);
  setAttributes(state, {
    "data-state": isLost ? "lost" : (pool?.state ?? null),
    "data-gravity": condition.gravity,
  });
  drawFigures(numbers as Element, pool ? figuresOf(pool) : []);
  setAttributes(card, { "data-stale": isLost ? "" : null });
  // Of a pool that was well when it was last seen, nobody knows whether there is something to do by now.
  const nothing = isFresh
    ? { text: "Nothing to do.", weight: "good" }
    : { text: "Not known at the moment.", weight: "plain" };
  const { text, weight } = advice[0] ?? nothing;
  setSteadyText(gravest, text);
  setAttributes(gravest, { "data-weight": weight });
}
