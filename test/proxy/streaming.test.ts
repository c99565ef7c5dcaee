import { on, once } from "node:events";
import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { begin, open, send } from "../support/client.ts";
import { bodyOf } from "../support/origin.ts";
import { useStage } from "../support/stage.ts";

const stage = useStage();

/** The next bytes that come, as text. */
async function nextOf(message: IncomingMessage): Promise<string> {
  message.resume();
  const [chunk] = await once(message, "data");
  message.pause();
  return String(chunk);
}

test("a response without Content-Length comes as chunks, and ends cleanly", async () => {
  stage.origin.answer = (_request, response) => {
    response.write("one, ");
    response.end("two");
  };
  const answer = await send(stage.sluice.url);
  expect(answer.headers["transfer-encoding"]).toBe("chunked");
  expect(answer.headers).not.toHaveProperty("content-length");
  expect(answer.body.toString()).toBe("one, two");
});

test("so does one that ends with its connection", async () => {
  stage.origin.answer = (request) =>
    request.socket.end("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it");
  const answer = await send(stage.sluice.url);
  expect(answer.body.toString()).toBe("all of it");
});

test("the headers reach the client before there is a body", async () => {
  const answering = open(stage.sluice.url);
  const { response } = await stage.origin.arrival();
  response.writeHead(200, { "X-Early": "yes" }).flushHeaders();
  const answer = await answering;
  expect(answer.headers["x-early"]).toBe("yes");
  response.end("body");
  expect((await bodyOf(answer)).toString()).toBe("body");
});

test("so they do where the body is short, and its length is known", async () => {
  const answering = open(stage.sluice.url);
  const { response } = await stage.origin.arrival();
  response.writeHead(200, { "Content-Length": 4 }).flushHeaders();
  const answer = await answering;
  expect(answer.headers["content-length"]).toBe("4");
  response.end("body");
  expect((await bodyOf(answer)).toString()).toBe("body");
});

test("a chunk reaches the client before the server has sent the next one", async () => {
  const answering = open(stage.sluice.url);
  const { response } = await stage.origin.arrival();
  response.write("first");
  const answer = await answering;
  expect(await nextOf(answer)).toBe("first");
  response.write("second");
  expect(await nextOf(answer)).toBe("second");
  response.end();
  expect((await bodyOf(answer)).toString()).toBe("");
});

test("a part of a body of known length reaches the client before the rest is there", async () => {
  const answering = open(stage.sluice.url);
  const { response } = await stage.origin.arrival();
  response.writeHead(200, { "Content-Length": 11 }).write("first");
  const answer = await answering;
  expect(await nextOf(answer)).toBe("first");
  response.end("second");
  expect((await bodyOf(answer)).toString()).toBe("second");
});

test.each([3, 300, 30_000])(
  "a body of twice %i bytes that comes in two pieces is whole, with its length",
  async (size) => {
    stage.origin.answer = (_request, response) => {
      response.writeHead(200, { "Content-Length": 2 * size });
      response.write("a".repeat(size), () => setImmediate(() => response.end("b".repeat(size))));
    };
    const answer = await send(stage.sluice.url);
    expect(answer.headers["content-length"]).toBe(String(2 * size));
    expect(answer.body.toString()).toBe("a".repeat(size) + "b".repeat(size));
  },
);

test("server-sent events arrive one by one", async () => {
  const answering = open(stage.sluice.url, { headers: { Accept: "text/event-stream" } });
  const { response } = await stage.origin.arrival();
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
  for (let i = 0; i < 20; i++) {
    const event = `id: ${i}\ndata: event ${i}\n\n`;
    response.write(event);
    expect(await nextOf(await answering)).toBe(event);
  }
  response.end();
  expect((await answering).headers["content-type"]).toBe("text/event-stream");
});

test("both ways at once: each chunk of an upload is answered before the next is sent", async () => {
  const { request: upload, response: answering } = begin(stage.sluice.url, {
    method: "POST",
    headers: { "Content-Length": 2_000_000 },
  });
  upload.write(Buffer.alloc(1_000_000, "a"));
  const { request, response } = await stage.origin.arrival();
  let got = 0;
  for await (const [chunk] of on(request, "data")) {
    got += chunk.length;
    if (got === 1_000_000) break;
  }
  response.write("got half");
  const answer = await answering;
  expect(await nextOf(answer)).toBe("got half");
  upload.end(Buffer.alloc(1_000_000, "b"));
  for await (const [chunk] of on(request, "data")) {
    got += chunk.length;
    if (got === 2_000_000) break;
  }
  response.end("got all");
  expect((await bodyOf(answer)).toString()).toBe("got all");
});
