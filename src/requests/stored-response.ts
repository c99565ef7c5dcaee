import type { LiveAnswer, StoredAnswer } from "../link/deferred-calls.ts";

/** Statuses whose responses have no body (fetch.spec.whatwg.org, "null body status"). */
const WITHOUT_BODY = new Set([204, 205, 304]);

/**
 * The server's answer as it came, byte for byte. `row`: reads a row of its body, through restarts of its object;
 * `null`: the request was forgotten meanwhile.
 */
export function storedResponse(
  { status, statusText, headers, rows, bytes }: StoredAnswer,
  row: (row: number) => Promise<Uint8Array | null>,
): Response {
  let next = 0;
  const body = bodyOf(status, rows, headers, bytes, async () => {
    if (next === rows) return null;
    const read = await row(next++);
    if (!read) throw new Error("the request was forgotten while its answer was read");
    return read;
  });
  return responseOf({ status, statusText, headers }, body);
}

/** An answer that nobody else will ever get. */
export function liveResponse({ head, rest }: LiveAnswer): Response {
  const body = bodyOf(head.status, 1, head.headers, head.length ?? 0, () => rest.read());
  return responseOf(head, body);
}

function bodyOf(
  status: number,
  rows: number,
  headers: [string, string][],
  bytes: number,
  read: () => Promise<Uint8Array | null>,
): ReadableStream<Uint8Array> | null {
  if (rows === 0 || WITHOUT_BODY.has(status)) return null;
  const isLengthStated = headers.some(([name]) => name === "content-length");
  return new ReadableStream<Uint8Array>(
    {
      ...(isLengthStated ? { expectedLength: bytes } : {}),
      async pull(controller) {
        const piece = await read();
        if (piece) controller.enqueue(piece);
        else controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}

function responseOf(
  { status, statusText, headers }: Pick<StoredAnswer, "status" | "statusText" | "headers">,
  body: ReadableStream<Uint8Array> | null,
): Response {
  return new Response(body, { status, statusText, headers, encodeBody: "manual" });
}
