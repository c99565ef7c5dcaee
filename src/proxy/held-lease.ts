import type { Env } from "../pool/env.ts";
import { type Ending, type Lease, RENEW_MS } from "../pool/protocol.ts";
import { backoffMs, poolStub } from "../pool/stub.ts";

type RemoteLease = Rpc.Stub<Lease>;

/** The platform ends an invocation this long after its client left; trying on past that is of no use. */
const END_TRIES_MS = 28_000;

/**
 * A slot in this Worker's hands, whatever becomes of the pool's object meanwhile. It is renewed until `end`,
 * which must be called exactly when the server can no longer be at work, and which must be awaited within
 * `waitUntil`: a call that is still under way when the invocation ends is dropped (workerd 2026-11-17).
 * If the invocation dies first, the runtime disposes the stub and the pool takes the slot for cut off.
 */
export class HeldLease {
  readonly id: string;
  readonly server: { name: string; url: string };
  readonly #env: Env;
  readonly #pool: { name: string; locationHint: string | null };
  readonly #renewals: ReturnType<typeof setInterval>;
  #stub: RemoteLease | null;

  constructor(
    env: Env,
    pool: { name: string; locationHint: string | null },
    id: string,
    granted: { server: { name: string; url: string }; lease: RemoteLease },
  ) {
    this.#env = env;
    this.#pool = pool;
    this.id = id;
    this.server = granted.server;
    this.#stub = granted.lease;
    this.#renewals = setInterval(() => void this.#renew(), RENEW_MS);
  }

  /** `retried`: the request will ask for another slot. `status`: what the server answered. */
  async end(
    ending: Ending,
    { retried = false, status }: { retried?: boolean; status?: number } = {},
  ): Promise<void> {
    clearInterval(this.#renewals);
    const givesUpAt = Date.now() + END_TRIES_MS;
    for (let attempt = 1; ; attempt++) {
      try {
        // The stub belongs to the acquire's session and costs nothing more; a restart of the object breaks it.
        if (attempt === 1 && this.#stub) await this.#stub.end(ending, retried, status);
        else await poolStub(this.#env, this.#pool).end(this.id, ending, retried, status);
        return;
      } catch (error) {
        if (Date.now() > givesUpAt) {
          // The lease runs out by itself, and its slot goes through quarantine.
          console.error(JSON.stringify({ pool: this.#pool.name, lease: this.id, error: String(error) }));
          return;
        }
        await scheduler.wait(backoffMs(attempt));
      }
    }
  }

  async #renew(): Promise<void> {
    try {
      if (this.#stub) {
        await this.#stub.renew();
        return;
      }
    } catch {
      this.#stub = null;
    }
    try {
      this.#stub = await poolStub(this.#env, this.#pool).attach(this.id);
    } catch {
      // The next renewal tries again; three of them fit into the lease's time to live.
    }
  }
}
