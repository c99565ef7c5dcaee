import type { Again, Granted, NotGranted, Queued, Served } from "../link/protocol.ts";
import type { Next } from "../scheduler/terms/passing.ts";
import { TicketHandle } from "./handles.ts";
import { Notices } from "./notices.ts";

type Answer = Granted | Served | NotGranted;

interface Pending {
  id: string;
  /** Of the Worker; `null`: it passes no leases on. */
  isolate: string | null;
  /** Resolves `enter`, or the handle's `turn` once the ticket has a handle. */
  answer: (answer: Answer) => void;
  /** Resolves `enter` with a handle; `null`: the ticket has one. */
  queued: ((queued: Queued) => void) | null;
  /** Once the ticket has a handle: the call of `turn` that is under way or to come. */
  turn: PromiseWithResolvers<Answer | Again> | null;
  /** True while such a call is under way. */
  isAsking: boolean;
  /** For the next call of `turn`. */
  news: Next | null;
  /** The version of the recall that it was told of, which its next call of `turn` confirms; 0: none. */
  recalled: number;
}

/** The calls of Workers that are pending until a grant or a refusal. Some get `queued` before. */
export class PendingAnswers {
  readonly #pending = new Map<string, Pending>();
  readonly #notices = new Notices();
  readonly #onLeft: (id: string) => void;
  readonly #onRecalled: () => void;
  /** By isolate that has not confirmed its recall: the tickets that were told of it, and may yet confirm it. */
  readonly #recalled = new Map<string, { version: number; tickets: Set<string> }>();

  /**
   * `left`: called with the id of a ticket whose Worker is gone, or says that its client is. `recalled`: called when an
   * isolate has heard of a recall.
   */
  constructor(on: { left: (id: string) => void; recalled: () => void }) {
    this.#onLeft = on.left;
    this.#onRecalled = on.recalled;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** Resolves with the ticket's answer. A repeated call replaces the earlier one, which resolves with `left`. */
  add(id: string, isolate: string | null): Promise<Granted | Served | Queued | NotGranted> {
    // Nothing is passed on to the call that it replaces.
    this.#gone(id);
    return new Promise((answer) => {
      this.#pending.get(id)?.answer({ granted: false, code: "left" });
      this.#pending.set(id, {
        id,
        isolate,
        answer,
        queued: answer,
        turn: null,
        isAsking: false,
        news: null,
        recalled: 0,
      });
    });
  }

  /** Returns the isolate in which the ticket waits; `null`: that passes no leases on. */
  isolateOf(id: string): string | null {
    return this.#pending.get(id)?.isolate ?? null;
  }

  answer(id: string, answer: Answer): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.answer(answer);
    // Its isolate does not take it for one who waits.
    if (!answer.granted && ["served", "left", "elsewhere"].includes(answer.code)) this.#gone(id);
  }

  /** Sends a ticket its handle and token: at once, or only if it still waits after a while. */
  queued(id: string, token: number, atOnce: boolean, more: Pick<Queued, "load"> = {}): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    if (atOnce) this.#sendToken(pending, token, more);
    else this.#notices.add(() => this.#sendToken(pending, token, more), Date.now());
  }

  /** Tells an isolate, by answers to these of its tickets, that it must not pass leases on. */
  recall(isolate: string, tickets: readonly { id: string; token: number }[], next: Next): void {
    for (const { id, token } of tickets) {
      const pending = this.#pending.get(id);
      if (!pending) continue;
      if (pending.queued) {
        pending.recalled = next.version;
        this.#sendToken(pending, token, { next });
      } else if (pending.turn && pending.isAsking) {
        const { turn } = pending;
        this.#awaitTurn(pending);
        pending.recalled = next.version;
        turn.resolve({ granted: false, code: "again", next });
      } else pending.news = next;
    }
    this.#recalled.set(isolate, { version: next.version, tickets: new Set(tickets.map(({ id }) => id)) });
  }

  /** True once every isolate that was told of a recall has heard of it, or has nobody to pass a lease on to. */
  get isRecalled(): boolean {
    return this.#recalled.size === 0;
  }

  /** Nobody is waited for any longer who has not confirmed a recall. */
  forgetRecalls(): void {
    this.#recalled.clear();
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

  #sendToken(pending: Pending, token: number, more: Pick<Queued, "load" | "next">): void {
    const { queued } = pending;
    if (!queued || !this.#isPending(pending)) return;
    this.#awaitTurn(pending);
    pending.queued = null;
    const ticket = new TicketHandle(
      () => this.#turn(pending),
      () => this.#leave(pending),
    );
    queued({ granted: false, code: "queued", ticket, token, ...more });
  }

  #gone(id: string): void {
    for (const [isolate, { tickets }] of this.#recalled)
      if (tickets.delete(id) && tickets.size === 0) this.#confirmed(isolate);
  }

  #confirmed(isolate: string): void {
    this.#recalled.delete(isolate);
    this.#onRecalled();
  }

  /** From now on the ticket is answered by the call of `turn` that comes next. */
  #awaitTurn(pending: Pending): void {
    const turn = Promise.withResolvers<Answer | Again>();
    pending.turn = turn;
    pending.isAsking = false;
    pending.answer = turn.resolve;
  }

  #turn(pending: Pending): Promise<Answer | Again> {
    const { news, isolate } = pending;
    if (news) {
      // The recall came when this call was on its way.
      pending.news = null;
      pending.recalled = news.version;
      return Promise.resolve({ granted: false, code: "again", next: news });
    }
    pending.isAsking = true;
    // Its isolate has read the answer before this call.
    if (isolate !== null && pending.recalled >= (this.#recalled.get(isolate)?.version ?? Infinity))
      this.#confirmed(isolate);
    return (pending.turn as PromiseWithResolvers<Answer | Again>).promise;
  }

  /** False once the call was answered, or replaced by a repeated one. */
  #isPending(pending: Pending): boolean {
    return this.#pending.get(pending.id) === pending;
  }
}
