import { PriorityQueue } from "../collections/priority-queue.ts";
import type { Slot } from "./slot.ts";

interface Timer<S> {
  readonly slot: S;
  readonly at: number;
}

/** When each taken slot's state ends by itself. A slot has one timer, the last one set; the others count no more. */
export class SlotTimers<S extends Slot> {
  readonly #timers = new PriorityQueue<Timer<S>>(
    (a, b) => a.at < b.at,
    (timer) => timer.slot.timer !== timer,
  );

  set(slot: S, at: number): void {
    if (slot.timer?.at === at) return;
    this.clear(slot);
    const timer = { slot, at };
    slot.timer = timer;
    slot.until = at;
    this.#timers.push(timer);
  }

  clear(slot: S): void {
    if (!slot.timer) return;
    slot.timer = null;
    this.#timers.bury();
  }

  /** Takes out, one a call, the slots whose time has come. */
  takeDue(now: number): S | undefined {
    const first = this.#timers.peek();
    if (!first || first.at > now) return undefined;
    this.#timers.pop();
    first.slot.timer = null;
    return first.slot;
  }

  next(): number {
    return this.#timers.peek()?.at ?? Number.POSITIVE_INFINITY;
  }
}
