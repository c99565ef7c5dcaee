import type { BusyAnswer } from "../config/types.ts";

/** A longer busy answer is cancelled instead of read, which costs its connection. */
const MOST_READ_BYTES = 64 * 1024;

/**
 * True if the answer is one of `retry_on`: the server is busy with somebody else's request. Its body is then discarded,
 * read to its end so that the connection can be used again. Otherwise the response is untouched.
 */
export async function isBusyAnswer(response: Response, retryOn: BusyAnswer[]): Promise<boolean> {
  const candidates = retryOn.filter(({ status }) => status === response.status);
  if (candidates.length === 0) return false;
  const anyBody = candidates.some(({ begins }) => begins === "");
  if (!anyBody && !(await beginsWithAny(response, candidates))) return false;
  await discard(response.body);
  return true;
}

/** The `Retry-After` header, in ms from `now` (RFC 9110, 10.2.3: seconds or a date); 0 if there is none. */
export function retryAfterMs({ headers }: Response, now: number): number {
  const value = headers.get("retry-after")?.trim() ?? "";
  if (/^\d+$/.test(value)) return Number(value) * 1_000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? 0 : Math.max(0, at - now);
}

async function beginsWithAny(response: Response, candidates: BusyAnswer[]): Promise<boolean> {
  if (!response.body) return false;
  const prefixes = candidates.map(({ begins }) => new TextEncoder().encode(begins));
  const longest = Math.max(...prefixes.map(({ byteLength }) => byteLength));
  const copy = response.clone().body as ReadableStream<Uint8Array>;
  const reader = copy.getReader({ mode: "byob" });
  const { value } = await reader.readAtLeast(longest, new Uint8Array(longest));
  void reader.cancel().catch(() => {});
  const bytes = value ?? new Uint8Array();
  return prefixes.some((prefix) => prefix.every((byte, index) => bytes[index] === byte));
}

async function discard(body: ReadableStream<Uint8Array> | null): Promise<void> {
  if (!body) return;
  const reader = body.getReader();
  for (let bytes = 0; bytes < MOST_READ_BYTES; ) {
    const { done, value } = await reader.read();
    if (done) return;
    bytes += value.byteLength;
  }
  await reader.cancel();
}
