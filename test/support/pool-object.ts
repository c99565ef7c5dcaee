import { vi } from "vitest";
import type { TurnAnswer } from "../../src/link/deferred-calls.ts";
import type { Env } from "../../src/link/env.ts";
import type { Granted } from "../../src/link/protocol.ts";
import { LeaseHandle, TicketHandle, WatchHandle } from "../../src/pool/handles.ts";
import { Pool } from "../../src/pool/pool.ts";
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

/** What imports the platform's modules, for tests without a platform. */
export { LeaseHandle, Pool, TicketHandle, WatchHandle };

/**
 * The object of the pool `web` without its platform, so that a test decides about the time, the storage and how long
 * an instance lives; under fake timers. What is only the platform's is not here: it holds back answers until what was
 * written before them is durable, and disposes stubs.
 */
export class PoolObject {
  readonly storage = new ObjectStorage();
  /** Why instances have ended themselves. */
  readonly aborts: string[] = [];
  /** The calls of deferred requests' objects, which answer as a test says; without an answer they are not reached. */
  readonly turns: { id: string; ticket: string; granted: Granted | null }[] = [];
  readonly refusals: { id: string; code: string }[] = [];
  answer: ((id: string, ticket: string, granted: Granted | null) => TurnAnswer) | null = null;
  readonly #env: Record<string, unknown>;
  #instance: Pool | null = null;

  constructor(keys: Record<string, unknown> = {}) {
    const servers = [{ name: "web-1", url: "http://web-1.example" }];
    const stub = (id: string) => ({
      turn: async (ticket: string, turn: { granted: Granted } | null) => {
        if (!this.answer) throw new Error("the object is not reached");
        const granted = turn?.granted ?? null;
        this.turns.push({ id, ticket, granted });
        return this.answer(id, ticket, granted);
      },
      refused: async (ticket: string, code: string) => {
        if (!this.answer) throw new Error("the object is not reached");
        this.refusals.push({ id, code });
        return this.answer(id, ticket, null);
      },
    });
    const namespace = { idFromString: (text: string) => text, get: stub };
    this.#env = { POOLS: { web: { servers, ...keys } }, DEFERRED: namespace };
  }

  /** The instance that there is; a new one, where there is none, as for a request to it. */
  get pool(): Pool {
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
      this.pool.alarm();
    }
  }

  #start(): Pool {
    const abort = (reason: string) => void this.aborts.push(reason);
    const ctx = { id: { name: "web" }, storage: this.storage, abort };
    return new Pool(ctx as unknown as DurableObjectState, this.#env as unknown as Env);
  }
}
