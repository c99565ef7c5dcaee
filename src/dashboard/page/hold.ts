/** For how long after the pointer moved nothing moves under it, in ms. It may rest there for hours. */
const HOLD_MS = 5_000;

/** True while the pointer is about to press something in a part of the page, so that nothing there should move. */
export class Hold {
  #until = 0;

  /** `onEnd`: called when the pointer leaves. */
  constructor(part: Element, onEnd: () => void) {
    part.addEventListener("pointermove", () => {
      this.#until = Date.now() + HOLD_MS;
    });
    part.addEventListener("pointerleave", () => {
      this.#until = 0;
      onEnd();
    });
  }

  get isOn(): boolean {
    return Date.now() < this.#until;
  }
}
