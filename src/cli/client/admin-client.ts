import { type ClientResponse, hc } from "hono/client";
import type { AdminApi } from "../../admin/app.ts";
import type { Snapshot } from "../../scheduler/snapshot.ts";
import { type Asked, failureOf, impossible, unreachable } from "./failures.ts";
import type { Target } from "./target.ts";

/** What the Worker itself may take beyond the wait it was asked for: it tries its pool's object for 10 s. */
const PATIENCE_MS = 15_000;

export interface DrainOptions {
  waitMs?: number;
  expiresMs?: number | undefined;
  owner?: string;
  reason?: string | undefined;
  extend?: boolean;
}

/** What the admin side knows of all pools. */
export interface AllPools {
  pools: Snapshot[];
  /** The names of those whose object did not answer. */
  unreachable: string[];
}

export interface ServerPatch {
  state?: "ready" | "drain" | "maint" | undefined;
  /** Only if that is its state, or the same owner has done it already. */
  ifState?: "ready" | undefined;
  owner?: string | undefined;
  slots?: number | undefined;
  weight?: number | undefined;
}

/**
 * Sluice's admin side. Every call rejects with a `CliError` that says what went wrong: `Unreachable` where
 * another try may help.
 */
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
    { waitMs = 0, expiresMs, owner, reason, extend }: DrainOptions,
    signal?: AbortSignal,
  ): Promise<Snapshot> {
    const json = {
      wait: `${waitMs}ms`,
      ...(expiresMs === undefined ? {} : { expires: `${expiresMs}ms` }),
      ...(owner === undefined ? {} : { owner }),
      ...(reason === undefined ? {} : { reason }),
      ...(extend === undefined ? {} : { extend }),
    };
    return this.#ask({ pool }, signal, waitMs, (api) =>
      api.pools[":pool"].drain.$post({ param: { pool }, json }),
    );
  }

  resume(
    pool: string,
    { owner, force }: { owner?: string; force?: boolean | undefined },
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

  async #ask<T>(
    asked: Asked,
    signal: AbortSignal | undefined,
    waitMs: number,
    call: (api: Api) => Promise<ClientResponse<T>>,
  ): Promise<T> {
    const never = impossible(asked);
    if (never) throw never;
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
    const failure = failureOf(response, body, this.#target.url, asked);
    if (failure) throw failure;
    return body as T;
  }
}

type Api = ReturnType<typeof apiOf>;

function apiOf({ url, token }: Target, signal: AbortSignal) {
  // A redirect is told, not followed: the token goes to the one place that the user named.
  const init: RequestInit = { signal, redirect: "manual" };
  return hc<AdminApi>(url, { headers: { Authorization: `Bearer ${token}` }, init })._sluice.api;
}

/** `null` where it is not JSON. */
async function bodyOf(response: ClientResponse<unknown>): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
