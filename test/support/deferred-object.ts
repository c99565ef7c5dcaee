import { vi } from "vitest";
import { Deferred } from "../../src/deferred/deferred.ts";
import type { DeferAnswer } from "../../src/link/deferral.ts";
import type { StoredRequest, TurnAnswer } from "../../src/link/deferred-calls.ts";
import type { Env } from "../../src/link/env.ts";
import { ObjectStorage } from "./object-storage.ts";

vi.mock("cloudflare:sockets", () => ({
  connect: () => {
    throw new Error("no sockets here");
  },
}));
vi.mock("cloudflare:workers", () => ({
  DurableObject: class {
    constructor(
      readonly ctx: unknown,
      readonly env: unknown,
    ) {}
  },
  RpcTarget: class {},
}));

export const SECRET = "5ec1".repeat(8);
const OBJECT = "0b1ec7".repeat(10).padEnd(64, "0");
export const ID = OBJECT + SECRET;

/**
 * The object of one deferred request without its platform, so that a test decides about the time, the storage, its pool
 * and how long an instance lives; under fake timers.
 */
export class DeferredObject {
  readonly storage = new ObjectStorage();
  /** The calls of its pool, as the name and what it was given. */
  readonly told: [call: string, ...given: unknown[]][] = [];
  /** What the pool answers to `defer`; an error: it is not reached. */
  defers: DeferAnswer | Error = { code: "deferred", number: 7, place: { place: 3, startsInMs: null } };
  isPoolReached = true;
  readonly #env: Record<string, unknown>;
  #instance: Deferred | null = null;

  constructor(keys: Record<string, unknown> = {}, vars: Record<string, unknown> = {}) {
    const servers = [{ name: "web-1", url: "http://web-1.example" }];
    const answers: Record<string, unknown> = {
      defer: () => this.defers,
      deferredEnded: () => 7,
      placeOf: () => ({ place: 3, startsInMs: null }),
    };
    const stub = new Proxy(
      {},
      {
        get:
          (_, call: string) =>
          async (...given: unknown[]) => {
            if (!this.isPoolReached) throw new Error("the pool is not reached");
            this.told.push([call, ...given]);
            const answer = (answers[call] as (() => unknown) | undefined)?.();
            if (answer instanceof Error) throw answer;
            return answer;
          },
      },
    );
    this.#env = {
      POOLS: { web: { servers, deferred: {}, ...keys } },
      POOL: { getByName: () => stub },
      ...vars,
    };
  }

  /** The instance that there is; a new one, where there is none, as for a request to it. */
  get deferred(): Deferred {
    this.#instance ??= this.#start();
    return this.#instance;
  }

  /** Its memory is gone, its timers with it: after a crash, or because it was evicted. */
  lose(): void {
    this.#instance = null;
    const now = Date.now();
    vi.clearAllTimers();
    // That has put back the clock too (vitest 5.1).
    vi.setSystemTime(now);
  }

  /** So much time passes, and the platform looks after the alarm. */
  async pass(ms: number): Promise<void> {
    for (const end = Date.now() + ms; Date.now() < end; ) {
      const step = Math.min(end, Math.max(this.storage.alarm ?? end, Date.now() + 1)) - Date.now();
      await vi.advanceTimersByTimeAsync(step);
      if (this.storage.alarm === null || this.storage.alarm > Date.now()) continue;
      this.storage.alarm = null;
      void this.deferred.alarm();
      await vi.advanceTimersByTimeAsync(0);
    }
  }

  /** A slot of web-1, whose handle can be disposed. */
  turn(ticket: string): Promise<TurnAnswer> {
    const lease = { renew: async () => true, [Symbol.dispose]: () => {} };
    const granted = {
      granted: true as const,
      server: { name: "web-1", url: "http://web-1.example", binding: null },
      token: 1,
      tellEnd: "alone" as const,
    };
    return this.deferred.turn(ticket, { granted, lease: { ...lease, dup: () => lease } as never });
  }

  /** What the pool was told by this call, but for the first argument where that is the id. */
  toldBy(call: string): unknown[][] {
    return this.told.filter(([name]) => name === call).map(([, ...given]) => given);
  }

  #start(): Deferred {
    const ctx = { id: { toString: () => OBJECT }, storage: this.storage, waitUntil: () => {} };
    return new Deferred(ctx as unknown as DurableObjectState, this.#env as unknown as Env);
  }
}

export function storedRequest(rest: Partial<StoredRequest> = {}): StoredRequest {
  return {
    secret: SECRET,
    pool: "web",
    requestId: "r",
    method: "POST",
    target: { origin: "https://app.example", host: "app.example", path: "/x", pathAndQuery: "/x?y" },
    headers: [["host", "app.example"]],
    expiresMs: 3_600_000,
    keepMs: 86_400_000,
    mostAnswerBytes: 1_000_000,
    key: null,
    webhook: null,
    ...rest,
  };
}
