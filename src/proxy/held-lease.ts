import type { Env } from "../pool/env.ts";
import { type Ending, type Granted, type Lease, RENEW_MS } from "../pool/protocol.ts";
import { poolStub } from "../pool/stub.ts";
import { Clock } from "./clock.ts";
import { tellDone, type When } from "./done.ts";
import { untilTold } from "./until-told.ts";

type PoolAddress = { name: string; locationHint: string | null };

interface EndOptions {
  /** The request has asked for another slot. */
  retried?: boolean;
  /** To be told with, the first time: what was said with it before comes before. */
  stub?: ReturnType<typeof poolStub> | undefined;
}

/**
 * A slot in this Worker's hands, whatever becomes of the pool's object meanwhile. It is renewed until `done` or
 * `end`, one of which must be called exactly when the server can no longer be at work, and which must be awaited
 * within `waitUntil`: a call that is still under way when the invocation ends is dropped (workerd 2026-11-17).
 *
 * If the invocation dies first, the lease is not renewed any more and runs out. One that is held for longer has a
 * stub of the pool's: the runtime disposes it then, and the pool knows at once.
 */
export class HeldLease {
  readonly id: string;
  readonly server: { name: string; url: string };
  /** For all that is timed while the slot is held: it stops with the lease. */
  readonly clock = new Clock();
  readonly #env: Env;
  readonly #pool: PoolAddress;
  readonly #whenDone: When;
  #stub: Rpc.Stub<Lease> | null = null;

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

  end(ending: Exclude<Ending, "done">, { retried = false, stub }: EndOptions = {}): Promise<void> {
    this.clock.stop();
    let first = stub;
    return untilTold(this.#pool.name, [this.id], () => {
      const asked = first ?? poolStub(this.#env, this.#pool);
      first = undefined;
      return asked.end(this.id, ending, retried);
    });
  }

  async #renew(): Promise<void> {
    this.clock.set(RENEW_MS, () => void this.#renew());
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
