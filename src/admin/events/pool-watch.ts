import { inTime } from "../../link/clock.ts";
import type { Env } from "../../link/env.ts";
import type { News, Seen, Watch } from "../../link/protocol.ts";
import { type PoolAddress, type PoolStub, poolStub } from "../../link/reach.ts";

/** An object that has not answered by then, twice, counts as unreachable. */
const PATIENCE_MS = 2_000;

/**
 * An instance of the object that has been replaced, and writes nothing, goes on without knowing: a session with
 * it would show for ever what was. A new one comes to the instance that counts.
 */
const SESSION_MS = 60_000;

/** On Cloudflare's free plan an invocation may make 50 subrequests, of which each session is one (2026-11-21). */
const MOST_SESSIONS = 40;

/** One invocation's session with the pool's object; begun anew, at once, when the object restarts. */
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

  /** The platform may soon refuse further sessions, which would look like an object that is gone. */
  get spent(): boolean {
    return this.#sessions >= MOST_SESSIONS;
  }

  async look(seen: Seen | null): Promise<News> {
    if (this.#watch && Date.now() - this.#begunAt < SESSION_MS) {
      try {
        return await inTime(this.#watch.look(seen), PATIENCE_MS);
      } catch {
        // It may have restarted; a new session will show.
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
