/** What the Worker has besides the pools: bindings that reach servers, secrets for headers, variables for pages. */
export interface Bindings {
  /** `null`: there is no such binding, or none that reaches anything. */
  kindOf(name: string): BindingKind | null;
  secretOf(name: string): SecretState;
  /** `undefined`: there is none. */
  variableOf(name: string): unknown;
}

/** `unusable`: it is there, but a header cannot have it as its value. */
export type SecretState = "there" | "missing" | "unusable";

/**
 * fetcher    all its servers are behind it: a VPC service or network, another Worker, an mTLS certificate
 * namespace  each server is an object of its own: a namespace of Durable Objects, or of Containers
 */
export type BindingKind = "fetcher" | "namespace";

export const NO_BINDINGS: Bindings = {
  kindOf: () => null,
  secretOf: () => "missing",
  variableOf: () => undefined,
};

/** Sluice's own objects, which are no servers. */
export const OWN_BINDINGS: readonly string[] = ["POOL", "DEFERRED"];

/** Sluice's own secrets, and what says who may come in. */
export const OWN_TEXTS = /^(?:ADMIN_TOKENS?|ACCESS|WEBHOOK_SECRET|POOLS(?:_\d+)?)$/;

export function bindingsOf(env: object): Bindings {
  return {
    kindOf: (name) => kindOf(bound(env, name)),
    secretOf: (name) => stateOf(bound(env, name)),
    variableOf: (name) => bound(env, name),
  };
}

/** HTTP drops blanks and line ends around a value. An empty one would be taken for that of somebody without the secret. */
function stateOf(secret: unknown): SecretState {
  if (typeof secret !== "string") return "missing";
  const sent = secret.trim();
  return sent === "" || /[\0\r\n]/.test(sent) ? "unusable" : "there";
}

/** What the Worker has by this name. */
export function bound(env: object, name: string): unknown {
  return Object.hasOwn(env, name) ? (env as Record<string, unknown>)[name] : undefined;
}

/** A fetcher has a method of any name, as its Worker may have it; a namespace has no `fetch` (workerd 2026-11-17). */
function kindOf(binding: unknown): BindingKind | null {
  if (typeof binding !== "object" || binding === null) return null;
  const { fetch, getByName } = binding as Record<string, unknown>;
  if (typeof fetch === "function") return "fetcher";
  return typeof getByName === "function" ? "namespace" : null;
}
