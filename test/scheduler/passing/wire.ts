import { Heap } from "../../../src/scheduler/collections/priority-queue.ts";

interface Due {
  readonly at: number;
  readonly nth: number;
  readonly run: () => void;
}

const realTurn = setImmediate;

/** Time that passes only when it is told to. What the Workers' code asks the platform for comes from here. */
export class Clockwork {
  /** In ms since the epoch. */
  now = 1_750_000_000_000;
  readonly #due = new Heap<Due>((a, b) => a.at < b.at || (a.at === b.at && a.nth < b.nth));
  readonly #cleared = new Set<number>();
  #nth = 0;

  /** Returns what clears it. */
  in(ms: number, run: () => void): number {
    const nth = ++this.#nth;
    this.#due.push({ at: this.now + Math.max(0, Math.ceil(ms)), nth, run });
    return nth;
  }

  /** The globals that tell the time, and set timers. */
  get globals(): Record<string, unknown> {
    return {
      setTimeout: (run: () => void, ms = 0) => this.in(ms, run),
      clearTimeout: (timer: number) => void this.#cleared.add(timer),
      scheduler: { wait: (ms: number) => new Promise<void>((resolve) => this.in(ms, resolve)) },
    };
  }

  /** Plays what is to happen within so many ms. After each event all goes on that waits for nothing but it. */
  async pass(ms: number, each: () => void): Promise<void> {
    const until = this.now + ms;
    await settled();
    for (let next = this.#due.peek(); next && next.at <= until; next = this.#due.peek()) {
      this.#due.pop();
      if (this.#cleared.delete(next.nth)) continue;
      this.now = next.at;
      next.run();
      await settled();
      each();
    }
    this.now = until;
  }
}

/** Resolves once every promise has gone on that can. */
function settled(): Promise<void> {
  return new Promise((resolve) => realTurn(resolve));
}

/** Numbers from 0 to 1 that are the same for the same seed. */
export function chance(seed: number): () => number {
  let state = seed | 0;
  return () => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One that calls an object, an invocation of a Worker. */
export interface Caller {
  /** It is gone, and hears and says nothing any more. */
  isGone: boolean;
  /** Disposes what it still has of objects; the runtime does that when it is gone. */
  readonly handles: Set<() => void>;
}

/** One instance of an object. */
export interface Callee {
  isDead: boolean;
}

/** On one stub messages arrive in order; on different ones they overtake each other. */
export interface StubState {
  lastAt: number;
}

/**
 * Carries messages from callers to an object. They take some time, now and then long. Where the object dies, a call that it
 * has not answered fails, and an answer that is under way may be lost.
 */
export class Wire {
  readonly #clock: Clockwork;
  readonly #random: () => number;
  readonly #open = new Map<Callee, Set<() => void>>();

  constructor(clock: Clockwork, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  /** In ms. */
  get latency(): number {
    const kind = this.#random();
    const part = this.#random();
    if (kind < 0.8) return Math.floor(part * 4);
    return Math.floor(kind < 0.97 ? 4 + part * 60 : part * 1_500);
  }

  /** `callee`: when the message arrives; `null`: the instance is gone that the caller means. */
  call<C extends Callee, T>(
    caller: Caller,
    stub: StubState,
    callee: () => C | null,
    run: (callee: C) => T | Promise<T>,
  ): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    if (caller.isGone) return promise;
    const at = Math.max(this.#clock.now + this.latency, stub.lastAt);
    stub.lastAt = at;
    const fail = () =>
      this.#clock.in(this.latency, () => !caller.isGone && reject(new Error("the object is gone")));
    this.#clock.in(at - this.#clock.now, () => {
      const object = callee();
      if (!object || object.isDead) {
        fail();
        return;
      }
      const open = this.#openOf(object);
      open.add(fail);
      const answer = (hear: () => void) => {
        if (!open.delete(fail)) return;
        this.#clock.in(this.latency, () => {
          if (caller.isGone) return;
          if (object.isDead && this.#random() < 0.5) reject(new Error("the answer is lost"));
          else hear();
        });
      };
      const running = (async () => run(object))();
      running.then(
        (value) => answer(() => resolve(value)),
        (error) => answer(() => reject(error)),
      );
    });
    return promise;
  }

  /** The object dies: who waits for its answers hears that. */
  died(object: Callee): void {
    object.isDead = true;
    for (const fail of this.#openOf(object)) fail();
    this.#open.delete(object);
  }

  /** The caller dies: the runtime disposes what it had. */
  gone(caller: Caller): void {
    caller.isGone = true;
    for (const dispose of caller.handles) this.#clock.in(this.latency, dispose);
    caller.handles.clear();
  }

  #openOf(object: Callee): Set<() => void> {
    const open = this.#open.get(object) ?? new Set();
    this.#open.set(object, open);
    return open;
  }
}
