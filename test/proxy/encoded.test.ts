import { randomBytes } from "node:crypto";
import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { send } from "../support/client.ts";
import { useStage } from "../support/stage.ts";

const stage = useStage();

const TEXT = Buffer.from("what the server says, over and over again. ".repeat(5000));

const ENCODINGS = [
  ["gzip", gzipSync(TEXT)],
  ["br", brotliCompressSync(TEXT)],
  ["zstd", zstdCompressSync(TEXT)],
  ["deflate", deflateSync(TEXT)],
  ["gzip, br", brotliCompressSync(gzipSync(TEXT))],
  ["x-unheard-of", Buffer.from("not packed by anything known")],
  // A promise broken by the server is for the client to find out.
  ["gzip", Buffer.from("not gzip at all")],
] as const;

describe.each(ENCODINGS)("a response in %s", (encoding, packed) => {
  test.each([[{ "Accept-Encoding": "gzip, br, zstd" }], [{}]])(
    "with its length, asked with %j",
    async (headers) => {
      stage.origin.answer = (_request, response) => {
        const length = packed.length;
        response
          .writeHead(200, { "Content-Encoding": encoding, "Content-Length": length, ETag: '"v1"' })
          .end(packed);
      };
      const answer = await send(stage.sluice.url, { headers });
      expect(answer.headers).toMatchObject({
        "content-encoding": encoding,
        "content-length": String(packed.length),
        etag: '"v1"',
      });
      expect(answer.body.equals(packed)).toBe(true);
    },
  );

  test("in chunks", async () => {
    stage.origin.answer = (_request, response) => {
      response.writeHead(200, { "Content-Encoding": encoding, ETag: 'W/"v1"' });
      response.write(packed.subarray(0, 10));
      response.end(packed.subarray(10));
    };
    const answer = await send(stage.sluice.url, { headers: { "Accept-Encoding": "gzip" } });
    expect(answer.headers).toMatchObject({ "content-encoding": encoding, etag: 'W/"v1"' });
    expect(answer.headers["transfer-encoding"]).toBe("chunked");
    expect(answer.body.equals(packed)).toBe(true);
  });
});

// Long enough to go through the same memory several times over; random bytes stay as many when packed.
describe("a long response that streams through is passed on byte for byte", () => {
  const raw = randomBytes(6_000_000);
  const quick = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };
  const long = { gzip: gzipSync(raw), br: brotliCompressSync(raw, quick), zstd: zstdCompressSync(raw) };

  test.each([["gzip"], ["br"], ["zstd"]] as const)(
    "in %s, with its length and in chunks",
    async (encoding) => {
      const packed = long[encoding];
      for (const framing of [{ "Content-Length": packed.length }, { "Transfer-Encoding": "chunked" }]) {
        stage.origin.answer = (_request, response) => {
          response.writeHead(200, { "Content-Encoding": encoding, ...framing }).end(packed);
        };
        const answer = await send(stage.sluice.url, { headers: { "Accept-Encoding": encoding } });
        expect(answer.headers["content-encoding"]).toBe(encoding);
        expect(answer.headers["content-length"]).toBe(framing["Content-Length"]?.toString());
        expect(answer.body.equals(packed)).toBe(true);
      }
    },
  );
});

test("a HEAD and a 304 for something packed keep what they say of it", async () => {
  for (const [method, status] of [
    ["HEAD", 200],
    ["GET", 304],
  ] as const) {
    stage.origin.answer = (_request, response) => {
      response.writeHead(status, { "Content-Encoding": "gzip", ETag: '"v1"', Vary: "Accept-Encoding" }).end();
    };
    const answer = await send(stage.sluice.url, { method });
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject({
      "content-encoding": "gzip",
      etag: '"v1"',
      vary: "Accept-Encoding",
    });
  }
});

test("a response that is not packed stays so, whatever the client would take", async () => {
  stage.origin.answer = (_request, response) => response.end(TEXT);
  const answer = await send(stage.sluice.url, { headers: { "Accept-Encoding": "gzip, br" } });
  expect(answer.headers).not.toHaveProperty("content-encoding");
  expect(answer.body.equals(TEXT)).toBe(true);
});
