import type { LeaseEnd } from "../scheduler/terms/lease-end.ts";
import type { Caller, Next } from "../scheduler/terms/passing.ts";
import type { Granted } from "./protocol.ts";

/** A request whose wait ends within this, in ms, is not passed a lease: the object may be refusing it just now. */
const LAST_MOMENTS_MS = 100;

/** A call that has been on its way for so long, in ms, is known to the object, or has failed. */
const LONGEST_WAY_MS = 1_000;

/** A lease as its holder may pass it on. Times are in ms since the epoch. */
export interface PassableLease extends Pick<Granted, "server" | "tellEnd"> {
  id: string;
  /** How often it has been passed on. */
  hop: number;
  version: number;
  /** Until when it may be passed on. */
  passUntil: number;
  /** When its holder was last known to the object. */
  renewedAt: number;
}

/**
 * A request's place in the line of its isolate, from its first call of `enter` on.
 * waits    it may be passed a lease while a call of its is on the way (`Line.enter`)
 * given    a lease was passed to it, and its invocation has not gone on yet
 * served   it has gone on with that lease
 * missed   it did not go on in time: the lease was passed to somebody else. If it goes on later, it waits again (`Line.back`)
 */
export class Place {
  readonly ticket: string;
  /** When it is its turn, about as the object sees it: its arrival, or as much earlier as it goes ahead. */
  readonly due: number;
  /** When its wait ends by itself. */
  readonly until: number;
  readonly #onLease: (lease: PassableLease) => void;
  state: "waits" | "given" | "served" | "missed" = "waits";
  /** The number of the call that is on the way; 0: none is. */
  call = 0;

  /** `onLease`: called with a lease that was passed on to it, in the invocation of another request. */
  constructor(
    ticket: string,
    { due, until }: Pick<Place, "due" | "until">,
    onLease: (lease: PassableLease) => void,
  ) {
    this.ticket = ticket;
    this.due = due;
    this.until = until;
    this.#onLease = onLease;
  }

  give(lease: PassableLease): void {
    this.state = "given";
    this.#onLease(lease);
  }

  /** The request goes on with the lease that it was given. Returns false if that is another one's by now. */
  take(): boolean {
    if (this.state !== "given") return false;
    this.state = "served";
    return true;
  }
}

/** A lease that was passed on, to be reported. */
export interface Pass {
  lease: PassableLease;
  end: LeaseEnd;
  to: Place;
  /** In ms since the epoch. */
  at: number;
}

/**
 * The requests of this isolate that wait for slots of one pool. The pool's object says which of them are next (`hear`); a
 * request that is done passes its lease on to the first of these, without asking. Only plain data is shared: the runtime
 * forbids a request to use another one's I/O.
 */
export class Line {
  /** By their calls; `null`: the call has failed, and the request asks again, so that nobody behind it is next. */
  readonly #waiting = new Map<number, Place | null>();
  /** Those that go ahead of an earlier one, and when they came: the object may say who is next before it knows of them. */
  readonly #ahead = new Map<Place, number>();
  #latestDue = Number.NEGATIVE_INFINITY;
  #calls = 0;
  #version = 0;
  #notBefore = 0;
  #next: readonly number[] = [];
  /** How many of `#next` have been passed a lease, or have left. */
  #done = 0;

  /** To be called with each call of `enter`, which has a number of its own. */
  enter(place: Place): Caller {
    this.leave(place);
    place.call = ++this.#calls;
    this.#goAhead(place.due);
    if (place.due < this.#latestDue) this.#ahead.set(place, Date.now());
    this.#latestDue = Math.max(this.#latestDue, place.due);
    // One that has missed a lease has to go on first.
    if (place.state === "waits") this.#waiting.set(place.call, place);
    return { isolate: isolateId(), call: place.call };
  }

  /** The request is to be passed no lease. */
  leave(place: Place): void {
    this.#waiting.delete(place.call);
  }

  /** The request's call has failed. Until it enters again, or leaves, nobody goes before it. */
  pause(place: Place): void {
    if (this.#waiting.has(place.call)) this.#waiting.set(place.call, null);
  }

  /** A request that was too late for a lease waits again, by the same call. */
  back(place: Place): void {
    this.#waiting.set(place.call, place);
  }

  /** The object says who is next. Answers may overtake each other. */
  hear(next: Next | undefined): void {
    if (!next || next.version <= this.#version) return;
    this.#version = next.version;
    this.#notBefore = next.notBefore;
    this.#next = next.calls;
    this.#done = 0;
    const now = Date.now();
    for (const [place, at] of this.#ahead) {
      const isUnheard = now - at < LONGEST_WAY_MS && !next.calls.includes(place.call);
      if (isUnheard && this.#waiting.get(place.call) === place) this.#goAhead(place.due);
      else this.#ahead.delete(place);
    }
  }

  /** A request goes ahead of those who are next, as it has waited for longer. The object says who is next then. */
  overtaken(): void {
    this.#next = [];
  }

  /** Those who are due later are not next any more: the object says who is. */
  #goAhead(due: number): void {
    let first = this.#next.length;
    for (let at = first - 1; at >= this.#done; at--) {
      const place = this.#waiting.get(this.#next[at] as number);
      if (!place) continue;
      if (place.due <= due) break;
      first = at;
    }
    if (first < this.#next.length) this.#next = this.#next.slice(0, first);
  }

  /** Passes the lease on to the next in line. Returns `null` if it may not be passed on, or there is nobody. */
  pass(lease: PassableLease, end: LeaseEnd): Pass | null {
    const at = Date.now();
    if (lease.version < this.#notBefore || at >= lease.passUntil) return null;
    while (this.#done < this.#next.length) {
      const place = this.#waiting.get(this.#next[this.#done] as number);
      if (place === null) return null;
      if (place && place.until - at < LAST_MOMENTS_MS) return null;
      this.#done++;
      if (!place) continue;
      this.leave(place);
      const passed = { ...lease, hop: lease.hop + 1 };
      place.give(passed);
      return { lease: passed, end, to: place, at };
    }
    return null;
  }
}

const lines = new Map<string, Line>();

/** Returns this isolate's line for the pool of this name. */
export function lineOf(pool: string): Line {
  let line = lines.get(pool);
  if (!line) {
    line = new Line();
    lines.set(pool, line);
  }
  return line;
}

/** As `lineOf`; `undefined`: no request has entered it. */
export function perhapsLineOf(pool: string): Line | undefined {
  return lines.get(pool);
}

let ownId: string | null = null;

/** Returns what tells this isolate from others. */
export function isolateId(): string {
  ownId ??= crypto.randomUUID();
  return ownId;
}
