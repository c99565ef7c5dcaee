/** @import { ServerSnapshot, Snapshot } from "../../scheduler/snapshot.ts" */
import { byId, keyed, make, setAttributes, setText } from "./dom.js";
import { SERVER_STATES, serves, whole } from "./words.js";

/** The servers of a pool: will of the operator, health, and since when. */
export class Servers {
  #list = byId("servers");
  #only = /** @type {HTMLInputElement} */ (byId("only-troubled"));
  /** @type {WeakMap<Element, ServerSnapshot>} */
  #shown = new WeakMap();

  /**
   * @param {(server: ServerSnapshot) => void} onChange
   * @param {() => void} onFilter
   */
  constructor(onChange, onFilter) {
    this.#only.addEventListener("change", onFilter);
    this.#list.addEventListener("click", (event) => {
      const button = /** @type {Element} */ (event.target).closest("button");
      const server = button && this.#shown.get(/** @type {Element} */ (button.parentElement));
      if (server && button.getAttribute("aria-disabled") !== "true") onChange(server);
    });
  }

  /**
   * @param {Snapshot} pool
   * @param {boolean} live
   * @param {number} now
   */
  show(pool, live, now) {
    const shown = this.#only.checked ? pool.servers.filter(troubled) : pool.servers;
    byId("no-servers").hidden = shown.length > 0;
    keyed(
      this.#list,
      shown,
      ({ name }) => name,
      createRow,
      (row, server) => {
        this.#shown.set(row, server);
        const [name, state, health, load, button] = [...row.children];
        setText(/** @type {Node} */ (name?.lastChild), ` ${server.url}`);
        setText(/** @type {Node} */ (state), stateWords(server, now));
        setAttributes(/** @type {Element} */ (state), {
          "data-mark": server.state === "ready" ? "good" : "warn",
        });
        setText(/** @type {Node} */ (health), healthWords(server, now));
        setAttributes(/** @type {Element} */ (health), { "data-mark": HEALTH_MARKS[server.health] });
        setText(/** @type {Node} */ (load), loadWords(server));
        setAttributes(/** @type {Element} */ (button), { "aria-disabled": live ? null : "true" });
      },
    );
  }
}

const HEALTH_MARKS = { up: "good", down: "bad", unchecked: "plain" };

/** @param {ServerSnapshot} server */
function createRow({ name }) {
  const button = make("button", "act", "Change…");
  button.setAttribute("aria-label", `Change… ${name}`);
  button.type = "button";
  return make(
    "li",
    "server",
    make("p", "name", make("b", "", name), make("span", "note")),
    make("p", "mark"),
    make("p", "mark"),
    make("p", "load"),
    button,
  );
}

/** @param {ServerSnapshot} server */
function troubled(server) {
  return !serves(server) || server.quarantined > 0;
}

/**
 * @param {ServerSnapshot} server
 * @param {number} now
 */
function stateWords({ state, stateSince }, now) {
  return SERVER_STATES[state] + since(stateSince, now);
}

/**
 * @param {ServerSnapshot} server
 * @param {number} now
 */
function healthWords({ health, healthSince, lastCheck }, now) {
  const last = health === "down" && lastCheck ? `, last check ${ago(lastCheck.at, now)}` : "";
  return health + since(healthSince, now) + last;
}

/** @param {ServerSnapshot} server */
function loadWords({ inFlight, slots, quarantined, weight, backup }) {
  const said = [`${inFlight} of ${slots} in flight`];
  if (quarantined > 0) said.push(`${quarantined} quarantined`);
  if (weight !== 1) said.push(`weight ${weight}`);
  if (backup) said.push("backup");
  return said.join(", ");
}

/**
 * @param {string | null} instant
 * @param {number} now
 */
function since(instant, now) {
  return instant === null ? "" : ` for ${whole(now - Date.parse(instant))}`;
}

/**
 * @param {string} instant
 * @param {number} now
 */
function ago(instant, now) {
  return `${whole(now - Date.parse(instant))} ago`;
}
