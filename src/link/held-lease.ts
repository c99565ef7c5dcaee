import { LEASE_TTL_MS } from "../scheduler/fleet/leases.ts";
import type { LeaseEnd } from "../scheduler/terms/lease-end.ts";
import { Clock } from "./clock.ts";
import { tellEnded, tellInBatch, tellPassed } from "./endings.ts";
import type { Env } from "./env.ts";
import { type Pass, type PassableLease, perhapsLineOf } from "./line.ts";
import type { Loss, Passage } from "./passage.ts";
import { ATTACH_MS, type Granted, type Lease, RENEW_MS } from "./protocol.ts";
import { type PoolAddress, type PoolStub, poolStub } from "./reach.ts";

/** A lease that a request got: by a grant, or passed on by another request. */
type NewLease = Pick<PassableLease, "id" | "server" | "tellEnd" | "hop" | "renewedAt"> &
  Partial<Pick<PassableLease, "version" | "passUntil">>;

/** The lease of a grant, with the id of its ticket. */
export function grantedLease(id: string, { server, tellEnd, pass }: Granted): NewLease {
  const now = Date.now();
  const permit = pass ? { version: pass.version, passUntil: now + pass.forMs } : {};
  return { id, server, tellEnd, hop: 0, renewedAt: now, ...permit };
}

/**
 * A slot that this Worker holds, through restarts of the pool's object, until `end`. After `ATTACH_MS` it attaches: the
 * pool then learns at once if this invocation dies, and this Worker if its slot is taken from it. From then on it is
 * renewed every `RENEW_MS`.
 *
 * `end` must be called as soon as the server can no longer be at work or was cut off, and not before. It must be
 * awaited under `waitUntil`: the runtime drops a call that is still under way when the invocation ends (workerd
 * 2026-11-17).
 *
 * `onLost` is called once, when the slot is no longer ours: the pool says so, or could not be reached for `LEASE_TTL_MS`.
 * The connection to the server must then be cut, because the pool presumes that it is (fencing). After a `cut` a
 * WebSocket may close in an orderly way first, for a moment.
 *
 * A lease that was given up in order, before it attached, is passed on to the next request in line of this isolate, if the
 * pool has said who that is (`Line`). It keeps its id.
 *
 * If the invocation dies first, renewals stop and the lease runs out. A lease that has attached also has a handle: the
 * runtime disposes it when the invocation dies, so the pool learns of that at once.
 */
export class HeldLease implements Passage {
  readonly id: string;
  readonly server: Granted["server"];
  /** Times everything that may happen while the slot is held; stops when the lease ends. */
  readonly clock = new Clock();
  readonly isFree = false;
  onLost: (why: Loss) => void = () => {};
  mayBeRead = false;
  readonly #env: Env;
  readonly #pool: PoolAddress;
  readonly #tellEnd: Granted["tellEnd"];
  /** `null`: it must not be passed on. */
  readonly #pass: Pick<PassableLease, "version" | "passUntil"> | null;
  /** How often it had been passed on before. */
  readonly #hop: number;
  /** `null` until it has attached, unless the grant came with one, and again after a renewal on it has failed. */
  #handle: Rpc.Stub<Lease> | null;
  /** The handle that will say when the slot is taken from us. */
  #listeningTo: Rpc.Stub<Lease> | null = null;
  /** True if there is a handle, or one may be on its way. */
  #mayHaveHandle: boolean;
  #hasEnded = false;
  /** True once the lease has ended, or is lost. */
  #isOver = false;
  /** When the lease was granted, or its last successful renewal sent; ms since the epoch. */
  #renewedAt: number;

