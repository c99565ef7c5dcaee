import { make, setText } from "./dom.ts";

/** A line, a dot on the curve and a label, over the area of a chart's curve: nothing is laid out anew where they appear. */
export class Reading {
  readonly #over: HTMLElement;
  readonly #line = make("div", "reading-line");
  readonly #dot = make("div", "reading-dot");
  readonly #label = make("div", "reading");

  constructor(over: HTMLElement) {
    this.#over = over;
    over.append(this.#line, this.#dot, this.#label);
    this.hide();
  }

  /** `y`: `null` where nothing is known. */
  show(x: number, y: number | null, words: string): void {
    const { clientWidth } = this.#over;
    // Beside the line, on the side that has more room.
    const isLeft = x > clientWidth / 2;
    setText(this.#label, words);
    this.#label.style.left = isLeft ? "" : `${x}px`;
    this.#label.style.right = isLeft ? `${clientWidth - x}px` : "";
    this.#line.style.left = `${x}px`;
    this.#dot.style.left = `${x}px`;
    this.#dot.style.top = `${y ?? 0}px`;
    this.#line.hidden = this.#label.hidden = false;
    this.#dot.hidden = y === null;
  }

  hide(): void {
    for (const part of [this.#line, this.#dot, this.#label]) part.hidden = true;
  }
}
