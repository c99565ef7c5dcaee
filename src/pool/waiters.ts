import type { Granted, NotGranted, Queued } from "../link/protocol.ts";
import { PlaceHandle } from "./handles.ts";
import { Notices } from "./notices.ts";

interface Waiter {
  id: string;
  /** Of `enter`, and of its place's `turn` once it has one. */
  answer: (answer: Granted | NotGranted) => void;
  queued: ((queued: Queued) => void) | null;
}

/** The tickets whose Workers wait for an answer; each gets one, and what it is to be told before that. */
export class Waiters {
  readonly #waiters = new Map<string, Waiter>();
  readonly #notices = new Notices();
  readonly #onLeft: (id: string) => void;

  /** `onLeft`: a ticket's holder is gone, or says that its client is. */
  constructor(onLeft: (id: string) => void) {
    this.#onLeft = onLeft;
  }

  get size(): number {
    return this.#waiters.size;
  }

  /** Asked again, a ticket is answered here, and where it asked before that it left there. */
  add(id: string): Promise<Granted | Queued | NotGranted> {
    return new Promise((answer) => {
      this.#waiters.get(id)?.answer({ granted: false, code: "left" });
      this.#waiters.set(id, { id, answer, queued: answer });
    });
  }

  answer(id: string, answer: Granted | NotGranted): void {
    const waiter = this.#waiters.get(id);
    this.#waiters.delete(id);
    waiter?.answer(answer);
  }

  /** Tells a ticket its place: at once, or only if it still waits after a while. */
  queued(id: string, seq: number, atOnce: boolean): void {
    const waiter = this.#waiters.get(id);
    if (!waiter) return;
    if (atOnce) this.#tellPlace(waiter, seq);
    else this.#notices.add(() => this.#tellPlace(waiter, seq), Date.now());
  }

  leave(id: string): void {
    const waiter = this.#waiters.get(id);
    if (waiter) this.#left(waiter);
  }

  #left(waiter: Waiter): void {
    if (!this.#waits(waiter)) return;
    this.answer(waiter.id, { granted: false, code: "left" });
    this.#onLeft(waiter.id);
  }

  #tellPlace(waiter: Waiter, seq: number): void {
    const { queued } = waiter;
    if (!queued || !this.#waits(waiter)) return;
    const { promise: turn, resolve } = Promise.withResolvers<Granted | NotGranted>();
    waiter.answer = resolve;
    waiter.queued = null;
    queued({ granted: false, code: "queued", place: new PlaceHandle(turn, () => this.#left(waiter)), seq });
  }

  /** It was neither answered nor replaced by one of the same ticket. */
  #waits(waiter: Waiter): boolean {
    return this.#waiters.get(waiter.id) === waiter;
  }
}
