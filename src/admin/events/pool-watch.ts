import { inTime } from "../../link/clock.ts";
import type { Env } from "../../link/env.ts";
import type { News, Seen, Watch } from "../../link/protocol.ts";
import { type PoolAddress, type PoolStub, poolStub } from "../../link/reach.ts";

/** For how long an answer is awaited, in ms. After the second failure in a row the object counts as unreachable. */
const PATIENCE_MS = 2_000;

/**
 * Longest time of a session, in ms. An instance of the object that has been replaced does not know it while it writes
 * nothing, so its snapshot would stay the same for ever; a new session reaches the current instance.
 */
const SESSION_MS = 60_000;

/** Each session is a subrequest, of which Cloudflare's free plan allows 50 an invocation (2026-11-21). */
const MOST_SESSIONS = 40;

/** The session of one invocation with the pool's object. When the object restarts, the next look begins another. */
export class PoolWatch {
  readonly #env: Env;
  readonly #pool: PoolAddress;
  #watch: Rpc.Stub<Watch> | null = null;
  #sessions = 0;
  #begunAt = 0;

  constructor(env: Env, pool: PoolAddress) {
    this.#env = env;
    this.#pool = pool;
  }

  /** True if the platform may refuse a further session, which would look like an outage of the object. */
  get isSpent(): boolean {
    return this.#sessions >= MOST_SESSIONS;
  }

  async look(seen: Seen | null): Promise<News> {
    if (this.#watch && Date.now() - this.#begunAt < SESSION_MS) {
      try {
        return await inTime(this.#watch.look(seen), PATIENCE_MS);
      } catch {
        // The object may have restarted: a new session tells.
      }
    }
    return this.begin(poolStub(this.#env, this.#pool), seen);
  }

  async begin(stub: PoolStub, seen: Seen | null, history = false): Promise<News> {
    this.#watch?.[Symbol.dispose]();
    this.#watch = null;
    this.#sessions++;
    this.#begunAt = Date.now();
    const watch = await inTime(stub.watch(), PATIENCE_MS);
    const news = await inTime(watch.look(seen, history), PATIENCE_MS);
    this.#watch = watch;
    return news;
  }
}
