import type { LiveAnswer, StoredAnswer } from "../link/deferred-calls.ts";
import type { DeferredAddress } from "../link/deferred-id.ts";
import type { Env } from "../link/env.ts";
import { reachDeferred } from "./reach-deferred.ts";

type Head = Pick<StoredAnswer, "status" | "statusText" | "headers">;

/** Statuses whose responses have no body (fetch.spec.whatwg.org, "null body status"). */
const WITHOUT_BODY = new Set([204, 205, 304]);

/**
 * The server's answer as it came, byte for byte; `null`: there is none. Its body is read through restarts. `onOver`: all of
 * it is read; with `false`, it broke off, or its client has left.
 */
export async function storedResponse(
  env: Env,
  address: DeferredAddress,
  onOver: (isRead: boolean) => void = () => {},
): Promise<Response | null> {
  const { secret } = address;
  const stored = await reachDeferred(env, address, (stub) => stub.answer(secret));
  if (!stored) return null;
  const { answer, first } = stored;
  let next = 0;
  const read = async () => {
    const row = next++;
    if (row === answer.rows) return null;
    const bytes = row === 0 ? first : await reachDeferred(env, address, (stub) => stub.row(secret, row));
    if (!bytes) throw new Error("the request was forgotten while its answer was read");
    return bytes;
  };
  const body = bodyOf(answer, answer.rows > 0, answer.bytes, read, onOver);
  if (!body) onOver(true);
  return responseOf(answer, body);
}

/** An answer that nobody else will ever get. */
export function liveResponse({ head, rest }: LiveAnswer): Response {
  const dispose = () => (rest as unknown as Disposable)[Symbol.dispose]();
  const body = bodyOf(head, true, head.length ?? 0, () => rest.read(), dispose);
  return responseOf(head, body);
}

/** `read`: resolves with `null` after the last piece. `onOver`: see `storedResponse`. */
function bodyOf(
  { status, headers }: Head,
  hasBody: boolean,
  length: number,
  read: () => Promise<Uint8Array | null>,
  onOver: (isRead: boolean) => void,
): ReadableStream<Uint8Array> | null {
  if (!hasBody || WITHOUT_BODY.has(status)) return null;
  const isLengthStated = headers.some(([name]) => name === "content-length");
  return new ReadableStream<Uint8Array>(
    {
      ...(isLengthStated ? { expectedLength: length } : {}),
      async pull(controller) {
        try {
          const piece = await read();
          if (piece) return controller.enqueue(piece);
          controller.close();
          onOver(true);
        } catch (error) {
          onOver(false);
          throw error;
        }
      },
      cancel: () => onOver(false),
    },
    { highWaterMark: 0 },
  );
}

function responseOf(
  { status, statusText, headers }: Head,
  body: ReadableStream<Uint8Array> | null,
): Response {
  return new Response(body, { status, statusText, headers, encodeBody: "manual" });
}
