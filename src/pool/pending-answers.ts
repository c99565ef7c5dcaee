import type { Again, Granted, NotGranted, Queued, Served } from "../link/protocol.ts";
import type { Next } from "../scheduler/terms/passing.ts";
import { TicketHandle } from "./handles.ts";
import { Notices } from "./notices.ts";

type Answer = Granted | Served | NotGranted;

/** When a ticket gets its handle, in ms after its arrival. Most have their slot before. */
const NOTICE_MS = 500;

/**
 * A Worker asks by its handle as soon as it has it. One that has not twice as long after it was sent, in ms, is gone: a handle that
 * was on its way to a Worker which had died by then is never disposed (workerd 2026-11-17). Twice, as an object that was
 * kept from running reads first what has arrived meanwhile.
 */
const UNASKED_MS = 2_000;

interface Pending {
  id: string;
  /** Of the Worker; `null`: it passes no leases on. */
  isolate: string | null;
  /** Resolves `enter`; `null`: the ticket has a handle. */
  entered: ((answer: Answer | Queued) => void) | null;
  /** Resolves the call of the handle's `turn` that is under way; `null`: none is. */
  asked: ((answer: Answer | Again) => void) | null;
  /** What came while none was, for the next one: who is next now, and the answer. */
  news: Next | null;
  unread: Answer | null;
  /** The version of the recall that it was told of, which its next call of `turn` confirms; 0: none. */
  recalled: number;
  /** It has asked by its handle. */
  hasAsked: boolean;
  /** It is taken for gone, as it has not: if it asks after all, it has to enter again. */
  isGivenUp: boolean;
}

const LEFT: NotGranted = { granted: false, code: "left" };

/** The calls of Workers that are pending until a grant or a refusal. Some get `queued` before. */
export class PendingAnswers {
  readonly #pending = new Map<string, Pending>();
  readonly #notices = new Notices(NOTICE_MS);
  /** Those who have a handle, and may not have it. */
  readonly #unasked = new Notices(UNASKED_MS);
  /** Those with a grant that no Worker has read, by their ids. */
  readonly #unread = new Map<string, Pending>();
  readonly #onLeft: (id: string) => void;
  readonly #onRecalled: () => void;
  readonly #onRead: (id: string) => boolean;
  readonly #onReturned: () => void;
  readonly #onceSent: () => Promise<unknown>;
  /**
   * By isolate that has not confirmed its recall: the tickets that were told of it, and may yet confirm it. `since`: the first recall
   * that it has not confirmed.
   */
  readonly #recalled = new Map<string, { since: number; version: number; tickets: Set<string> }>();

