import type { DeferredStatus } from "../link/deferred-calls.ts";
import type { DeferredAddress } from "../link/deferred-id.ts";
import type { Env } from "../link/env.ts";
import { OWN_HEADERS } from "../refusals/response.ts";
import { requestStatus } from "./monitor.ts";
import { reachDeferred } from "./reach-deferred.ts";
import type { RequestStatus } from "./request-status.ts";
import { untilStateChanges } from "./wait.ts";

/** How often the place is looked up, in ms. */
const LOOK_MS = 1_000;
/** A stream is ended after so long, in ms; `EventSource` begins a new one by itself. */
const LONGEST_MS = 300_000;
/** So long without an event, in ms, and a comment shows that the stream is alive. */
const SILENCE_MS = 15_000;

/**
 * Sends the status as server-sent events: now, and each time state or place changes, until the request has ended. A
 * client that comes back after the last event gets 204, by which `EventSource` knows that it is over.
 */
export function statusEvents(
  env: Env,
  address: DeferredAddress,
  request: Request,
  origin: string,
  first: DeferredStatus,
): Response {
  const hasSeenEnd = request.headers.get("last-event-id") === first.state && first.endedAt !== null;
  if (hasSeenEnd) return new Response(null, { status: 204, headers: OWN_HEADERS });
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  void send(env, address, request.signal, origin, first, writable.getWriter());
  return new Response(readable, {
    headers: {
      ...OWN_HEADERS,
      "Content-Type": "text/event-stream",
      "Cache-Control": "no-store",
      "Referrer-Policy": "no-referrer",
    },
  });
}

async function send(
  env: Env,
  address: DeferredAddress,
  client: AbortSignal,
  origin: string,
  first: DeferredStatus,
  writer: WritableStreamDefaultWriter<Uint8Array>,
): Promise<void> {
  const encoder = new TextEncoder();
  const endsAt = Date.now() + LONGEST_MS;
  let sentAt = Date.now();
  let sent: string | null = null;
  try {
    for (let status: DeferredStatus | null = first; status && !client.aborted && Date.now() < endsAt; ) {
      const seen = `${status.state} ${status.place}`;
      if (seen !== sent || Date.now() - sentAt >= SILENCE_MS) {
        const text = seen === sent ? ":\n\n" : eventOf(requestStatus(status, origin, Date.now()));
        await writer.write(encoder.encode(text));
        sentAt = Date.now();
        sent = seen;
      }
      if (status.endedAt !== null) break;
      // A place may change without the state.
      if (status.state === "queued") await scheduler.wait(LOOK_MS);
      else await untilStateChanges(env, address, status, LOOK_MS);
      status = await reachDeferred(env, address, (stub) => stub.status(address.secret));
    }
    await writer.close();
  } catch {
    // The client has left, or the object cannot be reached: the client asks again.
    await writer.abort().catch(() => {});
  }
}

function eventOf(status: RequestStatus): string {
  return `event: status\nid: ${status.state}\ndata: ${JSON.stringify(status)}\n\n`;
}
