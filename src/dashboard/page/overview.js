/**
 * @import { Snapshot } from "../../scheduler/snapshot.ts"
 * @import { History } from "./history.js"
 */
import { adviceFor } from "./advice.js";
import { byId, keyed, make, setAttributes, setText } from "./dom.js";
import { figuresOf, showFigures } from "./figures.js";
import { clockTime, POOL_STATES } from "./words.js";

/**
 * A configured pool, as it is shown among the others: as it was seen last, if it was.
 * @typedef {object} Known
 * @property {string} name
 * @property {Snapshot | undefined} pool
 * @property {number | null | undefined} lostAt Its object is not reached since then; `undefined`: it is.
 */

/** @param {string} pool */
const linkTo = (pool) => `#/${encodeURIComponent(pool)}`;

/**
 * The pools' names at the top, wherever one is.
 * @param {Known[]} pools
 * @param {string | null} chosen
 */
export function showLinks(pools, chosen) {
  const create = (/** @type {Known} */ { name }) => {
    const link = make("a", "", name, make("span"));
    link.href = linkTo(name);
    return make("li", "", link);
  };
  keyed(
    byId("pool-links"),
    pools,
    ({ name }) => name,
    create,
    (item, { name, pool, lostAt }) => {
      const link = /** @type {HTMLElement} */ (item.firstElementChild);
      const state = lostAt === undefined ? (pool?.state ?? "running") : "not reached";
      setAttributes(link, { "aria-current": name === chosen ? "page" : null, "data-state": state });
      setText(/** @type {Node} */ (link.lastElementChild), state === "running" ? "" : ` ${state}`);
    },
  );
}

/**
 * @param {Known[]} pools
 * @param {boolean} loaded
 * @param {Map<string, History>} histories
 * @param {number} now
 */
export function showOverview(pools, loaded, histories, now) {
  byId("no-pools").hidden = !loaded || pools.length > 0;
  keyed(
    byId("cards"),
    pools,
    ({ name }) => name,
    createCard,
    (item, known) => {
      const card = /** @type {HTMLElement} */ (item.firstElementChild);
      const [name, state, numbers, advice] =
        /** @type {[HTMLElement, HTMLElement, HTMLElement, HTMLElement]} */ (
          /** @type {unknown} */ ([...card.children])
        );
      const { pool, lostAt } = known;
      setText(name, known.name);
      const lost = lostAt !== undefined || !pool;
      setText(state, lost ? "Not reached" : POOL_STATES[pool.state]);
      setAttributes(state, { "data-state": lost ? "lost" : pool.state });
      showFigures(numbers, pool ? figuresOf(pool) : []);
      setAttributes(card, { "data-stale": lost ? "" : null });
      const gravest = lost
        ? notReached(lostAt ?? null, now)
        : adviceFor(pool, now, histories.get(pool.name))[0];
      setText(advice, gravest?.text ?? "Nothing to do.");
      setAttributes(advice, { "data-weight": gravest?.weight ?? "good" });
    },
  );
}

/**
 * @param {number | null} lostAt
 * @param {number} now
 */
function notReached(lostAt, now) {
  const since = lostAt === null ? "" : ` since ${clockTime(lostAt, now)}; the figures are from then`;
  return { weight: "bad", text: `Its Durable Object cannot be reached${since}.` };
}

/** @param {Known} pool */
function createCard({ name }) {
  const card = make("a", "card", make("h2"), make("p", "state"), make("dl", "figures"), make("p", "advice"));
  card.href = linkTo(name);
  return make("li", "", card);
}
