import { make, setAttributes, setText } from "./dom.ts";

/** Times of day, durations, counts. No count is part of a name, as in `web-2`. */
const VALUES =
  /\d+:\d\d:\d\d|\d[\d.]* (?:ms|s|min|h|days)\b(?: \d+ (?:s|min)\b)?|(?<![\w-])\d[\d,]*(?![\w-])/g;

/**
 * Sets a text whose ages and counts change, and reserves the room of the longest that they may become: a line that
 * wraps for a second would move all that is below. The style sheet lays the two texts on each other.
 */
export function setSteadyText(element: Element | null | undefined, text: string): void {
  if (!element) return;
  setText(element.firstElementChild ?? element.appendChild(make("span")), text);
  setAttributes(element, { "data-longest": longest(text) });
}

export function longest(text: string): string {
  return text.replace(VALUES, (value) => {
    if (value.includes(":")) return value;
    if (value.includes(" ")) return "88 min 88 s";
    return value.length > 3 ? value.replace(/\d/g, "8") : "888";
  });
}
