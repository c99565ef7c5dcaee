import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type http from "node:http";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { expect, test } from "vitest";
import { begin, open, sizeOf } from "../support/client.ts";
import { growthOf } from "../support/memory.ts";
import { useStage } from "../support/stage.ts";

const stage = useStage();

const RANDOM = randomBytes(10_000_000);
const CHUNK_BYTES = 64 * 1024;
const SIZE = 1600 * CHUNK_BYTES; // 100 MB
/** Buffers and garbage; a body that was kept would need its whole size. */
const LEEWAY_MB = 50;

/** No two are the same: one that comes twice, or in another's place, shows. */
function* chunks(size: number) {
  for (let sent = 0; sent < size; sent += CHUNK_BYTES) {
    const start = (sent / CHUNK_BYTES) * 5003;
    yield RANDOM.subarray(start, start + CHUNK_BYTES);
  }
}

async function digestOf(bytes: Iterable<Buffer> | AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of bytes) hash.update(chunk);
  return hash.digest("hex");
}

function digestOfSlowly(message: http.IncomingMessage): Promise<string> {
  return digestOf(slowly(message));
}

async function* slowly(message: http.IncomingMessage) {
  let size = 0;
  for await (const chunk of message) {
    size += chunk.length;
    yield chunk;
    if (size % (32 * 1024 * 1024) < chunk.length) await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

type Read = (message: http.IncomingMessage) => Promise<string>;

/** In how many MB `size` bytes come down. */
function download(framing: http.OutgoingHttpHeaders, read: Read = digestOf): Promise<number> {
  return growthOf(stage.sluice.pid, SIZE, async (size) => {
    stage.origin.answer = (_request, response) => {
      response.writeHead(200, framing["Content-Length"] ? { "Content-Length": size } : framing);
      void pipeline(Readable.from(chunks(size)), response);
    };
    expect(await read(await open(stage.sluice.url))).toBe(await digestOf(chunks(size)));
  });
}

/** In how many MB `size` bytes go up. */
function upload(method: string, framing: http.OutgoingHttpHeaders, read: Read = digestOf): Promise<number> {
  stage.origin.answer = async (request, response) => response.end(await read(request));
  return growthOf(stage.sluice.pid, SIZE, async (size) => {
    const headers = framing["Content-Length"] ? { "Content-Length": size } : framing;
    const { request, response } = begin(stage.sluice.url, { method, headers });
    await pipeline(Readable.from(chunks(size)), request);
    expect(String(await (await response).toArray())).toBe(await digestOf(chunks(size)));
  });
}

const WITH_LENGTH = { "Content-Length": SIZE };
const IN_CHUNKS = { "Transfer-Encoding": "chunked" };

test.each([
  ["with its length", WITH_LENGTH],
  ["in chunks", IN_CHUNKS],
])("a response of 100 MB %s streams through, whole and in little memory", async (_how, framing) => {
  expect(await download(framing)).toBeLessThan(LEEWAY_MB);
});

test("a response of 100 MB to a client that pauses stays with the server meanwhile", async () => {
  expect(await download(WITH_LENGTH, digestOfSlowly)).toBeLessThan(LEEWAY_MB);
});

test.each([
  ["POST with its length", "POST", WITH_LENGTH],
  ["POST in chunks", "POST", IN_CHUNKS],
  ["GET with its length", "GET", WITH_LENGTH],
])("an upload of 100 MB by %s streams through, whole and in little memory", async (_how, method, framing) => {
  expect(await upload(method, framing)).toBeLessThan(LEEWAY_MB);
});

test("an upload of 100 MB to a server that pauses stays with the client meanwhile", async () => {
  expect(await upload("PUT", WITH_LENGTH, digestOfSlowly)).toBeLessThan(LEEWAY_MB);
});

// Each chunk used to keep the whole buffer alive that it was read into.
test("an upload in chunks of one byte takes little more memory than its bytes", async () => {
  const thousand = "1\r\nx\r\n".repeat(1000);
  stage.origin.answer = async (request, response) => response.end(String(await sizeOf(request)));
  const grown = await growthOf(stage.sluice.pid, 60_000, async (size) => {
    const { request, response } = begin(stage.sluice.url, { method: "PUT", headers: IN_CHUNKS });
    request.flushHeaders();
    const [socket] = (await once(request, "socket")) as [Socket];
    for (let sent = 0; sent < size; sent += 1000) {
      if (!socket.write(thousand)) await once(socket, "drain");
    }
    socket.write("0\r\n\r\n");
    expect(String(await (await response).toArray())).toBe(String(size));
    request.destroy();
  });
  expect(grown).toBeLessThan(LEEWAY_MB);
});
