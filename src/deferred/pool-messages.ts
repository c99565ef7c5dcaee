import { aheadOf, flowOf } from "../carry/flow.ts";
import { hashKeyOf } from "../carry/hash-key.ts";
import { loadConfig } from "../config/load.ts";
import type { PoolConfig } from "../config/types.ts";
import type { DeferAnswer, DeferredEndState, Place } from "../link/deferral.ts";
import { POOL_PATIENCE_MS, type StoredRequest } from "../link/deferred-calls.ts";
import { tellEnded } from "../link/endings.ts";
import type { Env } from "../link/env.ts";
import { type PoolAddress, type PoolStub, reach } from "../link/reach.ts";
import { shardAddress } from "../link/shards.ts";
import type { LeaseEnd } from "../scheduler/terms/lease-end.ts";
import { endStatusOf, type Progress } from "./progress.ts";
import type { Store } from "./store.ts";

/** How long a message is repeated, in ms, where the pool asks again by itself. */
export const REPEAT_MS = 30_000;
/** For the operator's list, in characters. */
const LONGEST_PATH = 200;
/**
 * A place is shown for so long, in ms for each that goes before, and at most, in ms: thousands may look, and the pool's
 * object, which one and all ask, walks its list for each. Those at the front see each change.
 */
const SHOWN_A_PLACE_MS = 20;
const LONGEST_SHOWN_MS = 30_000;
const FRONT = 10;

/** What a deferred request's object tells its pool, through restarts of that one's object. */
export class PoolMessages {
  readonly #env: Env;
  readonly #objectId: string;
  readonly #store: Store;
  /** What the pool has said of the place, or is being asked. */
  #place: { told: Promise<Place | null>; until: number } | null = null;

  constructor(env: Env, objectId: string, store: Store) {
    this.#env = env;
    this.#objectId = objectId;
    this.#store = store;
  }

  /** The id that its client has. */
  idOf({ secret }: StoredRequest): string {
    return this.#objectId + secret;
  }

  /** `null`: the configuration has no such pool, or is wrong. */
  poolOf({ pool }: StoredRequest): PoolConfig | null {
    try {
      return loadConfig(this.#env).pools.get(pool) ?? null;
    } catch {
      return null;
    }
  }

  /** Where the pool's list is, or the slots of this shard. */
  addressOf(request: StoredRequest, shard = 0): PoolAddress {
    const { name, locationHint } = this.poolOf(request) ?? { name: request.pool, locationHint: null };
    return shardAddress({ name, locationHint }, shard);
  }

  /** Asks for a turn. `former`: see `DeferRequest`. */
  async defer(
    request: StoredRequest,
    { acceptedAt, expiresAt }: Progress,
    former: number | null,
  ): Promise<DeferAnswer> {
    this.#place = null;
    const { method, target, key } = request;
    const id = this.idOf(request);
    const fingerprint = key === null ? "" : await this.#fingerprint();
    const path = target.path.slice(0, LONGEST_PATH);
    const pool = this.poolOf(request);
    const headers = new Headers(request.headers);
    const hashKey = pool && hashKeyOf(pool, headers, target);
    const flow = pool && (await flowOf(pool, headers, target));
    const aheadMs = pool ? aheadOf(pool, { method, headers }, target) : 0;
    // It was given its turn back when it was accepted.
    const token = former === null ? (request.token ?? null) : null;
    const order = { hashKey, flow, aheadMs, token };
    const entry = { id, method, path, acceptedAt, expiresAt, ...order, key, fingerprint, former };
    return this.#reach(request, POOL_PATIENCE_MS, (pool) => pool.defer(entry) as Promise<DeferAnswer>);
  }

  /** `null` too if the pool cannot be reached: a place is not worth a failure. One far back may be a former one. */
  async placeOf(request: StoredRequest): Promise<Place | null> {
    const shown = this.#place;
    if (shown && Date.now() < shown.until) return shown.told;
    const id = this.idOf(request);
    const asked = this.#reach(request, 0, (pool) => pool.placeOf(id) as Promise<Place | null>);
    const asking = { told: asked.catch(() => null), until: Date.now() + LONGEST_SHOWN_MS };
    this.#place = asking;
    const told = await asking.told;
    const shownMs = Math.max(0, (told?.place ?? 0) - FRONT) * SHOWN_A_PLACE_MS;
    asking.until = Date.now() + Math.min(LONGEST_SHOWN_MS, shownMs);
    return told;
  }

  /** Asks for another slot. Never rejects: if the pool is not reached, it asks itself, as it misses the lease. */
  async again(request: StoredRequest, progress: Progress): Promise<void> {
    const { ticket, shard, failed } = progress;
    this.#place = null;
    if (!ticket || !failed) return;
    const again = { id: this.idOf(request), ticket, ...failed };
    await this.#reach(request, REPEAT_MS, (pool) => pool.deferAgain(again)).catch(() => {});
    // Then it waits for another slot already, and keeps its turn.
    if (shard) await this.leaseEnded(request, progress, failed.end);
  }

  /** Tells how the lease of an earlier instance ended. Never rejects. */
  async leaseEnded(request: StoredRequest, { ticket, shard }: Progress, end: LeaseEnd): Promise<void> {
    await tellEnded(this.#env, this.addressOf(request, shard), [{ id: ticket ?? "", end }]);
  }

  /** Resolves with the request's number on the operator's list; `null`: the pool does not know it. */
  async ended(request: StoredRequest, progress: Progress, forMs: number): Promise<number | null> {
    const id = this.idOf(request);
    const { state, ticket, attempts, startedAt, problem } = progress;
    const status = endStatusOf(progress, this.#store.answer);
    const code = problem?.code ?? null;
    const end = { state: state as DeferredEndState, ticket, status, code, attempts, startedAt };
    return this.#reach(request, forMs, (pool) => pool.deferredEnded(id, end) as Promise<number | null>);
  }

  /** It was not accepted. Never rejects: the pool asks itself. */
  async withdraw(request: StoredRequest): Promise<void> {
    const id = this.idOf(request);
    const { key } = request;
    await this.#reach(request, REPEAT_MS, (pool) => pool.withdrawDeferred(id, key)).catch(() => {});
  }

  async forget(request: StoredRequest, number: number): Promise<void> {
    const ended = { id: this.idOf(request), number, key: request.key };
    await this.#reach(request, REPEAT_MS, (pool) => pool.forgetDeferred(ended));
  }

  async #fingerprint(): Promise<string> {
    const digest = new crypto.DigestStream("SHA-256");
    const writer = digest.getWriter();
    const { rows } = this.#store.body;
    for (let row = 0; row < rows; row++) await writer.write(this.#store.row("body", row) as Uint8Array);
    await writer.close();
    return new Uint8Array(await digest.digest).toHex();
  }

  #reach<T>(request: StoredRequest, forMs: number, call: (pool: PoolStub) => Promise<T>): Promise<T> {
    const givesUpAt = Date.now() + forMs;
    return reach(this.#env, this.addressOf(request), call, (error) => {
      if (Date.now() >= givesUpAt) throw error;
    });
  }
}
