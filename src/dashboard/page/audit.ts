import type { PoolEvent } from "../../scheduler/record/events.ts";
import { answerInWords, askedInWords, SIGNED_IN } from "../../words/audit.ts";
import { clockInWords } from "../../words/times.ts";
import { type Change, changesOf } from "./api.ts";
import { problemWords } from "./connection.ts";
import { button, byId, keyed, make, setAttributes, setText } from "./dom.ts";
import { PAGE_SIZE, PolledList } from "./polled-list.ts";

/** Who has changed what, in a list that is asked for once it is open. */
export class Audit {
  readonly #list: PolledList<Change>;
  readonly #details = byId("changes") as HTMLDetailsElement;
  #pool: string | null = null;
  /** How often the operator has done something here. */
  #acts = 0;

  constructor(onChange: () => void) {
    this.#list = new PolledList(onChange);
    this.#details.addEventListener("toggle", onChange);
    button("changes-more").addEventListener("click", () => {
      this.#list.more();
      onChange();
    });
  }

  /** The operator has done something here, or was refused. */
  acted(): void {
    this.#acts++;
  }

  #begin(pool: string): void {
    this.#pool = pool;
    this.#list.begin(async (limit) => {
      const { changes, next } = await changesOf(pool, limit);
      return { entries: changes, hasMore: next !== null };
    });
  }

  draw(pool: string, events: ReadonlyMap<number, PoolEvent>, isLive: boolean, now: number): void {
    if (pool !== this.#pool) this.#begin(pool);
    if (!this.#details.open) return;
    if (isLive && !document.hidden) this.#list.keepUp(`${this.#acts} ${latestChange(events)}`);
    const { entries: changes, hasMore, mayShowMore, problem } = this.#list;
    keyed(
      byId("changes-list"),
      changes ?? [],
      ({ id }) => String(id),
      () => make("li", "mark", make("time"), " ", make("span"), make("p", "note")),
      (item, change) => drawChange(item, change, now),
    );
    setText(byId("changes-problem"), problem ? `This list is not up to date. ${problemWords(problem)}.` : "");
    const rest = hasMore && !mayShowMore ? "; all others by sluice audit" : "";
    const shown = hasMore ? `The latest ${changes?.length}${rest}.` : "";
    const none = changes ? "Nobody has changed anything yet." : problem ? "" : "Asking…";
    setText(byId("changes-shown"), changes && changes.length > 0 ? shown : none);
    const more = button("changes-more");
    // The focus would get lost with it.
    if (!mayShowMore && document.activeElement === more) byId("changes-scroll").focus();
    more.hidden = !mayShowMore;
    setText(more, `${PAGE_SIZE} more`);
  }
}

/** The id of the latest event that is an operator's. */
function latestChange(events: ReadonlyMap<number, PoolEvent>): number {
  return [...events.values()].reduce(
    (latest, event) => ("by" in event && event.by !== null ? Math.max(latest, event.id) : latest),
    0,
  );
}

function drawChange(item: HTMLLIElement, change: Change, now: number): void {
  const [time, words, from] = item.children;
  setAttributes(item, { "data-mark": ["done", "nothing"].includes(change.answer) ? "plain" : "warn" });
  setAttributes(time, { datetime: change.at });
  setText(time, clockInWords(change.at, now));
  setText(
    words,
    changeSentence(change, (instant) => clockInWords(instant, now)),
  );
  setText(from, fromWords(change));
}

/** `time` makes the words of an instant in ISO 8601. */
export function changeSentence(change: Change, time: (instant: string) => string): string {
  const { by, count = 1, until, answer } = change;
  const often = until === undefined ? "" : `, ${count} times, the last at ${time(until)}`;
  return `“${by}” asked to ${askedInWords(change, (name) => `“${name}”`)}${often} – ${answerInWords(answer)}.`;
}

export function fromWords({ address, via, agent }: Change): string {
  const program = agent === null ? "" : `, with ${agent}`;
  return `From ${address ?? "an unknown address"}, signed in by ${SIGNED_IN[via] ?? via}${program}`;
}
