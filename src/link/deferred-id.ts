import { Refusal } from "../refusals/refusal.ts";
import type { DeferredCalls } from "./deferred-calls.ts";
import type { Env } from "./env.ts";

/**
 * A deferred request's id: that of its object, and a secret. Who has the id may read and cancel the request, so it must
 * be impossible to guess; what of an object's own id is random is the platform's business.
 */
const ID = /^([\da-f]{64})([\da-f]{32})$/;

/** The path of all deferred requests; the rest is the id. */
export const REQUESTS_PATH = "/_sluice/requests/";

/** `origin`: the client's. */
export function monitorUrl(origin: string, id: string): string {
  return origin + REQUESTS_PATH + id;
}

export function responseUrl(origin: string, id: string): string {
  return `${monitorUrl(origin, id)}/response`;
}

export interface DeferredAddress {
  id: string;
  secret: string;
  objectId: DurableObjectId;
}

/** The object's calls as a caller sees them. The types of the platform's stubs lose those of unions and tuples. */
export type DeferredStub = {
  [call in Exclude<keyof DeferredCalls, symbol | "__DURABLE_OBJECT_BRAND">]: DeferredCalls[call] extends (
    ...given: infer Given
  ) => infer Answer
    ? (...given: Given) => Promise<Awaited<Answer>>
    : never;
};

export function newDeferredAddress(env: Env): DeferredAddress {
  const objectId = objectsOf(env).newUniqueId();
  const secret = crypto.randomUUID().replaceAll("-", "");
  return { id: objectId.toString() + secret, secret, objectId };
}

/** `null`: no request can have this id. Rather `misconfigured` where the binding is missing: the request may exist. */
export function deferredAddress(env: Env, id: string): DeferredAddress | null {
  const [, object = "", secret = ""] = ID.exec(id) ?? [];
  if (object === "") return null;
  const objects = objectsOf(env);
  try {
    return { id, secret, objectId: objects.idFromString(object) };
  } catch {
    // The platform has never made this id.
    return null;
  }
}

/** Makes a fresh stub. A stub that has thrown stays broken, so every attempt needs its own. */
export function deferredStub(
  env: Env,
  { objectId }: DeferredAddress,
  locationHint: string | null = null,
): DeferredStub {
  const options = locationHint ? { locationHint: locationHint as DurableObjectLocationHint } : {};
  return env.DEFERRED.get(objectId, options) as unknown as DeferredStub;
}

function objectsOf({ DEFERRED }: Env): Env["DEFERRED"] {
  if (DEFERRED) return DEFERRED;
  throw new Refusal("misconfigured", "wrangler.toml has no binding DEFERRED of class Deferred.");
}
