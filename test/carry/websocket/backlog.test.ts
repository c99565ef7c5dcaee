import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MessageBacklog } from "../../../src/carry/websocket/backlog.ts";
import { Clock } from "../../../src/link/clock.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** A WebSocket whose other end takes only what the test lets it. */
class Stopped {
  bufferedAmount = 0;
  send(message: ArrayBuffer | ArrayBufferView | string): void {
    this.bufferedAmount += typeof message === "string" ? message.length : message.byteLength;
  }
}

/** One part of a memory of this size, of which others hold nothing. */
class Memory {
  held = 0;
  readonly #size: number;
  constructor(size: number) {
    this.#size = size;
  }
  hasRoomFor(bytes: number): boolean {
    return this.held + bytes <= this.#size;
  }
  hold(bytes: number): void {
    this.held = bytes;
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("scheduler", { wait: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)) });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function begin(memory = new Memory(Number.POSITIVE_INFINITY), patienceMs = 60_000) {
  const socket = new Stopped();
  const clock = new Clock();
  const backlog = new MessageBacklog(socket, { clock, share: memory, patienceMs });
  const stuck = vi.fn();
  backlog.onStuck = stuck;
  return { socket, memory, backlog, stuck };
}

/** How many messages of this size may wait. */
function room(backlog: MessageBacklog, size: number): number {
  for (let n = 0; ; n++) if (!backlog.push(new ArrayBuffer(size))) return n;
}

test("no more than some MiB wait, whatever room the memory has", () => {
  const { backlog } = begin();
  const bytes = room(backlog, MIB) * MIB;
  expect(bytes).toBeGreaterThanOrEqual(8 * MIB);
  expect(bytes).toBeLessThanOrEqual(16 * MIB);
});

test("a single message waits however large it is", () => {
  const { backlog } = begin();
  expect(room(backlog, 30 * MIB)).toBe(1);
});

test("where the memory is used up a little may wait all the same, and no more", () => {
  const { backlog } = begin(new Memory(0));
  const bytes = room(backlog, 16 * KIB) * 16 * KIB;
  expect(bytes).toBeGreaterThanOrEqual(64 * KIB);
  expect(bytes).toBeLessThanOrEqual(512 * KIB);
});

test("it holds what waits, and gives it back as it is taken", async () => {
  const { backlog, socket, memory } = begin();
  backlog.push("1234567890");
  expect(memory.held).toBe(10);
  socket.bufferedAmount = 4;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(memory.held).toBe(4);
  socket.bufferedAmount = 0;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(memory.held).toBe(0);
});

test("dropped, it holds nothing, though a broken WebSocket goes on counting", () => {
  const { backlog, memory } = begin();
  backlog.push("1234567890");
  backlog.drop();
  expect([memory.held, backlog.bytes]).toEqual([0, 0]);
});

test("a reader that leaves it untouched is stuck; one that takes a little now and then is not", async () => {
  const { backlog, socket, stuck } = begin(undefined, 5_000);
  backlog.push("1234567890");
  for (let n = 0; n < 9; n++) {
    await vi.advanceTimersByTimeAsync(4_000);
    socket.bufferedAmount--;
  }
  expect(stuck).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(6_000);
  expect(stuck).toHaveBeenCalledOnce();
});

test("a reader that is always behind, but takes as much as comes, is not stuck", async () => {
  const { backlog, socket, stuck } = begin(undefined, 5_000);
  backlog.push("1234567890");
  for (let n = 0; n < 10; n++) {
    await vi.advanceTimersByTimeAsync(4_000);
    socket.bufferedAmount -= 5;
    backlog.push("12345");
  }
  expect(stuck).not.toHaveBeenCalled();
});

test("what waits is waited for as long as it is being taken", async () => {
  const { backlog, socket } = begin();
  backlog.push("1234567890");
  const slowly = backlog.untilFlushed(5_000);
  for (let n = 0; n < 10; n++) {
    await vi.advanceTimersByTimeAsync(3_000);
    socket.bufferedAmount--;
  }
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await slowly).toBe(true);
});

test("what is left untouched is not waited for any longer", async () => {
  const { backlog } = begin();
  backlog.push("1234567890");
  const never = backlog.untilFlushed(5_000);
  await vi.advanceTimersByTimeAsync(6_000);
  expect(await never).toBe(false);
});