  constructor(
    env: Env,
    pool: PoolAddress,
    { id, server, tellEnd, hop, renewedAt, ...pass }: NewLease,
    handle: Rpc.Stub<Lease> | null = null,
  ) {
    this.#env = env;
    this.#pool = pool;
    this.id = id;
    this.server = server;
    this.#tellEnd = tellEnd;
    this.#hop = hop;
    this.#renewedAt = renewedAt;
    const { version, passUntil } = pass;
    this.#pass = version === undefined || passUntil === undefined ? null : { version, passUntil };
    this.#handle = handle;
    this.#mayHaveHandle = handle !== null;
    this.clock.set(ATTACH_MS, () => {
      this.clock.set(RENEW_MS - ATTACH_MS, () => this.#renew());
      if (this.#handle) this.#listen();
      else void this.#claim();
    });
  }

  /**
   * Tells the pool how the lease ended. Resolves and repeats as `tellEnded` does; never rejects. `done` may share a
   * message with other ends (`tellInBatch`), but not where there is a handle: this invocation might end before that
   * message is sent, and the runtime would dispose the handle, which means `lost`. `first`: as for `reach`; `done`
   * ignores it. A second call does nothing: the lease may be another request's by then.
   */
  end(end: LeaseEnd, first?: PoolStub): Promise<void> {
    if (this.#hasEnded) return Promise.resolve();
    this.#hasEnded = true;
    this.stop();
    const pass = this.#passOn(end);
    if (pass) return tellPassed(this.#env, this.#pool, pass);
    const ended = { id: this.id, end, ...(this.#hop === 0 ? {} : { hop: this.#hop }) };
    if (end.how === "done" && this.#tellEnd !== "alone" && !this.#mayHaveHandle)
      return tellInBatch(this.#env, this.#pool, ended, this.#tellEnd);
    const told = tellEnded(this.#env, this.#pool, [ended], { first });
    return this.#mayHaveHandle ? told.then(() => this.dispose()) : told;
  }

  /** Renews no more: the pool is told of the end in another message. */
  stop(): void {
    this.clock.stop();
    // A renewal that is on its way now finds the lease ended.
    this.#isOver = true;
  }

  /** Goes on with another handle of the same lease. */
  adopt(handle: Rpc.Stub<Lease>): void {
    this.dispose();
    this.#handle = handle;
    this.#listen();
  }

  /** To be called when the pool knows of the end, by a holder whose invocation goes on. */
  dispose(): void {
    this.#handle?.[Symbol.dispose]();
    this.#handle = null;
  }

  #passOn(end: LeaseEnd): Pass | null {
    const isInOrder = end.how === "done" || (end.how === "unused" && !end.retried);
    // Once the pool has a handle of its holder, the lease goes back to the pool.
    if (!isInOrder || this.#mayHaveHandle || this.mayBeRead || !this.#pass) return null;
    const { id, server } = this;
    const lease = { id, server, tellEnd: this.#tellEnd, hop: this.#hop, renewedAt: this.#renewedAt };
    return perhapsLineOf(this.#pool.name)?.pass({ ...lease, ...this.#pass }, end) ?? null;
  }

  #renew(): void {
    if (this.#isOver) return;
    const untilLost = this.#renewedAt + LEASE_TTL_MS - Date.now();
    this.clock.set(untilLost > 0 ? Math.min(RENEW_MS, untilLost) : RENEW_MS, () => this.#renew());
    if (Date.now() - this.#renewedAt >= LEASE_TTL_MS) this.#lose("lost");
    else void this.#claim();
  }

  /** Attaches, or renews on the handle that there is. */
  async #claim(): Promise<void> {
    const now = Date.now();
    this.#mayHaveHandle = true;
    const isOurs = await this.#isOurs();
    if (isOurs) {
      this.#renewedAt = Math.max(now, this.#renewedAt);
      this.#listen();
    } else if (isOurs === false) this.#lose("lost");
  }

  /** `null`: the pool could not be reached. The next renewal tries again, while the lease's time to live lasts. */
  async #isOurs(): Promise<boolean | null> {
    try {
      if (this.#handle) return await this.#handle.renew();
    } catch {
      this.#handle = null;
    }
    try {
      this.#handle = await poolStub(this.#env, this.#pool).attach(this.id, this.#hop);
      return this.#handle !== null;
    } catch {
      return null;
    }
  }

  /** Waits on the present handle for the pool to take the slot away. If that call fails, the next renewal repeats it. */
  #listen(): void {
    const handle = this.#handle;
    if (this.#isOver || handle === null || this.#listeningTo === handle) return;
    this.#listeningTo = handle;
    const stopListening = () => {
      if (this.#listeningTo === handle) this.#listeningTo = null;
    };
    handle.untilCut().then((why) => {
      if (this.#handle === handle) this.#lose(why === "cut" ? "cut" : "lost");
    }, stopListening);
  }

  #lose(why: Loss): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.onLost(why);
  }
}
