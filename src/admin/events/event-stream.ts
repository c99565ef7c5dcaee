import { inTime } from "../../link/clock.ts";
import type { Env } from "../../link/env.ts";
import { logError } from "../../link/log.ts";
import type { PoolAddress } from "../../link/reach.ts";
import { askBriefly } from "../ask-pool.ts";
import { type Feed, feedOf } from "./feed.ts";
import { RETRY, STILL_HERE } from "./frames.ts";
import { PoolWatch } from "./pool-watch.ts";

/**
 * How often a watcher looks whether its isolate knows anything new. A little more than the pool is asked, so that
 * each look finds something, and hardly less than a second: of 500 watchers each look more would be felt.
 */
const LOOK_MS = 990;
/** A watcher that hears nothing for twice as long knows that the connection is lost. */
const QUIET_MS = 3_000;

const HEADERS = {
  "Content-Type": "text/event-stream",
  // Compressed, events would wait in the compressor for more of them; the second is nginx's word for the same.
  "Cache-Control": "no-store, no-transform",
  "X-Accel-Buffering": "no",
};

/**
 * The pool's events and snapshots, as they come, for one watcher. It lives as long as its client: nothing here
 * is under `waitUntil`, so the runtime ends it with the connection.
 */
export async function eventStream(env: Env, pool: PoolAddress, request: Request): Promise<Response> {
  const feed = feedOf(pool.name);
  const watch = new PoolWatch(env, pool);
  // A pool that cannot be reached is refused as everywhere, as long as there is no stream yet.
  if (feed.stale(Date.now()))
    await feed.ask((seen) => askBriefly(env, pool, (stub) => watch.begin(stub, seen, true)));
  const { readable, writable } = new IdentityTransformStream();
  const writer = writable.getWriter();
  send(writer, feed, watch, request).catch((error) => {
    if (!request.signal.aborted) logError(error, { pool: pool.name });
    return writer.abort(error).catch(() => {});
  });
  return new Response(readable, { headers: HEADERS });
}

/**
 * One write at a time, each waited for: while a slow client has not taken the last one nothing piles up, and
 * then it gets the latest snapshot and all events since.
 */
async function send(
  writer: WritableStreamDefaultWriter<Uint8Array>,
  feed: Feed,
  watch: PoolWatch,
  { headers, signal }: Request,
): Promise<void> {
  let told = feed.revision;
  let spokeAt = Date.now();
  const opening = feed.opening(lastId(headers));
  await writer.write(RETRY);
  await writer.write(opening);
  let asking: Promise<void> | null = null;
  // Its client then comes back, and gets a fresh invocation.
  while (!watch.spent) {
    await scheduler.wait(LOOK_MS);
    if (signal.aborted) return;
    if (!asking && feed.due(Date.now())) {
      asking = feed
        .refresh((seen) => watch.look(seen))
        .finally(() => {
          asking = null;
        });
    }
    // An object that is slow to answer must not keep its watcher from hearing that somebody is here.
    if (asking) await inTime(asking, LOOK_MS).catch(() => {});
    const news = feed.since(told) ?? (Date.now() - spokeAt >= QUIET_MS ? STILL_HERE : null);
    if (!news) continue;
    told = feed.revision;
    spokeAt = Date.now();
    await writer.write(news);
  }
  await writer.close();
}

/** A browser that connects again says what it saw last. */
function lastId(headers: Headers): number | null {
  const given = headers.get("last-event-id") ?? "";
  return /^\d+$/.test(given) ? Number(given) : null;
}
