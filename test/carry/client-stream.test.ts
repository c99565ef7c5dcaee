import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ClientStream } from "../../src/carry/client-stream.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = (chunk: Uint8Array | undefined) => new TextDecoder().decode(chunk);

function start() {
  const leaving = new AbortController();
  const stream = new ClientStream(leaving.signal, 60_000);
  const free: string[] = [];
  stream.onFree = (piece) => free.push(textOf(piece));
  return { stream, free, leave: () => leaving.abort(), reader: stream.open(null).getReader() };
}

test("the client gets what comes, in order and as it comes, and an end", async () => {
  const { stream, reader } = start();
  const first = reader.read();
  stream.push(bytes("a"));
  expect(textOf((await first).value)).toBe("a");
  stream.push(bytes("b"));
  stream.end();
  expect(textOf((await reader.read()).value)).toBe("b");
  expect((await reader.read()).done).toBe(true);
  await stream.delivered;
});

test("a piece waits, and its memory is in use, until the client asks for the next", async () => {
  const { stream, reader, free } = start();
  const piece = bytes("x".repeat(50_000));
  expect(stream.push(piece)).toBe(true);
  let fewer = false;
  const taken = stream.untilNotFull(1).then(() => {
    fewer = true;
  });
  await reader.read();
  expect(fewer).toBe(false);
  expect(free).toEqual([]);
  void reader.read();
  await taken;
  expect(free).toEqual(["x".repeat(50_000)]);
});

test("the memory of what is put together with others is free at once", () => {
  const { stream } = start();
  expect(stream.push(new Uint8Array(100_000).subarray(0, 10))).toBe(false);
});

test("a client that is cut off has got all that came before", async () => {
  const { stream, reader } = start();
  stream.push(bytes("a"));
  stream.breakOff(new Error("the server broke off"));
  expect(textOf((await reader.read()).value)).toBe("a");
  await expect(reader.read()).rejects.toThrow("the server broke off");
});

test.each(["leaves", "drops its end"])("nothing waits any more for a client that %s", async (how) => {
  const { stream, reader, leave } = start();
  stream.push(bytes("a"));
  if (how === "leaves") leave();
  else await reader.cancel();
  expect(stream.clientLeft).toBe(true);
  await Promise.all([stream.untilNotFull(1), stream.delivered]);
  expect(stream.push(bytes("b"))).toBe(false);
});

test("who reads on for a client that has left waits for nothing", async () => {
  const { reader, leave } = start();
  const read = reader.read();
  leave();
  await expect(read).rejects.toThrow("the client has left");
});

test("one that left before there was a stream never takes it up", async () => {
  const stream = new ClientStream(AbortSignal.abort(), 60_000);
  stream.open(10);
  expect(stream.clientLeft).toBe(true);
  await stream.delivered;
});

describe("a client that takes nothing", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test("counts as gone after client_timeout, once something waits for it", async () => {
    const { stream, reader } = start();
    const left = vi.fn();
    stream.onLeft = left;
    await vi.advanceTimersByTimeAsync(600_000);
    expect(left).not.toHaveBeenCalled();
    stream.push(bytes("a"));
    await vi.advanceTimersByTimeAsync(60_050);
    expect(left).toHaveBeenCalledOnce();
    expect(stream.clientLeft).toBe(true);
    await expect(reader.read()).rejects.toThrow("takes nothing");
    await stream.delivered;
  });

  test("and is slow gets small pieces, and is heard with each of them", async () => {
    const { stream, reader, free } = start();
    stream.push(new Uint8Array(100_000));
    expect((await reader.read()).value?.byteLength).toBe(100_000);
    await vi.advanceTimersByTimeAsync(50_000);
    stream.push(new Uint8Array(60_000));
    for (let taken = 0; taken < 60_000; ) {
      const { value } = await reader.read();
      expect(value?.byteLength).toBeLessThanOrEqual(16 * 1024);
      taken += value?.byteLength ?? 0;
      await vi.advanceTimersByTimeAsync(50_000);
      expect(stream.clientLeft).toBe(false);
      // The rest of it is in the same memory.
      expect(free).toHaveLength(1);
    }
    stream.end();
    expect((await reader.read()).done).toBe(true);
    expect(free).toHaveLength(2);
  });
});
