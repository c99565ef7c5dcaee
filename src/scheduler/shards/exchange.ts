/** That a shard has requests which have waited for long enough to go to another one. */
export interface Want {
  shard: number;
  /** How many. */
  count: number;
  /** When the first of them came, in ms since the epoch: by the token of its ticket. */
  since: number;
}

/** So many requests of `from` are to go to `to`. */
export interface Move {
  from: number;
  to: number;
  count: number;
}

/** A shard that has said nothing for so long, in ms, wants and has nothing any more. */
const FRESH_MS = 2_000;
/** How long requests that are sent on are on their way, in ms: asked sooner, a shard would tell of the same room again. */
const SENT_MS = 20;

interface Known<T> {
  value: T;
  at: number;
}

/**
 * Brings requests that wait at one shard to slots that are free at another: the coordinator's rules. Shards tell it of both, as
 * long as it is so. Nothing is lost if it forgets, or hears late: a request stays in its line until its shard sends it on.
 */
export class Exchange {
  readonly #wants = new Map<number, Known<Want>>();
  readonly #room = new Map<number, Known<number>>();
  /** Shards whose room has been given away since they said that they have some, and when. */
  readonly #spent = new Map<number, number>();

  /** A shard has requests that wait for long, or none any more. Returns who is to go where. */
  wants(want: Want, now: number): Move[] {
    if (want.count > 0) this.#wants.set(want.shard, { value: want, at: now });
    else this.#wants.delete(want.shard);
    return this.#match(now);
  }

  /** A shard has so many slots that nobody waits for. */
  hasRoom(shard: number, free: number, now: number): Move[] {
    this.#spent.delete(shard);
    if (free > 0) this.#room.set(shard, { value: free, at: now });
    else this.#room.delete(shard);
    return this.#match(now);
  }

  /** True if shards are to say when they have room. */
  isWanted(now: number): boolean {
    forgetStale(this.#wants, now);
    return this.#wants.size > 0;
  }

  /** When a shard is to be asked that may have room again, and would not say so, as it has not had none; `Infinity`: never. */
  askAt(now: number): number {
    return this.isWanted(now) ? Math.min(...this.#spent.values()) + SENT_MS : Number.POSITIVE_INFINITY;
  }

  /** Returns those that are to be asked by now, each once. */
  toAsk(now: number): number[] {
    const due = [...this.#spent].filter(([, at]) => at + SENT_MS <= now).map(([shard]) => shard);
    for (const shard of due) this.#spent.delete(shard);
    return due;
  }

  /** The shard goes first whose first request came first. */
  #match(now: number): Move[] {
    forgetStale(this.#wants, now);
    forgetStale(this.#room, now);
    const moves: Move[] = [];
    const inOrder = [...this.#wants.values()].sort((a, b) => a.value.since - b.value.since);
    for (const [to, room] of this.#room) {
      for (const want of inOrder) {
        const { shard: from, count } = want.value;
        const moved = Math.min(room.value, count);
        if (from === to || moved <= 0) continue;
        moves.push({ from, to, count: moved });
        room.value -= moved;
        want.value = { ...want.value, count: count - moved };
        if (want.value.count === 0) this.#wants.delete(from);
      }
      if (room.value > 0) continue;
      this.#room.delete(to);
      this.#spent.set(to, now);
    }
    return moves;
  }
}

function forgetStale<T>(known: Map<number, Known<T>>, now: number): void {
  for (const [shard, { at }] of known) if (now - at > FRESH_MS) known.delete(shard);
}
