/** @import { PoolEvent } from "../../scheduler/record/events.ts" */
import { byId, keyed, make, setAttributes, setText } from "./dom.js";
import { sentence, weightOf } from "./happenings.js";
import { clockTime } from "./words.js";

/**
 * Newest first.
 * @param {Map<number, PoolEvent>} events
 * @param {number} now
 */
export function showEvents(events, now) {
  byId("no-events").hidden = events.size > 0;
  const newest = [...events.values()].sort((a, b) => b.id - a.id);
  const key = (/** @type {PoolEvent} */ { id }) => String(id);
  keyed(
    byId("events"),
    newest,
    key,
    () => make("li", "mark", make("time"), " ", make("span")),
    (item, event) => {
      const time = /** @type {HTMLTimeElement} */ (item.firstChild);
      setAttributes(time, { datetime: event.at });
      setText(time, clockTime(event.at, now));
      setAttributes(item, { "data-mark": weightOf(event) });
      setText(
        /** @type {Node} */ (item.lastChild),
        sentence(event, (instant) => clockTime(instant, now)),
      );
    },
  );
}
