import { type ClientResponse, hc } from "hono/client";
import type { AdminApi } from "../../admin/app.ts";
import type { AuditList } from "../../admin/audit.ts";
import type { DeferredList, ListedRequest, QueuedAgain } from "../../admin/deferred.ts";
import type { Me } from "../../admin/operator.ts";
import type { ServerSnapshot, Snapshot } from "../../scheduler/snapshot.ts";
import type { CliError } from "../exit-codes.ts";
import { failureOf, impossibleName, type Subject, unreachable } from "./failures.ts";
import { MissingRight } from "./missing-right.ts";
import type { Target } from "./target.ts";
import { UnknownName } from "./unknown-name.ts";

/** The version in package.json; scripts/build-cli.ts defines it. */
declare const SLUICE_VERSION: string;

/** How long an answer may take beyond the wait that was asked for, in ms: the Worker tries the object for 10 s. */
const PATIENCE_MS = 15_000;
/** How long an error waits for what else there is to say, in ms. */
const MORE_MS = 5_000;

export interface DrainOptions {
  waitMs?: number;
  expiresMs?: number | undefined;
  owner?: string | undefined;
  reason?: string | undefined;
  extend?: boolean;
  /** After how long the requests that are still in flight are cut off. */
  cutMs?: number | undefined;
}

export type StopOptions = Omit<DrainOptions, "reason" | "extend"> & {
  /** For the clients that are refused. */
  message?: string | undefined;
};

/** The answer about all pools. */
export interface AllPools {
  pools: Snapshot[];
  /** The names of the pools whose object did not answer. */
  unreachable: string[];
}

export interface ServerPatch {
  state?: "ready" | "drain" | "maint" | undefined;
  /** Changes the server only from this state. A repeated change of the same owner succeeds too. */
  ifState?: "ready" | undefined;
  owner?: string | undefined;
  slots?: number | undefined;
  weight?: number | undefined;
  /** After how long the requests that are still in flight are cut off, as a duration: `30s`. */
  cut?: string | undefined;
}

/** What a server says of itself when it registers. */
export interface Registration {
  url: string;
  slots: number | undefined;
  weight: number | undefined;
  expiresMs: number;
  /** It has registered before. */
  renew: boolean;
}

export interface DeferredQuery {
  state?: ListedRequest["state"] | undefined;
  limit: number;
  /** The number of the last one that is known. */
  after?: number;
}

/** Sluice's admin side. Every call rejects with a `CliError`; with `Unreachable` if another attempt may succeed. */
export class AdminClient {
  readonly #target: Target;

  constructor(target: Target) {
    this.#target = target;
  }

  pools(signal?: AbortSignal): Promise<AllPools> {
    return this.#ask({}, signal, 0, (api) => api.pools.$get());
  }

  pool(pool: string, signal?: AbortSignal): Promise<Snapshot> {
    return this.#ask({ pool }, signal, 0, (api) => api.pools[":pool"].$get({ param: { pool } }));
  }

