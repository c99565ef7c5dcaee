import { PriorityQueue } from "../collections/priority-queue.ts";
import type { Slot } from "./server.ts";

/** When a slot's state ends. The slot knows the last one set for it; the others count no more. */
export interface Timer {
  readonly slot: Slot;
  readonly at: number;
}

const endsBefore = (a: Timer, b: Timer) => a.at < b.at;
const wasCleared = (timer: Timer) => timer.slot.timer !== timer;

/** When each taken slot's state ends by itself; one timer a slot, the last one set. */
export class SlotTimers {
  readonly #timers = new PriorityQueue(endsBefore, wasCleared);

  set(slot: Slot, at: number): void {
    if (slot.timer?.at === at) return;
    this.clear(slot);
    slot.timer = { slot, at };
    slot.until = at;
    this.#timers.push(slot.timer);
  }

  clear(slot: Slot): void {
    if (!slot.timer) return;
    slot.timer = null;
    this.#timers.bury();
  }

  /** Takes out, one a call, the slots whose time has come. */
  takeDue(now: number): Slot | undefined {
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
