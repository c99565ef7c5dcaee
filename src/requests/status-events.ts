import type { DeferredStatus } from "../link/deferred-calls.ts";
import type { DeferredAddress } from "../link/deferred-id.ts";
import type { Env } from "../link/env.ts";
import { Refusal } from "../refusals/refusal.ts";
import { OWN_HEADERS } from "../refusals/response.ts";
import { estimateOf } from "./estimate.ts";
import { requestStatus } from "./monitor.ts";
import { reachDeferred, tellLeft } from "./reach-deferred.ts";
import { untilStateChanges } from "./wait.ts";

/** Bounds of the pause between two looks at the place, in ms. */
const SHORTEST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 5_000;
/** Hundreds may look: the pause grows with the place, in ms for each that goes before. */
const PAUSE_A_PLACE_MS = 20;
/** A stream is ended after so long, in ms; `EventSource` begins a new one by itself. */
const LONGEST_MS = 300_000;
/** So long without an event, in ms, and a comment shows that the stream is alive. */
const SILENCE_MS = 15_000;

/**
 * Sends the status as server-sent events: now, and each time state or place changes, until the request has ended. A
 * client that comes back after the last event gets 204, by which `EventSource` knows that it is over. Those of a page that
 * waits for its request also tell the estimate, in words; once the page is gone, the request's object hears of it.
 */
export function statusEvents(
  env: Env,
  address: DeferredAddress,
  request: Request,
  origin: string,
  first: DeferredStatus,
  inBackground: (work: Promise<unknown>) => void,
): Response {
  const hasSeenEnd = request.headers.get("last-event-id") === first.state && first.endedAt !== null;
  if (hasSeenEnd) return new Response(null, { status: 204, headers: OWN_HEADERS });
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const sending = send(env, address, request.signal, origin, first, writable.getWriter());
  // The client's leaving would end this invocation before that is told.
  inBackground(sending.then((hasLeft) => (hasLeft && first.pageAt ? tellLeft(env, address) : undefined)));
  return new Response(readable, {
    headers: {
      ...OWN_HEADERS,
      "Content-Type": "text/event-stream",
      "Cache-Control": "no-store",
      "Referrer-Policy": "no-referrer",
      // nginx would hold it back.
      "X-Accel-Buffering": "no",
    },
  });
}

/** Resolves with true if the client has left, as far as one can tell. Never rejects. */
async function send(
  env: Env,
  address: DeferredAddress,
  client: AbortSignal,
  origin: string,
  first: DeferredStatus,
  writer: WritableStreamDefaultWriter<Uint8Array>,
): Promise<boolean> {
  const encoder = new TextEncoder();
  const endsAt = Date.now() + LONGEST_MS;
  let sentAt = Date.now();
  let sent: string | null = null;
  try {
    for (let status: DeferredStatus | null = first; status && !client.aborted && Date.now() < endsAt; ) {
      const isPages = Boolean(status.pageAt);
      const seen = `${status.state} ${status.place} ${isPages && estimateOf(status)}`;
      const isQuiet = Date.now() - sentAt >= SILENCE_MS;
      // A page that hears nothing asks anew.
      const text = seen !== sent || (isPages && isQuiet) ? eventOf(status, origin) : ":\n\n";
      // That a page is gone shows in a write, on workerd only there (2026-11-17).
      if (seen !== sent || isQuiet || isPages) await writer.write(encoder.encode(text));
      if (seen !== sent || isQuiet) sentAt = Date.now();
      sent = seen;
      if (status.endedAt !== null) break;
      // A place may change without the state.
      if (status.state === "queued") await scheduler.wait(pauseMs(status));
      else await untilStateChanges(env, address, status, SHORTEST_PAUSE_MS);
      status = await reachDeferred(env, address, (stub) => stub.status(address.secret));
    }
    await writer.close();
    return client.aborted;
  } catch (error) {
    // The client has left, or the object cannot be reached: the client asks again.
    await writer.abort().catch(() => {});
    return !(error instanceof Refusal);
  }
}

function pauseMs({ place }: DeferredStatus): number {
  return Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, (place ?? 0) * PAUSE_A_PLACE_MS));
}

function eventOf(status: DeferredStatus, origin: string): string {
  const told = requestStatus(status, origin, Date.now());
  const data = status.pageAt ? { ...told, estimate: estimateOf(status) } : told;
  return `event: status\nid: ${status.state}\ndata: ${JSON.stringify(data)}\n\n`;
}
