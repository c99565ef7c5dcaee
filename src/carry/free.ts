/** Requests that go to a server without a slot (`free_paths`). */
import { readsOneWay } from "../config/free-paths.ts";
import type { PoolConfig } from "../config/types.ts";
import { acquireFreePassage } from "../link/free-server.ts";
import { backoffMs } from "../link/reach.ts";
import { attempt } from "./attempt.ts";
import type { CarriedRequest } from "./carried-request.ts";
import { TryAgain } from "./failure.ts";
import type { RequestTarget } from "./target.ts";

/**
 * True if the request takes no slot. A stranger must not get past the slots, so a request does only if nobody could take
 * it for another one: its path is one that every server reads alike, and no header says that another is meant. A
 * WebSocket, which may last for days, always takes one.
 */
export function isFree(pool: PoolConfig, { method, url, headers }: Request, target: RequestTarget): boolean {
  const { path } = target;
  const entry = pool.freePaths.find(
    (one) => path.startsWith(one.prefix) && (one.method === null || one.method === method),
  );
  if (!entry || headers.has("upgrade")) return false;
  // What the URL standard makes of the path is what came, and what the server gets.
  const isLiteral = rawPathOf(url) === path && target.pathAndQuery.split("?", 1)[0] === path;
  return isLiteral && readsOneWay(path) && !isOverridden(headers, url, entry.method !== null);
}

/** `undefined`: there is none, or it is followed by a fragment, which is nobody's business. */
function rawPathOf(url: string): string | undefined {
  return /^[a-z]+:\/\/[^/?#]*([^?#]*)(?:\?[^#]*)?$/.exec(url)?.[1];
}

/** Headers that make some frameworks serve another path than the one that was asked for. */
const OTHER_PATH = new Set([
  "x-original-url",
  "x-original-uri",
  "x-rewrite-url",
  "x-override-url",
  "x-forwarded-uri",
  "x-forwarded-path",
  "x-forwarded-prefix",
  "x-original-path",
  "x-script-name",
  "script-name",
  "path-info",
]);
/** Headers, and a field of the query, that do so with the method. */
const OTHER_METHOD = new Set(["x-http-method-override", "x-http-method", "x-method-override"]);
const METHOD_FIELD = "_method";

function isOverridden(headers: Headers, url: string, methodCounts: boolean): boolean {
  for (const name of headers.keys()) {
    // CGI and the like take one for the other.
    const dashed = name.replaceAll("_", "-");
    if (OTHER_PATH.has(dashed) || (methodCounts && OTHER_METHOD.has(dashed))) return true;
  }
  return methodCounts && url.includes("?") && hasMethodField(url);
}

function hasMethodField(url: string): boolean {
  const names = [...new URL(url).searchParams.keys()];
  return names.some((name) => name.toLowerCase().includes(METHOD_FIELD));
}

/**
 * Carries a request to a server that has not failed it yet, without a slot. Retries as `carry` does, at most `retries`
 * times. Returns false if nothing passes without a slot now, as the pool is drained. Rejects as `carry` does.
 */
export async function carryFree(carried: CarriedRequest): Promise<boolean> {
  const { env, trace } = carried;
  const failed: string[] = [];
  for (;;) {
    trace.enterQueue();
    const passage = await acquireFreePassage(env, carried, failed);
    trace.isFree = passage !== null;
    if (!passage) return false;
    const { name } = passage.server;
    // There is no other server.
    if (failed.includes(name)) await scheduler.wait(backoffMs(failed.length));
    try {
      await attempt(carried, passage, failed.length);
      return true;
    } catch (error) {
      if (!(error instanceof TryAgain)) throw error;
      void passage.end();
      failed.push(name);
    }
  }
}
