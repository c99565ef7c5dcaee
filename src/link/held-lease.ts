import { LEASE_TTL_MS } from "../scheduler/fleet/leases.ts";
import type { LeaseEnd } from "../scheduler/terms/lease-end.ts";
import { Clock } from "./clock.ts";
import { tellEnded, tellInBatch } from "./endings.ts";
import type { Env } from "./env.ts";
import { type Granted, type Lease, RENEW_MS, type Urgency } from "./protocol.ts";
import { type PoolAddress, type PoolStub, poolStub } from "./reach.ts";

/**
 * A slot in this Worker's hands, whatever becomes of the pool's object meanwhile. It is renewed until `end`, which must
 * be called exactly when the server can no longer be at work, or was cut off, and which must be awaited within
 * `waitUntil`: a call that is still under way when the invocation ends is dropped (workerd 2026-11-17).
 *
 * `onLost` is called when the slot is no longer ours: the pool says so, or has not been reached for as long as a lease
 * lives. The server must then get nothing more from us, since the pool presumes that our connection is cut.
 *
 * If the invocation dies first, the lease is not renewed any more and runs out. One that is held for longer has a
 * stub of the pool's: the runtime disposes it then, and the pool knows at once.
 */
export class HeldLease {
  readonly id: string;
  readonly server: { name: string; url: string };
  /** For all that is timed while the slot is held: it stops with the lease. */
  readonly clock = new Clock();
  onLost: () => void = () => {};
  readonly #env: Env;
  readonly #pool: PoolAddress;
  readonly #tellEnd: Urgency;
  #stub: Rpc.Stub<Lease> | null = null;
  /** When the pool was last told that we live. */
  #renewedAt = Date.now();

  constructor(env: Env, pool: PoolAddress, id: string, { server, tellEnd }: Granted) {
    this.#env = env;
    this.#pool = pool;
    this.id = id;
    this.server = server;
    this.#tellEnd = tellEnd;
    this.clock.set(RENEW_MS, () => void this.#renew());
  }

  /** Tells the pool how the lease ended. `first`: with which stub, as for `reach`. */
  end(end: LeaseEnd, first?: PoolStub): Promise<void> {
    this.clock.stop();
    const ended = { id: this.id, end };
    if (end.how === "done") return tellInBatch(this.#env, this.#pool, ended, this.#tellEnd);
    return tellEnded(this.#env, this.#pool, [ended], first);
  }

  async #renew(): Promise<void> {
    this.clock.set(RENEW_MS, () => void this.#renew());
    const now = Date.now();
    if (now - this.#renewedAt >= LEASE_TTL_MS) return this.onLost();
    const isOurs = await this.#isOurs();
    if (isOurs) this.#renewedAt = Math.max(now, this.#renewedAt);
    else if (isOurs === false) this.onLost();
  }

  /** `null`: the pool cannot be asked. The next renewal tries again; three of them fit into the lease's time to live. */
  async #isOurs(): Promise<boolean | null> {
    try {
      if (this.#stub) return await this.#stub.renew();
    } catch {
      this.#stub = null;
    }
    try {
      this.#stub = await poolStub(this.#env, this.#pool).attach(this.id);
      return this.#stub !== null;
    } catch {
      return null;
    }
  }
}
