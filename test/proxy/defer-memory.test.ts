import { setTimeout } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { Trace } from "../../src/carry/trace.ts";
import type { Env } from "../../src/link/env.ts";
import { defer } from "../../src/proxy/defer.ts";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

/** What a read of the client's body gives: some bytes at the beginning of a large buffer. */
const READ_BYTES = 64 * 1024;
const PIECES = 2_000;
const MOST_BYTES = (PIECES * READ_BYTES) / 4;

test("a body that comes in single bytes is stored in as much memory as it has", async () => {
  const rows: (Uint8Array | null)[] = [];
  const object = {
    store: async (_: unknown, body: Uint8Array | null) => {
      rows.push(body);
      return { code: "deferred-full" };
    },
    discard: async () => {},
  };
  const id = { toString: () => "0".repeat(64) };
  const env = { DEFERRED: { newUniqueId: () => id, get: () => object } } as unknown as Env;
  let held = Number.POSITIVE_INFINITY;
  const body = {
    length: null,
    async *pieces() {
      const before = process.memoryUsage().arrayBuffers;
      for (let piece = 0; piece < PIECES; piece++)
        yield new Uint8Array(READ_BYTES).fill(piece).subarray(0, 1);
      // What nobody holds is given back on another thread.
      for (let look = 0; look < 100 && held >= MOST_BYTES; look++) {
        collectGarbage();
        held = process.memoryUsage().arrayBuffers - before;
        await setTimeout(10);
      }
    },
  };
  const deferred = { maxBodyBytes: 1e6, webhooks: [], expiresMs: 1, keepMs: 1, maxResponseBytes: 1 };
  const carried = {
    pool: { name: "web", locationHint: null, clientTimeoutMs: 60_000, deferred },
    request: new Request("https://app.example/x", { method: "POST" }),
    target: { origin: "https://app.example", host: "app.example", path: "/x", pathAndQuery: "/x" },
    body,
    client: new AbortController().signal,
    trace: new Trace("r", "POST", "/x"),
  };
  await expect(defer(env, carried as unknown as Parameters<typeof defer>[1], 0)).rejects.toThrow();
  expect(rows[0]).toEqual(Uint8Array.from({ length: PIECES }, (_, piece) => piece));
  expect(rows[0]?.buffer.byteLength).toBe(PIECES);
  expect(held).toBeLessThan(MOST_BYTES);
});
