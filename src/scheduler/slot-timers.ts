import { Heap } from "./heap.ts";
import type { Slot } from "./server.ts";

interface Timer {
  slot: Slot;
  at: number;
}

/** When each taken slot's state ends by itself; one timer a slot, the last one set. */
export class SlotTimers {
  readonly #current = new Map<Slot, Timer>();
  readonly #heap = new Heap<Timer>(
    (a, b) => a.at < b.at,
    (timer) => this.#current.get(timer.slot) !== timer,
  );

  set(slot: Slot, at: number): void {
    if (this.#current.get(slot)?.at === at) return;
    this.clear(slot);
    const timer = { slot, at };
    this.#current.set(slot, timer);
    this.#heap.push(timer);
    slot.until = at;
  }

  clear(slot: Slot): void {
    if (this.#current.delete(slot)) this.#heap.bury();
  }

  /** Takes out, one a call, the slots whose time has come. */
  takeDue(now: number): Slot | undefined {
    const first = this.#heap.peek();
    if (!first || first.at > now) return undefined;
    this.#heap.pop();
    this.#current.delete(first.slot);
    return first.slot;
  }

  next(): number {
    return this.#heap.peek()?.at ?? Number.POSITIVE_INFINITY;
  }
}
