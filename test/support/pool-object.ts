import "./without-platform.ts";
import type { TurnAnswer } from "../../src/link/deferred-calls.ts";
import type { Env } from "../../src/link/env.ts";
import type { Granted } from "../../src/link/protocol.ts";
import type { ShardReport } from "../../src/link/shards.ts";
import { LeaseHandle, TicketHandle, WatchHandle } from "../../src/pool/handles.ts";
import { Pool } from "../../src/pool/pool.ts";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import { ObjectLife } from "./object-life.ts";

/** What imports the platform's modules, for tests without a platform. */
export { LeaseHandle, Pool, TicketHandle, WatchHandle };

/**
 * The object of the pool `web`. What is only the platform's is not here: it holds back answers until what was written
 * before them is durable, and disposes stubs.
 */
export class PoolObject extends ObjectLife<Pool> {
  /** Why instances have ended themselves. */
  readonly aborts: string[] = [];
  /** The calls of deferred requests' objects, which answer as a test says; without an answer they are not reached. */
  readonly turns: { id: string; ticket: string; granted: Granted | null }[] = [];
  readonly refusals: { id: string; code: string }[] = [];
  answer: ((id: string, ticket: string, granted: Granted | null) => TurnAnswer) | null = null;
  /** What other objects of pools were asked for; none of them answers, but to reports. */
  readonly calls: string[] = [];
  readonly reports: ShardReport[] = [];
  readonly #name: string;
  readonly #env: Record<string, unknown>;

  constructor(keys: Record<string, unknown> = {}, name = "web") {
    super();
    this.#name = name;
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
    const report = async (report: ShardReport) => {
      this.reports.push(report);
      return null;
    };
    const silent = (name: string) =>
      new Proxy(
        {},
        {
          get: (_, call) =>
            call === "report" ? report : () => new Promise(() => this.calls.push(`${name} ${String(call)}`)),
        },
      );
    const POOL = { getByName: silent };
    this.#env = { POOLS: { web: { servers, ...keys } }, DEFERRED: namespace, POOL };
  }

  get pool(): Pool {
    return this.instance;
  }

  /** Of a pool of one object, which has nobody to ask. */
  snapshot(): Snapshot {
    const snapshot = this.pool.snapshot();
    if (snapshot instanceof Promise) throw new Error("the pool has several objects");
    return snapshot;
  }

  /** What its storage has. */
  rows(query: string): Record<string, unknown>[] {
    return this.storage.database
      .prepare(query)
      .all()
      .map((row) => ({ ...row }));
  }

  /** A deploy of another configuration ends the instance. */
  deploy(keys: Record<string, unknown>): void {
    Object.assign(this.#env, { POOLS: { web: keys } });
    this.lose();
  }

  protected override start(): Pool {
    const abort = (reason: string) => void this.aborts.push(reason);
    const ctx = { id: { name: this.#name }, storage: this.storage, abort };
    return new Pool(ctx as unknown as DurableObjectState, this.#env as unknown as Env);
  }
}