  /**
   * `left`: called with the id of a ticket whose Worker is gone, or says that its client is. `recalled`: called when an
   * isolate has heard of a recall. `read`: called when a Worker reads a grant that has lain for a while; returns false if that is
   * not the ticket's any more. `returned`: called when a Worker asks that was taken for gone, and will enter again. `onceSent`:
   * resolves once the answers of before are not held back for the storage any more.
   */
  constructor(on: {
    left: (id: string) => void;
    recalled: () => void;
    read: (id: string) => boolean;
    returned: () => void;
    onceSent: () => Promise<unknown>;
  }) {
    this.#onLeft = on.left;
    this.#onRecalled = on.recalled;
    this.#onRead = on.read;
    this.#onReturned = on.returned;
    this.#onceSent = on.onceSent;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** Resolves with the ticket's answer. A repeated call replaces the earlier one, which resolves with `left`. */
  add(id: string, isolate: string | null): Promise<Granted | Served | Queued | NotGranted> {
    // Nothing is passed on to the call that it replaces.
    this.#gone(id);
    const unread = this.#unread.get(id);
    if (unread) unread.unread = LEFT;
    this.#unread.delete(id);
    return new Promise((entered) => {
      const before = this.#pending.get(id);
      if (before) this.#tell(before, LEFT);
      this.#pending.set(id, {
        ...{ id, isolate, entered },
        asked: null,
        news: null,
        unread: null,
        recalled: 0,
        hasAsked: false,
        isGivenUp: false,
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
    if (pending) this.#tell(pending, answer);
    // Its isolate does not take it for one who waits.
    if (!answer.granted && ["served", "left", "elsewhere"].includes(answer.code)) this.#gone(id);
  }

  /** Has the ticket enter this shard again. */
  answerAgain(id: string, shard: number): void {
    this.answer(id, { granted: false, code: "elsewhere", to: shard, sentOn: true });
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
      const { entered, asked } = pending;
      if (entered || asked) pending.recalled = next.version;
      if (entered) this.#sendToken(pending, token, { next });
      else if (asked) {
        pending.asked = null;
        asked({ granted: false, code: "again", next });
      } else pending.news = next;
    }
    const { version } = next;
    const { since = version } = this.#recalled.get(isolate) ?? {};
    this.#recalled.set(isolate, { since, version, tickets: new Set(tickets.map(({ id }) => id)) });
  }

  /** The latest recall that an isolate has not confirmed; 0: there is none. */
  get latestRecall(): number {
    return Math.max(0, ...[...this.#recalled.values()].map(({ version }) => version));
  }

  /** True once every isolate has heard of the recalls up to this one, or has nobody to pass a lease on to. */
  isRecalled(upTo: number): boolean {
    return [...this.#recalled.values()].every(({ since }) => since > upTo);
  }

  /** Nobody is waited for any longer who has not confirmed a recall up to this one. */
  forgetRecalls(upTo: number): void {
    for (const [isolate, recall] of this.#recalled) {
      if (recall.version <= upTo) this.#recalled.delete(isolate);
      else recall.since = Math.max(recall.since, upTo + 1);
    }
  }

  /** Resolves the ticket's call with `left` and calls `onLeft`, if the call is pending. */
  leave(id: string): void {
    const pending = this.#pending.get(id);
    if (pending) this.#leave(pending);
  }

  /** A grant that nobody has read is as none. Returns false if the ticket has another answer. */
  #leave(pending: Pending): boolean {
    const { id } = pending;
    if (this.#unread.get(id) === pending) {
      this.#unread.delete(id);
      pending.unread = LEFT;
      this.#gone(id);
    } else if (this.#isPending(pending)) this.answer(id, LEFT);
    else return false;
    this.#onLeft(id);
    return true;
  }

  #giveUp(pending: Pending): void {
    if (!pending.hasAsked) pending.isGivenUp = this.#leave(pending);
  }

  #tell(pending: Pending, answer: Answer): void {
    const tell = pending.entered ?? pending.asked;
    if (tell) tell(answer);
    else pending.unread = answer;
    if (!tell && answer.granted) this.#unread.set(pending.id, pending);
  }

  #sendToken(pending: Pending, token: number, more: Pick<Queued, "load" | "next">): void {
    const { entered } = pending;
    if (!entered || !this.#isPending(pending)) return;
    pending.entered = null;
    const ticket = new TicketHandle(
      () => this.#turn(pending),
      () => this.#leave(pending),
    );
    entered({ granted: false, code: "queued", ticket, token, ...more });
    this.#unasked.add(() => this.#doubt(pending), Date.now());
  }

  #doubt(pending: Pending): void {
    if (pending.hasAsked) return;
    const giveUp = () => this.#unasked.add(() => this.#giveUp(pending), Date.now());
    // If that fails, the object is ended.
    this.#onceSent().then(giveUp, () => {});
  }

  #gone(id: string): void {
    for (const [isolate, { tickets }] of this.#recalled)
      if (tickets.delete(id) && tickets.size === 0) this.#confirmed(isolate);
  }

  #confirmed(isolate: string): void {
    this.#recalled.delete(isolate);
    this.#onRecalled();
  }

  #turn(pending: Pending): Promise<Answer | Again> {
    const { id, news, isolate, unread } = pending;
    if (pending.isGivenUp) {
      this.#onReturned();
      return this.#enterAgain();
    }
    pending.hasAsked = true;
    if (news) {
      // The recall came when this call was on its way.
      pending.news = null;
      pending.recalled = news.version;
      return Promise.resolve({ granted: false, code: "again", next: news });
    }
    // Its isolate has read the answer before this call.
    if (isolate !== null && pending.recalled >= (this.#recalled.get(isolate)?.version ?? Infinity))
      this.#confirmed(isolate);
    if (unread && this.#unread.get(id) === pending) {
      this.#unread.delete(id);
      return this.#onRead(id) ? Promise.resolve(withoutPermit(unread)) : this.#enterAgain();
    }
    if (unread) return Promise.resolve(unread);
    return new Promise((asked) => {
      pending.asked = asked;
    });
  }

  #enterAgain(): Promise<never> {
    return Promise.reject(new Error("nothing was heard of the ticket for too long"));
  }

  /** False once the call was answered, or replaced by a repeated one. */
  #isPending(pending: Pending): boolean {
    return this.#pending.get(pending.id) === pending;
  }
}

/** Until when the lease may be passed on is counted from when the grant is read: that was to be sooner. */
function withoutPermit(answer: Answer): Answer {
  if (!answer.granted) return answer;
  const { pass: _, ...granted } = answer;
  return granted;
}