  drain(
    pool: string,
    { waitMs = 0, expiresMs, owner, reason, extend, cutMs }: DrainOptions,
    signal?: AbortSignal,
  ): Promise<Snapshot> {
    const json = {
      wait: `${waitMs}ms`,
      ...(expiresMs === undefined ? {} : { expires: `${expiresMs}ms` }),
      ...(owner === undefined ? {} : { owner }),
      ...(reason === undefined ? {} : { reason }),
      ...(extend === undefined ? {} : { extend }),
      ...(cutMs === undefined ? {} : { cut: `${cutMs}ms` }),
    };
    return this.#ask({ pool }, signal, waitMs, (api) =>
      api.pools[":pool"].drain.$post({ param: { pool }, json }),
    );
  }

  stop(
    pool: string,
    { waitMs = 0, expiresMs, owner, message, cutMs }: StopOptions,
    signal?: AbortSignal,
  ): Promise<Snapshot> {
    const json = {
      wait: `${waitMs}ms`,
      ...(expiresMs === undefined ? {} : { expires: `${expiresMs}ms` }),
      ...(owner === undefined ? {} : { owner }),
      ...(message === undefined ? {} : { message }),
      ...(cutMs === undefined ? {} : { cut: `${cutMs}ms` }),
    };
    return this.#ask({ pool }, signal, waitMs, (api) =>
      api.pools[":pool"].stop.$post({ param: { pool }, json }),
    );
  }

  resume(
    pool: string,
    { owner, force }: { owner?: string | undefined; force?: boolean | undefined },
    signal?: AbortSignal,
  ): Promise<Snapshot> {
    const json = { ...(owner === undefined ? {} : { owner }), ...(force ? { force } : {}) };
    return this.#ask({ pool }, signal, 0, (api) =>
      api.pools[":pool"].resume.$post({ param: { pool }, json }),
    );
  }

  changeServer(pool: string, server: string, patch: ServerPatch, signal?: AbortSignal): Promise<Snapshot> {
    return this.#ask({ pool, server }, signal, 0, (api) =>
      api.pools[":pool"].servers[":server"].$patch({ param: { pool, server }, json: patch }),
    );
  }

  register(
    pool: string,
    server: string,
    { url, slots, weight, expiresMs, renew }: Registration,
    signal?: AbortSignal,
  ): Promise<ServerSnapshot> {
    const json = {
      ...{ url, expires: `${expiresMs}ms`, renew },
      ...(slots === undefined ? {} : { slots }),
      ...(weight === undefined ? {} : { weight }),
    };
    return this.#ask({ pool, server, isRegistering: true }, signal, 0, (api) =>
      api.pools[":pool"].servers[":server"].$put({ param: { pool, server }, json }),
    );
  }

  /**
   * Resolves once nothing of the server is in flight, or after `waitMs`. Rejects if it is gone already. `url`: only if it is
   * there.
   */
  deregister(
    pool: string,
    server: string,
    { url, waitMs }: { url?: string; waitMs: number },
    signal?: AbortSignal,
  ): Promise<{ name: string; inFlight: number }> {
    const query = { wait: `${waitMs}ms`, ...(url === undefined ? {} : { url }) };
    return this.#ask({ pool, server, isRegistering: true }, signal, waitMs, (api) =>
      api.pools[":pool"].servers[":server"].$delete({ param: { pool, server }, query }),
    );
  }

  deferred(pool: string, { state, limit, after = 0 }: DeferredQuery): Promise<DeferredList> {
    const query = { ...(state === undefined ? {} : { state }), limit: String(limit), after: String(after) };
    return this.#ask({ pool, isList: true }, undefined, 0, (api) =>
      api.pools[":pool"].deferred.$get({ param: { pool }, query }),
    );
  }

  /** Resolves with `null` if it is canceled, and otherwise once it is being stopped. Rejects if it has ended. */
  cancelDeferred(pool: string, id: string): Promise<{ id: string; state: "running" } | null> {
    return this.#ask({ pool, request: id }, undefined, 0, (api) =>
      api.pools[":pool"].deferred[":id"].$delete({ param: { pool, id }, query: { forget: "false" } }),
    );
  }

  retryDeferred(pool: string, id: string): Promise<QueuedAgain> {
    return this.#ask({ pool, request: id }, undefined, 0, (api) =>
      api.pools[":pool"].deferred[":id"].retry.$post({ param: { pool, id } }),
    );
  }

  /** Of all pools, or of one. */
  audit({ pool, limit }: { pool: string | undefined; limit: number }): Promise<AuditList> {
    const ofPool = pool === undefined ? {} : { pool };
    return this.#ask({ ...ofPool, isAudit: true }, undefined, 0, (api) =>
      api.audit.$get({ query: { ...ofPool, limit: String(limit) } }),
    );
  }

  /** Who has this token, and what they may do. `about`: the pool for which that is to be known. */
  me(about: { pool?: string } = {}, signal?: AbortSignal): Promise<Me> {
    return this.#ask({ ...about, isMe: true }, signal, 0, (api) => api.me.$get());
  }

  async #ask<T>(
    subject: Subject,
    signal: AbortSignal | undefined,
    waitMs: number,
    call: (api: Api) => Promise<ClientResponse<T>>,
  ): Promise<T> {
    const impossible = impossibleName(subject);
    if (impossible) throw await this.#withMore(impossible, signal);
    const timeout = AbortSignal.timeout(waitMs + PATIENCE_MS);
    const either = signal ? AbortSignal.any([signal, timeout]) : timeout;
    let response: ClientResponse<T>;
    let body: unknown;
    try {
      response = await call(apiOf(this.#target, either));
      body = await bodyOf(response);
    } catch (error) {
      signal?.throwIfAborted();
      throw unreachable(this.#target.url, timeout.aborted ? "no answer in time" : error);
    }
    const failure = failureOf(response, body, this.#target, subject);
    if (failure) throw await this.#withMore(failure, signal);
    return body as T;
  }

  /** The error, which says what names there are or what one may do, if that is what it is of and Sluice tells it. */
  async #withMore(error: CliError, signal: AbortSignal | undefined): Promise<CliError> {
    if (!(error instanceof UnknownName) && !(error instanceof MissingRight)) return error;
    const timeout = AbortSignal.timeout(MORE_MS);
    const stop = signal ? AbortSignal.any([signal, timeout]) : timeout;
    try {
      if (error instanceof MissingRight) return error.withRightsOf(await this.me({}, stop));
      return error.among(await this.#namesOf(error, stop));
    } catch {
      return error;
    }
  }

  /** Those that could have been meant. */
  async #namesOf({ pool, isRegistered }: UnknownName, signal: AbortSignal): Promise<string[]> {
    if (pool !== null) {
      const { servers } = await this.pool(pool, signal);
      return servers.flatMap(({ name, registered }) => (registered || !isRegistered ? name : []));
    }
    const { pools, unreachable } = await this.pools(signal);
    return [...pools.map(({ name }) => name), ...unreachable];
  }
}

type Api = ReturnType<typeof apiOf>;

function apiOf({ url, token, access }: Target, signal: AbortSignal) {
  const headers: Record<string, string> = {
    // The audit shows it, where the runtime's own says "node".
    "User-Agent": `sluice/${SLUICE_VERSION}`,
    ...(token === "" ? {} : { Authorization: `Bearer ${token}` }),
    ...(access ? { "CF-Access-Client-Id": access.id, "CF-Access-Client-Secret": access.secret } : {}),
  };
  // A redirect is an error: the token is sent to the address that the user has named, and to no other.
  const init: RequestInit = { signal, redirect: "manual" };
  return hc<AdminApi>(url, { headers, init })._sluice.api;
}

/** `null`: not JSON. */
async function bodyOf(response: ClientResponse<unknown>): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
