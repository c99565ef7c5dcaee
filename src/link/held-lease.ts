import { LEASE_TTL_MS } from "../scheduler/fleet/leases.ts";
import type { LeaseEnd } from "../scheduler/terms/lease-end.ts";
import { Clock } from "./clock.ts";
import { tellEnded, tellInBatch } from "./endings.ts";
import type { Env } from "./env.ts";
import type { Passage } from "./passage.ts";
import { type Granted, type Lease, RENEW_MS } from "./protocol.ts";
import { type PoolAddress, type PoolStub, poolStub } from "./reach.ts";

/**
 * A slot that this Worker holds, through restarts of the pool's object. It is renewed every `RENEW_MS` until `end`.
 *
 * `end` must be called as soon as the server can no longer be at work or was cut off, and not before. It must be
 * awaited under `waitUntil`: the runtime drops a call that is still under way when the invocation ends (workerd
 * 2026-11-17).
 *
 * `onLost` is called when the slot is no longer ours: the pool says so, or could not be reached for `LEASE_TTL_MS`. The
 * connection to the server must then be cut, because the pool presumes that it is (fencing).
 *
 * If the invocation dies first, renewals stop and the lease runs out. A lease that was renewed at least once also has a
 * handle: the runtime disposes it when the invocation dies, so the pool learns of that at once.
 */
export class HeldLease implements Passage {
  readonly id: string;
  readonly server: Granted["server"];
  /** Times everything that may happen while the slot is held; stops when the lease ends. */
  readonly clock = new Clock();
  readonly isFree = false;
  onLost: () => void = () => {};
  readonly #env: Env;
  readonly #pool: PoolAddress;
  readonly #tellEnd: Granted["tellEnd"];
  /** `null` until the first renewal, unless the grant came with one, and again after a renewal on it has failed. */
  #handle: Rpc.Stub<Lease> | null;
  /** When the lease was granted, or its last successful renewal sent; ms since the epoch. */
  #renewedAt = Date.now();

  constructor(
    env: Env,
    pool: PoolAddress,
    id: string,
    { server, tellEnd }: Granted,
    handle: Rpc.Stub<Lease> | null = null,
  ) {
    this.#env = env;
    this.#pool = pool;
    this.id = id;
    this.server = server;
    this.#tellEnd = tellEnd;
    this.#handle = handle;
    this.clock.set(RENEW_MS, () => void this.#renew());
  }

  /**
   * Tells the pool how the lease ended. Resolves and repeats as `tellEnded` does; never rejects. `done` may share a
   * message with other ends (`tellInBatch`). `first`: as for `reach`; `done` ignores it.
   */
  end(end: LeaseEnd, first?: PoolStub): Promise<void> {
    this.stop();
    const ended = { id: this.id, end };
    if (end.how === "done" && this.#tellEnd !== "alone")
      return tellInBatch(this.#env, this.#pool, ended, this.#tellEnd);
    const told = tellEnded(this.#env, this.#pool, [ended], first);
    return this.#handle ? told.then(() => this.dispose()) : told;
  }

  /** Renews no more: the pool is told of the end in another message. */
  stop(): void {
    this.clock.stop();
    // A renewal that is on its way now finds the lease ended.
    this.onLost = () => {};
  }

  /** Goes on with another handle of the same lease. */
  adopt(handle: Rpc.Stub<Lease>): void {
    this.dispose();
    this.#handle = handle;
  }

  /** To be called when the pool knows of the end, by a holder whose invocation goes on. */
  dispose(): void {
    this.#handle?.[Symbol.dispose]();
    this.#handle = null;
  }

  async #renew(): Promise<void> {
    this.clock.set(RENEW_MS, () => void this.#renew());
    const now = Date.now();
    if (now - this.#renewedAt >= LEASE_TTL_MS) return this.onLost();
    const isOurs = await this.#isOurs();
    if (isOurs) this.#renewedAt = Math.max(now, this.#renewedAt);
    else if (isOurs === false) this.onLost();
  }

  /** `null`: the pool could not be reached. The next renewal tries again, while the lease's time to live lasts. */
  async #isOurs(): Promise<boolean | null> {
    try {
      if (this.#handle) return await this.#handle.renew();
    } catch {
      this.#handle = null;
    }
    try {
      this.#handle = await poolStub(this.#env, this.#pool).attach(this.id);
      return this.#handle !== null;
    } catch {
      return null;
    }
  }
}
