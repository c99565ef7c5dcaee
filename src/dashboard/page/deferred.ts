import type { Snapshot } from "../../scheduler/snapshot.ts";
import { grouped } from "../../words/phrases.ts";
import { clockInWords, oneUnit } from "../../words/times.ts";
import { type DeferredRequest, deferredRequests } from "./api.ts";
import { problemWords } from "./connection.ts";
import { type Listing, nameOf } from "./deferred-acts.ts";
import { arranged, DeferredList, type Filter, type Row } from "./deferred-list.ts";
import { cancelQuestion, retryQuestion } from "./deferred-questions.ts";
import type { Question } from "./dialog.ts";
import { button, byId, keyed, make, setAttributes, setText } from "./dom.ts";
import { Hold } from "./hold.ts";
import { PAGE_SIZE } from "./polled-list.ts";
import { setSteadyText } from "./steady.ts";

/** The filters, what an operator looks for first, and what is said where they find nothing. */
const FILTERS: Record<Filter, string> = {
  failed: "None has failed.",
  queued: "None waits.",
  running: "None runs.",
  answered: "No answer is kept.",
  canceled: "None that was canceled is kept.",
  all: "There is none.",
};

const MARKS = { queued: "plain", running: "plain", answered: "good", failed: "bad", canceled: "warn" };

/** Classes of the cells before the button, by which the style sheet lays them out where the table is narrow. */
const CELLS = ["number", "state-of", "name", "accepted", "started", "attempts", "result"];

/** The deferred requests of one pool: how many there are, and which. A request can be canceled, or tried again. */
export class Deferred {
  readonly #list: DeferredList;
  readonly #rows = byId("deferred-rows");
  readonly #rowOf = new WeakMap<Element, Row>();
  readonly #redraw: () => void;
  readonly #onAct: (question: Question) => void;
  readonly #listing: Listing;
  readonly #hold: Hold;
  #drawn: Row[] = [];
  #isInSight = false;

  constructor(onAct: (question: Question) => void, onChange: () => void) {
    this.#redraw = onChange;
    this.#onAct = onAct;
    this.#list = new DeferredList(deferredRequests, onChange);
    this.#listing = {
      find: (id) => this.#list.entries?.find((request) => request.id === id),
      refresh: () => this.#list.refresh(),
    };
    this.#createFilters();
    this.#rows.addEventListener("click", (event) => this.#act(event.target as Element));
    this.#hold = new Hold(this.#rows, onChange);
    button("deferred-more").addEventListener("click", () => {
      this.#list.more();
      onChange();
    });
    new IntersectionObserver((entries) => {
      this.#isInSight = entries.at(-1)?.isIntersecting ?? false;
      onChange();
    }).observe(byId("deferred"));
  }

  draw(
    { name, deferred }: Pick<Snapshot, "name" | "deferred">,
    mayAct: boolean,
    isLive: boolean,
    now: number,
  ): void {
    byId("deferred").hidden = !deferred;
    if (!deferred) return;
    this.#list.choose({ name, deferred });
    if (isLive && this.#isInSight && !document.hidden) this.#list.keepUpWith(deferred);
    this.#drawFilters(deferred);
    const oldest =
      deferred.queued === 0 ? "" : ` The oldest of the queued has waited for ${oneUnit(deferred.oldestMs)}.`;
    setSteadyText(byId("deferred-note"), `Stored, and worked when their turn comes.${oldest}`);
    this.#drawRows(mayAct, isLive, now);
    this.#drawFoot(deferred);
  }

  #createFilters(): void {
    for (const filter of Object.keys(FILTERS) as Filter[]) {
      const input = make("input");
      input.type = "radio";
      input.name = "deferred-filter";
      input.value = filter;
      input.addEventListener("change", () => {
        this.#list.show(filter);
        this.#redraw();
      });
      const name = filter.charAt(0).toUpperCase() + filter.slice(1);
      byId("deferred-filters").append(make("label", "", input, ` ${name} `, make("b")));
    }
  }

  #drawFilters(counts: Partial<Record<Filter, number>>): void {
    for (const label of byId("deferred-filters").querySelectorAll("label")) {
      const input = label.firstElementChild as HTMLInputElement;
      const filter = input.value as Filter;
      if (input.checked !== (filter === this.#list.filter)) input.checked = filter === this.#list.filter;
      const count = counts[filter];
      setText(label.lastChild, count === undefined ? "" : grouped(count));
    }
  }

  #drawRows(mayAct: boolean, isLive: boolean, now: number): void {
    const { entries: requests } = this.#list;
    const inFocus = this.#rowOf.get(document.activeElement?.closest("tr") ?? this.#rows);
    this.#drawn = requests
      ? arranged(this.#drawn, requests, this.#hold.isOn, inFocus?.request.id ?? null)
      : [];
    keyed(
      this.#rows,
      this.#drawn,
      ({ request }) => request.id,
      createRow,
      (row, drawn) => {
        this.#rowOf.set(row, drawn);
        drawRow(row, drawn, mayAct, isLive, now);
      },
    );
  }

  #drawFoot(counts: Partial<Record<Filter, number>>): void {
    const { entries, filter, problem, hasMore, mayShowMore } = this.#list;
    setText(
      byId("deferred-problem"),
      problem ? `This list is not up to date. ${problemWords(problem)}.` : "",
    );
    const isEmpty = this.#drawn.length === 0;
    byId("deferred-table").hidden = isEmpty;
    const rest = hasMore && !mayShowMore ? "; all others by sluice deferred" : "";
    const shown = `The first ${this.#drawn.length}, in the order in which they came${rest}.`;
    // The counts may be ahead of the list.
    const isKnown = entries !== null && !counts[filter];
    const none = isKnown ? FILTERS[filter] : problem ? "" : "Asking…";
    setText(byId("deferred-shown"), isEmpty ? none : hasMore ? shown : "");
    const more = button("deferred-more");
    // The focus would get lost with it.
    if (!mayShowMore && document.activeElement === more) byId("deferred-table").focus();
    more.hidden = !mayShowMore;
    setText(more, `${PAGE_SIZE} more`);
  }

  #act(target: Element): void {
    const pressed = target.closest("button");
    const row = pressed && this.#rowOf.get(pressed.closest("tr") as Element);
    const { pool } = this.#list;
    if (!row || pool === null || pressed.getAttribute("aria-disabled") === "true") return;
    const question = row.request.state === "failed" ? retryQuestion : cancelQuestion;
    this.#onAct(question(pool, row.request, this.#listing));
  }
}

