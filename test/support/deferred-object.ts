import "./without-platform.ts";
import { Deferred } from "../../src/deferred/deferred.ts";
import type { DeferAnswer, Place } from "../../src/link/deferral.ts";
import type { StoredRequest, TurnAnswer } from "../../src/link/deferred-calls.ts";
import type { Env } from "../../src/link/env.ts";
import { ObjectLife } from "./object-life.ts";

export const SECRET = "5ec1".repeat(8);
const OBJECT = "0b1ec7".repeat(10).padEnd(64, "0");
export const ID = OBJECT + SECRET;

/** The object of one deferred request. A test decides about its pool, too. */
export class DeferredObject extends ObjectLife<Deferred> {
  /** The calls of its pool, as the name and what it was given. */
  readonly told: [call: string, ...given: unknown[]][] = [];
  /** What the pool answers to `defer`; an error: it is not reached. */
  defers: DeferAnswer | Error = { code: "deferred", number: 7, place: { place: 3, startsInMs: null } };
  /** What the pool says of its place. */
  place: Place = { place: 3, startsInMs: null };
  isPoolReached = true;
  readonly #env: Record<string, unknown>;

  constructor(keys: Record<string, unknown> = {}, vars: Record<string, unknown> = {}) {
    super();
    const servers = [{ name: "web-1", url: "http://web-1.example" }];
    const answers: Record<string, unknown> = {
      defer: () => this.defers,
      deferredEnded: () => 7,
      placeOf: () => this.place,
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

  get deferred(): Deferred {
    return this.instance;
  }

  /** A slot of web-1, whose handle can be disposed. */
  turn(ticket: string, binding: string | null = null): Promise<TurnAnswer> {
    const untilCut = () => new Promise<never>(() => {});
    const lease = { renew: async () => true, untilCut, [Symbol.dispose]: () => {} };
    const granted = {
      granted: true as const,
      server: { name: "web-1", url: "http://web-1.example", binding },
      token: 1,
      tellEnd: "alone" as const,
    };
    return this.deferred.turn(ticket, { granted, lease: { ...lease, dup: () => lease } as never });
  }

  /** What the pool was given each time that this was called. */
  toldBy(call: string): unknown[][] {
    return this.told.filter(([name]) => name === call).map(([, ...given]) => given);
  }

  protected override start(): Deferred {
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
