import type { Failure } from "../carry/retry.ts";
import { LEASE_TTL_MS } from "../scheduler/fleet/leases.ts";
import { Clock } from "./clock.ts";
import { tellDone, type When } from "./endings.ts";
import type { Env } from "./env.ts";
import { type Ending, type Granted, type Lease, RENEW_MS } from "./protocol.ts";
import { poolStub } from "./reach.ts";
import { untilTold } from "./until-told.ts";

type PoolAddress = { name: string; locationHint: string | null };

/**
 * A slot in this Worker's hands, whatever becomes of the pool's object meanwhile. It is renewed until `done` or
 * `end`, one of which must be called exactly when the server can no longer be at work, and which must be awaited
 * within `waitUntil`: a call that is still under way when the invocation ends is dropped (workerd 2026-11-17).
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
  readonly #whenDone: When;
  #stub: Rpc.Stub<Lease> | null = null;
  /** When the pool was last told that we live. */
  #renewedAt = Date.now();

  constructor(env: Env, pool: PoolAddress, id: string, granted: Granted) {
    this.#env = env;
    this.#pool = pool;
    this.id = id;
    this.server = granted.server;
    this.#whenDone = granted.alone ? "soon" : granted.unhurried ? "in a turn" : "at once";
    this.clock.set(RENEW_MS, () => void this.#renew());
  }

  /** The server has answered with this status, to its last byte. */
  done(status: number): Promise<void> {
    this.clock.stop();
    return tellDone(this.#env, this.#pool, { id: this.id, status }, this.#whenDone);
  }

  /** `status`: of an answer that came before the server had the request whole. */
  end(ending: Exclude<Ending, "done">, status?: number): Promise<void> {
    return this.#tell((pool) => pool.end(this.id, ending, false, status));
  }

  /**
   * The server failed the request, which has asked for another slot. `stub`: to be told with, the first time; what was
   * said with it before comes before.
   */
  fail(failure: Failure, stub?: ReturnType<typeof poolStub>): Promise<void> {
    if ("busyForMs" in failure) return this.#tell((pool) => pool.busy(this.id, failure.busyForMs), stub);
    return this.#tell((pool) => pool.end(this.id, failure.ending, true), stub);
  }

  #tell(
    how: (pool: ReturnType<typeof poolStub>) => Promise<void>,
    stub?: ReturnType<typeof poolStub>,
  ): Promise<void> {
    this.clock.stop();
    let first = stub;
    return untilTold(this.#pool.name, [this.id], () => {
      const asked = first ?? poolStub(this.#env, this.#pool);
      first = undefined;
      return how(asked);
    });
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