function createRow(): HTMLTableRowElement {
  const cells = CELLS.map((name) => make("td", name));
  cells[1]?.append(make("span", "mark"));
  const act = make("button", "act");
  act.type = "button";
  return make("tr", "", ...cells, make("td", "", act));
}

function drawRow(
  row: Element,
  { request, isGone }: Row,
  mayAct: boolean,
  isLive: boolean,
  now: number,
): void {
  const { number, state, acceptedAt, startedAt, attempts } = request;
  const [no, mark, name, accepted, started, tries, result, last] = row.children;
  setText(no, String(number));
  setText(mark?.firstChild, isGone ? "no longer listed" : state);
  setAttributes(mark?.firstElementChild, { "data-mark": isGone ? "plain" : MARKS[state] });
  setText(name, nameOf(request));
  drawTime(accepted, acceptedAt, now);
  drawTime(started, startedAt, now);
  setText(tries, attempts === 0 ? "" : String(attempts));
  setText(result, resultOf(request));
  drawAct(last?.firstElementChild as HTMLButtonElement, request, mayAct, isLive && !isGone);
}

function drawAct(
  act: HTMLButtonElement,
  request: DeferredRequest,
  mayAct: boolean,
  isPresent: boolean,
): void {
  const { number, state } = request;
  const isPossible = mayAct && (state === "failed" || state === "queued" || state === "running");
  // The focus would get lost with a button that disappears.
  act.hidden = !isPossible && document.activeElement !== act;
  if (isPossible) {
    const label = state === "failed" ? "Retry…" : "Cancel…";
    setText(act, label);
    setAttributes(act, { "aria-label": `${label} ${nameOf(request)}, number ${number}` });
  }
  setAttributes(act, { "aria-disabled": isPossible && isPresent ? null : "true" });
}

/** `200`, `502 bad-gateway`; empty if there is none. */
function resultOf({ status, code }: DeferredRequest): string {
  return [status, code].filter((part) => part !== null).join(" ");
}

function drawTime(cell: Element | undefined, instant: string | null, now: number): void {
  setText(cell, instant === null ? "" : `${oneUnit(now - Date.parse(instant))} ago`);
  setAttributes(cell, { title: instant === null ? null : clockInWords(instant, now) });
}
