import type { Snapshot } from "../../scheduler/snapshot.ts";
import { counted } from "../../words/phrases.ts";
import { clockInWords } from "../../words/times.ts";
import { type Cell, Cells } from "./cells.ts";
import { byId, keyed, make, setAttributes, setText } from "./dom.ts";

/** With more cells than this, each is drawn smaller. */
const MANY = 40;

/**
 * Every slot of one pool as a cell. Who may free slots has buttons, between which the arrow keys move the focus: a slot
 * with a lease can be freed.
 */
export class Slots {
  readonly #cells = new Cells();
  readonly #cellOf = new WeakMap<Element, Cell>();
  readonly #box = byId("cells");
  /** The cell that the Tab key focuses. */
  #current: Element | null = null;

  constructor(onFree: (cell: Cell) => void) {
    this.#box.addEventListener("click", (event) => {
      const target = (event.target as Element).closest("button");
      const cell = target && this.#cellOf.get(target);
      if (cell?.lease && target?.getAttribute("aria-disabled") !== "true") onFree(cell);
    });
    this.#box.addEventListener("keydown", (event) => this.#move(event));
    this.#box.addEventListener("focusin", (event) => this.#setCurrent(event.target as Element));
  }

  draw(pool: Snapshot, mayFree: boolean, isLive: boolean, now: number): void {
    const cells = this.#cells.cellsOf(pool, now);
    this.#box.classList.toggle("many", cells.length > MANY);
    setAttributes(this.#box, { role: mayFree ? "toolbar" : "list" });
    keyed(
      this.#box,
      cells,
      ({ key }) => `${key} ${mayFree}`,
      mayFree ? createButton : createItem,
      (element, cell) => {
        this.#cellOf.set(element, cell);
        const number = cell.server.slots > 1 ? ` ${Number(cell.key.split(" ")[1]) + 1}` : "";
        setText(element.firstChild, cell.server.name + number);
        setText(element.lastChild, cell.words);
        setAttributes(element, {
          "data-kind": cell.kind,
          "aria-disabled": !mayFree || (cell.lease && isLive) ? null : "true",
          title: titleOf(cell, mayFree && isLive, now),
        });
      },
    );
    if (mayFree && !this.#current?.isConnected) this.#setCurrent(this.#box.firstElementChild);
    const idle = cells.filter((cell) => cell.kind === "idle").length;
    const help = mayFree ? " A slot in use can be freed by hand; arrow keys move from one to the next." : "";
    setText(byId("slots-note"), `${counted(cells.length, "slot")}, ${idle} idle.${help}`);
  }

  #move(event: KeyboardEvent): void {
    const cells = [...this.#box.children];
    const index = cells.indexOf(event.target as Element);
    const last = cells.length - 1;
    const targets: Record<string, number> = {
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
    (cells[Math.min(last, Math.max(0, target))] as HTMLElement | undefined)?.focus();
  }

  #setCurrent(cell: Element | null): void {
    if (cell === this.#current) return;
    this.#current?.setAttribute("tabindex", "-1");
    cell?.setAttribute("tabindex", "0");
    this.#current = cell;
  }
}

function titleOf({ lease }: Cell, canFree: boolean, now: number): string | null {
  if (!lease) return null;
  const opens = lease.until ? `Opens at ${clockInWords(lease.until, now)} at the latest. ` : "";
  return `${opens}${canFree ? "Free this slot…" : ""}` || null;
}

function createButton(): HTMLElement {
  const cell = make("button", "cell", ...createWords());
  cell.type = "button";
  cell.tabIndex = -1;
  return cell;
}

function createItem(): HTMLElement {
  const cell = make("div", "cell", ...createWords());
  cell.role = "listitem";
  return cell;
}

function createWords(): (Node | string)[] {
  return [make("span", "who"), " ", make("span", "what")];
}
