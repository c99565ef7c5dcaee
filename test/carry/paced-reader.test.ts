import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PacedReader } from "../../src/carry/paced-reader.ts";
import type { BodyReader } from "../../src/carry/upload.ts";

const CLIENT_TIMEOUT_MS = 3_000;
const PIECE = new Uint8Array(100);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A client that sends a piece so many ms after each look for one. */
function clientThatSends(afterMs: number): PacedReader {
  const reader = {
    read: async () => {
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      return { done: false, value: PIECE };
    },
    cancel: async () => {},
  } as unknown as BodyReader;
  return new PacedReader(reader, new AbortController().signal, CLIENT_TIMEOUT_MS);
}

test("a client is not to blame for how long its body's pieces take to be stored", async () => {
  const paced = clientThatSends(10);
  for (let piece = 0; piece < 5; piece++) {
    const read = paced.read();
    await vi.advanceTimersByTimeAsync(10);
    expect(await read).toBe(PIECE);
    await vi.advanceTimersByTimeAsync(4 * CLIENT_TIMEOUT_MS);
  }
  paced.stop();
});

test("a client that sends too little for its time is given up", async () => {
  const paced = clientThatSends(1_000);
  let pieces = 0;
  const all = (async () => {
    for (; pieces < 20; pieces++) await paced.read();
  })().catch((error) => error.code);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(await all).toBe("client-timeout");
  expect(pieces).toBeLessThan(10);
});
