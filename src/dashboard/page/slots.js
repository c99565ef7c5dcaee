/**
 * @import { Snapshot } from "../../scheduler/snapshot.ts"
 * @import { Cell } from "./cells.js"
 */
import { CellPlaces } from "./cells.js";
import { byId, keyed, make, setAttributes, setText } from "./dom.js";
import { clockTime, counted } from "./words.js";

/** More than this, and each becomes smaller. */
const MANY = 40;

/** Every slot of one pool as a cell; those that are taken can be freed. */
export class Slots {
  #places = new CellPlaces();
  /** @type {WeakMap<Element, Cell>} */
  #shown = new WeakMap();
  /** The one that Tab leads to. @type {Element | null} */
  #current = null;
  #box = byId("cells");

  /** @param {(cell: Cell) => void} onFree */
  constructor(onFree) {
    this.#box.addEventListener("click", (event) => {
      const target = /** @type {Element} */ (event.target).closest("button");
      const cell = target && this.#shown.get(target);
      if (cell?.lease && target?.getAttribute("aria-disabled") !== "true") onFree(cell);
    });
    this.#box.addEventListener("keydown", (event) => this.#move(event));
    this.#box.addEventListener("focusin", (event) => this.#choose(/** @type {Element} */ (event.target)));
  }

  /**
   * @param {Snapshot} pool
   * @param {boolean} live
   * @param {number} now
   */
  show(pool, live, now) {
    const cells = this.#places.cells(pool, now);
    this.#box.classList.toggle("many", cells.length > MANY);
    keyed(
      this.#box,
      cells,
      ({ key }) => key,
      createCell,
      (button, cell) => {
        this.#shown.set(button, cell);
        const many = cell.server.slots > 1 ? ` ${Number(cell.key.split(" ")[1]) + 1}` : "";
        setText(/** @type {Node} */ (button.firstChild), cell.server.name + many);
        setText(/** @type {Node} */ (button.lastChild), cell.words);
        setAttributes(button, {
          "data-kind": cell.kind,
          "aria-disabled": cell.lease && live ? null : "true",
          title: titleOf(cell, live, now),
        });
      },
    );
    if (!this.#current?.isConnected) this.#choose(this.#box.firstElementChild);
    const idle = cells.filter((cell) => cell.kind === "idle").length;
    const help = "A taken slot can be freed by hand; arrow keys move from one to the next.";
    setText(byId("slots-note"), `${counted(cells.length, "slot")}, ${idle} idle. ${help}`);
  }

  /** @param {KeyboardEvent} event */
  #move(event) {
    const cells = [...this.#box.children];
    const index = cells.indexOf(/** @type {Element} */ (event.target));
    const last = cells.length - 1;
    /** @type {Record<string, number>} */
    const targets = {
      ArrowRight: index + 1,
      ArrowDown: index + 1,
      ArrowLeft: index - 1,
      ArrowUp: index - 1,
      Home: 0,
      End: last,
    };
    const target = targets[event.key];
    if (target === undefined) return;
    event.preventDefault();
    /** @type {HTMLElement | undefined} */ (cells[Math.min(last, Math.max(0, target))])?.focus();
  }

  /** @param {Element | null} cell */
  #choose(cell) {
    if (cell === this.#current) return;
    this.#current?.setAttribute("tabindex", "-1");
    cell?.setAttribute("tabindex", "0");
    this.#current = cell;
  }
}

/**
 * @param {Cell} cell
 * @param {boolean} live
 * @param {number} now
 */
function titleOf({ lease }, live, now) {
  if (!lease) return null;
  const opens = lease.until ? `Opens at ${clockTime(lease.until, now)} at the latest. ` : "";
  return `${opens}${live ? "Free this slot…" : ""}` || null;
}

function createCell() {
  const cell = make("button", "cell", make("span", "who"), " ", make("span", "what"));
  cell.type = "button";
  cell.tabIndex = -1;
  return cell;
}
