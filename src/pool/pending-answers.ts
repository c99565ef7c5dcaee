import type { Granted, NotGranted, Queued } from "../link/protocol.ts";
import { TicketHandle } from "./handles.ts";
import { Notices } from "./notices.ts";

interface Pending {
  id: string;
  /** Resolves `enter`, or the handle's `turn` once the ticket has a handle. */
  answer: (answer: Granted | NotGranted) => void;
  /** Resolves `enter` with a handle; `null`: the ticket has one. */
  queued: ((queued: Queued) => void) | null;
}

/** The calls of Workers that are pending until a grant or a refusal. Some get `queued` before. */
export class PendingAnswers {
  readonly #pending = new Map<string, Pending>();
  readonly #notices = new Notices();
  readonly #onLeft: (id: string) => void;

  /** `onLeft`: called with the id of a ticket whose Worker is gone, or says that its client is. */
  constructor(onLeft: (id: string) => void) {
    this.#onLeft = onLeft;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** Resolves with the ticket's answer. A repeated call replaces the earlier one, which resolves with `left`. */
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

  /** Sends a ticket its handle and token: at once, or only if it still waits after a while. */
  queued(id: string, token: number, atOnce: boolean): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    if (atOnce) this.#sendToken(pending, token);
    else this.#notices.add(() => this.#sendToken(pending, token), Date.now());
  }

  /** Resolves the ticket's call with `left` and calls `onLeft`, if the call is pending. */
  leave(id: string): void {
    const pending = this.#pending.get(id);
    if (pending) this.#leave(pending);
  }

  #leave(pending: Pending): void {
    if (!this.#isPending(pending)) return;
    this.answer(pending.id, { granted: false, code: "left" });
    this.#onLeft(pending.id);
  }

  #sendToken(pending: Pending, token: number): void {
    const { queued } = pending;
    if (!queued || !this.#isPending(pending)) return;
    const { promise: turn, resolve } = Promise.withResolvers<Granted | NotGranted>();
    pending.answer = resolve;
    pending.queued = null;
    queued({
      granted: false,
      code: "queued",
      ticket: new TicketHandle(turn, () => this.#leave(pending)),
      token,
    });
  }

  /** False once the call was answered, or replaced by a repeated one. */
  #isPending(pending: Pending): boolean {
    return this.#pending.get(pending.id) === pending;
  }
}
