import type { Granted, NotGranted, Queued } from "../link/protocol.ts";
import { TicketHandle } from "./handles.ts";
import { Notices } from "./notices.ts";

interface Pending {
  id: string;
  /** Of `enter`, and of its handle's `turn` once it has one. */
  answer: (answer: Granted | NotGranted) => void;
  queued: ((queued: Queued) => void) | null;
}

/** The tickets whose Workers wait for an answer; each gets one, and what it is to be told before that. */
export class PendingAnswers {
  readonly #pending = new Map<string, Pending>();
  readonly #notices = new Notices();
  readonly #onLeft: (id: string) => void;

  /** `onLeft`: a ticket's holder is gone, or says that its client is. */
  constructor(onLeft: (id: string) => void) {
    this.#onLeft = onLeft;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** Asked again, a ticket is answered here, and where it asked before that it left there. */
  add(id: string): Promise<Granted | Queued | NotGranted> {
    return new Promise((answer) => {
      this.#pending.get(id)?.answer({ granted: false, code: "left" });
      this.#pending.set(id, { id, answer, queued: answer });
    });
  }

  answer(id: string, answer: Granted | NotGranted): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.answer(answer);
  }

  /** Tells a ticket its place: at once, or only if it still waits after a while. */
  queued(id: string, token: number, atOnce: boolean): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    if (atOnce) this.#tellToken(pending, token);
    else this.#notices.add(() => this.#tellToken(pending, token), Date.now());
  }

  leave(id: string): void {
    const pending = this.#pending.get(id);
    if (pending) this.#left(pending);
  }

  #left(pending: Pending): void {
    if (!this.#waits(pending)) return;
    this.answer(pending.id, { granted: false, code: "left" });
    this.#onLeft(pending.id);
  }

  #tellToken(pending: Pending, token: number): void {
    const { queued } = pending;
    if (!queued || !this.#waits(pending)) return;
    const { promise: turn, resolve } = Promise.withResolvers<Granted | NotGranted>();
    pending.answer = resolve;
    pending.queued = null;
    queued({
      granted: false,
      code: "queued",
      ticket: new TicketHandle(turn, () => this.#left(pending)),
      token,
    });
  }

  /** It was neither answered nor replaced by one of the same ticket. */
  #waits(pending: Pending): boolean {
    return this.#pending.get(pending.id) === pending;
  }
}
