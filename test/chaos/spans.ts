/** Times are ms since the run began. */
export interface Span {
  readonly from: number;
  /** Infinite while it lasts. */
  to: number;
}

/** When something was the case, that came and went. */
export class Spans {
  readonly #spans: Span[] = [];

  begin(from: number): Span {
    const span = { from, to: Number.POSITIVE_INFINITY };
    this.#spans.push(span);
    return span;
  }

  /** One of them had a moment between these. */
  touch(from: number, to: number): boolean {
    return this.#spans.some((span) => span.from <= to && span.to >= from);
  }
}
