import type { Env } from "../../pool/env.ts";
import type { News, Seen, Watch } from "../../pool/protocol.ts";
import { poolStub } from "../../pool/stub.ts";

/** An object that has not answered by then counts as unreachable. */
const PATIENCE_MS = 5_000;

/** One invocation's session with the pool's object; begun anew, at once, when the object restarts. */
export class PoolWatch {
  readonly #env: Env;
  readonly #pool: { name: string; locationHint: string | null };
  #watch: Rpc.Stub<Watch> | null = null;

  constructor(env: Env, pool: { name: string; locationHint: string | null }) {
    this.#env = env;
    this.#pool = pool;
  }

  async look(seen: Seen | null): Promise<News> {
    if (this.#watch) {
      try {
        return await inTime(this.#watch.look(seen));
      } catch {
        this.#watch = null;
      }
    }
    return this.begin(poolStub(this.#env, this.#pool), seen);
  }

  async begin(stub: ReturnType<typeof poolStub>, seen: Seen | null): Promise<News> {
    const watch = await inTime(stub.watch());
    const news = await inTime(watch.look(seen));
    this.#watch = watch;
    return news;
  }
}

async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer for ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
