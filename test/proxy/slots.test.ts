import { once } from "node:events";
import { expect, test } from "vitest";
import { begin, open, send } from "../support/client.ts";
import { bodyOf } from "../support/origin.ts";
import { useStage } from "../support/stage.ts";

const stage = useStage({ web: { slots: 1, buffer_request: "256KiB", buffer_response: "512KiB" } });
const KB = 1024;

const idle = () => stage.sluice.until("web", ({ inFlight }) => inFlight === 0);
const busy = () => stage.sluice.until("web", ({ inFlight }) => inFlight === 1);

test.each([
  ["POST", "with its length", { "Content-Length": 200 * KB }],
  ["POST", "in chunks", { "Transfer-Encoding": "chunked" }],
  ["GET", "with its length", { "Content-Length": 200 * KB }],
])("a slow %s %s, smaller than the buffer, holds no slot while it is sent", async (method, _how, headers) => {
  const { request: slow, response: answering } = begin(stage.sluice.url, { method, path: "/slow", headers });
  slow.write(Buffer.alloc(100 * KB));
  const quick = send(stage.sluice.url, { path: "/quick" });
  const first = await stage.origin.arrival();
  expect(first.request.url).toBe("/quick");
  first.response.end();
  expect((await quick).status).toBe(200);
  await stage.sluice.until("web", ({ inFlight }) => inFlight === 0);

  slow.end(Buffer.alloc(100 * KB));
  const second = await stage.origin.arrival();
  expect(second.request.url).toBe("/slow");
  expect(await bodyOf(second.request)).toHaveLength(200 * KB);
  second.response.end();
  expect((await answering).statusCode).toBe(200);
});

test.each([
  ["with its length", { "Content-Length": 2000 * KB }],
  ["in chunks", { "Transfer-Encoding": "chunked" }],
])("a larger upload %s is on its way to the server before it is over", async (_how, headers) => {
  const { request: upload, response: answering } = begin(stage.sluice.url, { method: "PUT", headers });
  upload.write(Buffer.alloc(1000 * KB, "a"));
  const { request, response } = await stage.origin.arrival();
  await once(request, "readable");
  expect((await stage.sluice.snapshot("web")).inFlight).toBe(1);
  upload.end(Buffer.alloc(1000 * KB, "b"));
  const body = await bodyOf(request);
  expect([body.length, body[0], body.at(-1)]).toEqual([2000 * KB, 97, 98]);
  response.end();
  expect((await answering).statusCode).toBe(200);
});

test.each([
  ["with its length", { "Content-Length": 500 * KB }],
  ["in chunks", { "Transfer-Encoding": "chunked" }],
])("a slow reader of a response %s, up to the buffer, holds no slot", async (_how, headers) => {
  stage.origin.answer = (_request, response) =>
    response.writeHead(200, headers).end(Buffer.alloc(500 * KB, "x"));
  const slow = await open(stage.sluice.url);
  await idle();
  // The client has not read a byte yet; another one is served meanwhile.
  expect((await send(stage.sluice.url)).body).toHaveLength(500 * KB);
  const body = await bodyOf(slow);
  expect(body.equals(Buffer.alloc(500 * KB, "x"))).toBe(true);
});

test("a slow reader of a larger response slows the server down, and holds its slot until the server is done", async () => {
  const size = 40_000 * KB;
  let sent = 0;
  let blocked = false;
  const unblocked = Promise.withResolvers<void>();
  stage.origin.answer = (_request, response) => {
    response.writeHead(200, { "Content-Length": size });
    const more = () => {
      while (sent < size) {
        sent += 100 * KB;
        if (!response.write(Buffer.alloc(100 * KB))) {
          blocked = true;
          response.once("drain", more);
          return;
        }
      }
      response.end();
      unblocked.resolve();
    };
    more();
  };
  const slow = await open(stage.sluice.url);
  await stillFor(() => sent);
  expect(blocked).toBe(true);
  // What is on the way is in the sockets' buffers and in ours; most is with the server still.
  expect(sent).toBeLessThan(size / 2);
  expect((await busy()).inFlight).toBe(1);
  let got = 0;
  for await (const chunk of slow) got += chunk.length;
  await unblocked.promise;
  expect(got).toBe(size);
  await idle();
});

/** Resolves once the number has not changed for a while. */
async function stillFor(number: () => number, ms = 150): Promise<void> {
  for (let last = -1; last !== number(); ) {
    last = number();
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
}
