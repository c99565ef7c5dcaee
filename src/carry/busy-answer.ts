import type { BusyAnswer } from "../config/types.ts";

/** What is read of a busy server's answer, so that its connection can be used again. */
const MOST_READ_BYTES = 64 * 1024;

/** The answer says "busy, not me", and has been read to its end; the original is untouched where it does not. */
export async function isBusyAnswer(response: Response, retryOn: BusyAnswer[]): Promise<boolean> {
  const possible = retryOn.filter(({ status }) => status === response.status);
  if (possible.length === 0) return false;
  const plain = possible.some(({ begins }) => begins === "");
  if (!plain && !(await beginsWithOne(response, possible))) return false;
  await readAway(response.body);
  return true;
}

/** How long the server asks to be left alone, in ms (RFC 9110, 10.2.3: seconds or a date); 0: it does not say. */
export function retryAfterMs({ headers }: Response, now: number): number {
  const value = headers.get("retry-after")?.trim() ?? "";
  if (/^\d+$/.test(value)) return Number(value) * 1_000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? 0 : Math.max(0, at - now);
}

async function beginsWithOne(response: Response, possible: BusyAnswer[]): Promise<boolean> {
  if (!response.body) return false;
  const beginnings = possible.map(({ begins }) => new TextEncoder().encode(begins));
  const longest = Math.max(...beginnings.map(({ byteLength }) => byteLength));
  const copy = response.clone().body as ReadableStream<Uint8Array>;
  const reader = copy.getReader({ mode: "byob" });
  const { value } = await reader.readAtLeast(longest, new Uint8Array(longest));
  void reader.cancel().catch(() => {});
  const bytes = value ?? new Uint8Array();
  return beginnings.some((one) => one.every((byte, index) => bytes[index] === byte));
}

async function readAway(body: ReadableStream<Uint8Array> | null): Promise<void> {
  if (!body) return;
  const reader = body.getReader();
  for (let bytes = 0; bytes < MOST_READ_BYTES; ) {
    const { done, value } = await reader.read();
    if (done) return;
    bytes += value.byteLength;
  }
  await reader.cancel();
}
