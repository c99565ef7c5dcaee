/**
 * @import { Snapshot } from "../../scheduler/snapshot.ts"
 * @import { History } from "./history.js"
 */
import { adviceFor } from "./advice.js";
import { byId, keyed, make, setAttributes, setText } from "./dom.js";
import { figuresOf, showFigures } from "./figures.js";
import { POOL_STATES } from "./words.js";

/** @param {string} pool */
export const linkTo = (pool) => `#/${encodeURIComponent(pool)}`;

/**
 * The pools' names at the top, wherever one is.
 * @param {Snapshot[]} pools
 * @param {string | null} chosen
 */
export function showLinks(pools, chosen) {
  const create = (/** @type {Snapshot} */ { name }) => {
    const link = make("a", "", name, make("span"));
    link.href = linkTo(name);
    return make("li", "", link);
  };
  keyed(
    byId("pool-links"),
    pools,
    ({ name }) => name,
    create,
    (item, { name, state }) => {
      const link = /** @type {HTMLElement} */ (item.firstElementChild);
      setAttributes(link, { "aria-current": name === chosen ? "page" : null, "data-state": state });
      setText(/** @type {Node} */ (link.lastElementChild), state === "running" ? "" : ` ${state}`);
    },
  );
}

/**
 * @param {Snapshot[]} pools
 * @param {Map<string, History>} histories
 * @param {number} now
 */
export function showOverview(pools, histories, now) {
  byId("no-pools").hidden = pools.length > 0;
  keyed(
    byId("cards"),
    pools,
    ({ name }) => name,
    createCard,
    (item, pool) => {
      const card = /** @type {HTMLElement} */ (item.firstElementChild);
      const [name, state, numbers, advice] =
        /** @type {[HTMLElement, HTMLElement, HTMLElement, HTMLElement]} */ (
          /** @type {unknown} */ ([...card.children])
        );
      setText(name, pool.name);
      setText(state, POOL_STATES[pool.state]);
      setAttributes(state, { "data-state": pool.state });
      showFigures(numbers, figuresOf(pool));
      const [gravest] = adviceFor(pool, now, histories.get(pool.name));
      setText(advice, gravest?.text ?? "Nothing to do.");
      setAttributes(advice, { "data-weight": gravest?.weight ?? "good" });
    },
  );
}

/** @param {Snapshot} pool */
function createCard({ name }) {
  const card = make("a", "card", make("h2"), make("p", "state"), make("dl", "figures"), make("p", "advice"));
  card.href = linkTo(name);
  return make("li", "", card);
}
