import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Backlog } from "../../src/carry/backlog.ts";

/** A chunk of `length` at the start of a buffer of `capacity`, as a read into a large buffer gives it. */
const chunkOf = (length: number, capacity: number, fill = 1) =>
  new Uint8Array(Math.max(length, capacity)).fill(fill).subarray(0, length);

const held = (pieces: Uint8Array[]) => pieces.reduce((sum, piece) => sum + piece.buffer.byteLength, 0);

describe("what waits for a slow client", () => {
  test("comes out byte for byte, whatever came in and however it is taken", () => {
    const chunk = fc.tuple(fc.integer({ min: 1, max: 40_000 }), fc.constantFrom(16_384, 65_536));
    const step = fc.oneof(chunk, fc.constant("take" as const));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const backlog = new Backlog();
        const [came, left]: [Uint8Array[], Uint8Array[]] = [[], []];
        for (const [index, what] of steps.entries()) {
          if (what === "take") left.push(backlog.shift() ?? new Uint8Array());
          else {
            const given = chunkOf(...what, index);
            came.push(given.slice());
            backlog.push(given);
          }
        }
        left.push(...backlog.takeAll());
        expect(Buffer.concat(left).equals(Buffer.concat(came))).toBe(true);
      }),
    );
  });

  test("of small chunks goes on in few pieces that hold little more than their bytes", () => {
    const backlog = new Backlog();
    for (let i = 0; i < 10_000; i++) backlog.push(chunkOf(11, 16 * 1024));
    const pieces = backlog.takeAll();
    expect(pieces.length).toBeLessThan(8);
    expect(held(pieces)).toBeLessThan(2 * 110_000);
  });

  test("of middling chunks holds no more than twice its bytes", () => {
    const backlog = new Backlog();
    for (let i = 0; i < 50; i++) backlog.push(chunkOf(10_000, 256 * 1024));
    expect(held(backlog.takeAll())).toBeLessThan(2 * 500_000);
  });

  test("of a full buffer is passed on without a copy", () => {
    const backlog = new Backlog();
    const full = chunkOf(65_536, 65_536);
    backlog.push(full);
    expect(backlog.shift()).toBe(full);
  });

  test("is gone once all of it is taken", () => {
    const backlog = new Backlog();
    backlog.push(chunkOf(5, 64));
    expect(backlog.takeAll()).toHaveLength(1);
    expect(backlog.shift()).toBeUndefined();
    backlog.push(chunkOf(3, 64));
    expect(backlog.shift()).toHaveLength(3);
  });
});
