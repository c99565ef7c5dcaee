import { inTime } from "../../link/clock.ts";
import type { Env } from "../../link/env.ts";
import { logError } from "../../link/log.ts";
import type { PoolAddress } from "../../link/reach.ts";
import { askBriefly } from "../ask-pool.ts";
import { type Feed, feedOf, utf8 } from "./feed.ts";
import { PoolWatch } from "./pool-watch.ts";

/**
 * How often a watcher looks for news in its isolate, in ms. A little longer than ASK_EVERY_MS, so that each look finds
 * the answer to a new call; hardly less than a second, because the looks of 500 watchers take CPU time.
 */
const LOOK_MS = 990;
/** Longest silence of a stream, in ms. A watcher takes twice as much for a lost connection. */
const QUIET_MS = 3_000;

/** A browser's default pause before it connects again is several seconds. */
const RETRY = utf8("retry: 1000\n\n");
/** A comment, by which watchers and proxies know that the connection is alive. */
const KEEP_ALIVE = utf8(": still here\n\n");

const HEADERS = {
  "Content-Type": "text/event-stream",
  // A compressor would hold events back until it has more of them. nginx calls that buffering.
  "Cache-Control": "no-store, no-transform",
  "X-Accel-Buffering": "no",
};

/**
 * The pool's events and snapshots as server-sent events, for one watcher. The stream ends with the watcher's
 * connection: none of it is passed to `waitUntil`, so the runtime cancels it then.
 */
export async function eventStream(env: Env, pool: PoolAddress, request: Request): Promise<Response> {
  const feed = feedOf(pool.name);
  const watch = new PoolWatch(env, pool);
  // Before the stream begins, an unreachable pool can still be refused as on any other route.
  if (feed.isStale(Date.now()))
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
 * Backpressure: each write waits for the one before, so nothing piles up for a slow client. Its next write has the
 * latest snapshot and all events since.
 */
async function send(
  writer: WritableStreamDefaultWriter<Uint8Array>,
  feed: Feed,
  watch: PoolWatch,
  { headers, signal }: Request,
): Promise<void> {
  let revision = feed.revision;
  let lastWriteAt = Date.now();
  const opening = feed.opening(lastEventId(headers));
  await writer.write(RETRY);
  await writer.write(opening);
  let asking: Promise<void> | null = null;
  // The client connects again when the sessions are used up, and gets a new invocation.
  while (!watch.isSpent) {
    await scheduler.wait(LOOK_MS);
    if (signal.aborted) return;
    if (!asking && feed.isDue(Date.now())) {
      asking = feed
        .refresh((seen) => watch.look(seen))
        .finally(() => {
          asking = null;
        });
    }
    // A slow object must not delay KEEP_ALIVE.
    if (asking) await inTime(asking, LOOK_MS).catch(() => {});
    const news = feed.since(revision) ?? (Date.now() - lastWriteAt >= QUIET_MS ? KEEP_ALIVE : null);
    if (!news) continue;
    revision = feed.revision;
    lastWriteAt = Date.now();
    await writer.write(news);
  }
  await writer.close();
}

/** `Last-Event-ID`, which a browser sends when it connects again. */
function lastEventId(headers: Headers): number | null {
  const given = headers.get("last-event-id") ?? "";
  return /^\d+$/.test(given) ? Number(given) : null;
}
