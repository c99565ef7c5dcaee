import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { begin, send } from "../support/client.ts";
import { bodyOf, type Handler } from "../support/origin.ts";
import { useStage } from "../support/stage.ts";

const stage = useStage();

async function answered(handler: Handler, call: Parameters<typeof send>[1] = {}) {
  stage.origin.answer = handler;
  return send(stage.sluice.url, call);
}

/** Word for word over the wire, so that node's server adds nothing. */
const raw =
  (text: string): Handler =>
  (request) =>
    request.socket.end(text.replaceAll("\n", "\r\n"));

describe("the status and its text arrive as the server sent them", () => {
  test.each([
    [200, "Fine By Me"],
    [203, "Non-Authoritative Information"],
    [299, "Unheard Of"],
    [404, "Gone Fishing"],
    [418, "I'm a Teapot"],
    [500, "Oops"],
    [503, "Service Unavailable"],
    [599, "Last One"],
  ])("%d %s", async (status, text) => {
    const answer = await answered((_request, response) => response.writeHead(status, text).end("body"));
    expect([answer.status, answer.statusText]).toEqual([status, text]);
    expect(answer.body.toString()).toBe("body");
  });
});

describe("answers without a body", () => {
  test("HEAD keeps the Content-Length of what GET would give", async () => {
    const answer = await answered(
      (_request, response) => response.writeHead(200, { "Content-Length": 12345, ETag: '"x"' }).end(),
      { method: "HEAD" },
    );
    expect(answer.headers).toMatchObject({ "content-length": "12345", etag: '"x"' });
    expect(answer.body).toHaveLength(0);
  });

  test("HEAD has no Content-Length where the server sent none", async () => {
    const head = raw("HTTP/1.1 200 OK\nX-A: b\n\n");
    const answer = await answered(head, { method: "HEAD" });
    expect(answer.status).toBe(200);
    expect(answer.headers).not.toHaveProperty("content-length");
  });

  test("204 has neither a body nor a Content-Length", async () => {
    const answer = await answered((_request, response) => response.writeHead(204, { "X-A": "b" }).end());
    expect(answer.status).toBe(204);
    expect(answer.headers["x-a"]).toBe("b");
    expect(answer.headers).not.toHaveProperty("content-length");
    expect(answer.headers).not.toHaveProperty("transfer-encoding");
  });

  test("205 passes", async () => {
    const answer = await answered((_request, response) => {
      response.writeHead(205, { "Content-Length": 0 }).end();
    });
    expect([answer.status, answer.body.length]).toEqual([205, 0]);
  });

  test("200 with Content-Length: 0 passes", async () => {
    const answer = await answered((_request, response) => response.setHeader("Content-Length", 0).end());
    expect(answer.status).toBe(200);
    expect(answer.headers["content-length"]).toBe("0");
  });

  test("205 that has a body after all passes without it", async () => {
    const answer = await answered(raw("HTTP/1.1 205 Reset Content\nContent-Length: 4\n\nbody"));
    expect([answer.status, answer.body.length]).toEqual([205, 0]);
  });

  test("304 keeps its ETag, and the condition reaches the server", async () => {
    const answer = await answered(
      (request, response) => {
        response.writeHead(request.headers["if-none-match"] === '"v1"' ? 304 : 200, { ETag: '"v1"' }).end();
      },
      { headers: { "If-None-Match": '"v1"' } },
    );
    expect(answer.status).toBe(304);
    expect(answer.headers.etag).toBe('"v1"');
    expect(answer.body).toHaveLength(0);
  });
});

test("a range and its 206 pass", async () => {
  const answer = await answered(
    (request, response) => {
      expect(request.headers).toMatchObject({ range: "bytes=2-4", "if-range": '"v1"' });
      response.writeHead(206, { "Content-Range": "bytes 2-4/10", "Content-Length": 3 }).end("cde");
    },
    { headers: { Range: "bytes=2-4", "If-Range": '"v1"' } },
  );
  expect(answer.status).toBe(206);
  expect(answer.headers).toMatchObject({ "content-range": "bytes 2-4/10", "content-length": "3" });
  expect(answer.body.toString()).toBe("cde");
});

test("each Set-Cookie stays a header of its own, in order", async () => {
  const cookies = Array.from(
    { length: 12 },
    (_, i) => `c${i}=v; Expires=Wed, 21 Oct 2037 07:28:00 GMT; Path=/`,
  );
  const answer = await answered((_request, response) => response.setHeader("Set-Cookie", cookies).end());
  expect(answer.headers["set-cookie"]).toEqual(cookies);
});

test("an interim answer does not take the place of the final one", async () => {
  const interim = "HTTP/1.1 103 Early Hints\nLink: </a.css>; rel=preload\n\n";
  const answer = await answered(raw(`${interim}HTTP/1.1 200 OK\nContent-Length: 4\n\nbody`));
  expect([answer.status, answer.body.toString()]).toEqual([200, "body"]);
});

test("a client that waits for 100 Continue gets it, and its upload passes", async () => {
  const headers = { Expect: "100-continue", "Content-Length": 4 };
  const { request: upload, response: answering } = begin(stage.sluice.url, { method: "POST", headers });
  upload.flushHeaders();
  await once(upload, "continue");
  upload.end("body");
  const { request, response } = await stage.origin.arrival();
  expect((await bodyOf(request)).toString()).toBe("body");
  response.end();
  expect((await answering).statusCode).toBe(200);
});

test("an answer that comes before the upload is over reaches the client at once", async () => {
  const headers = { "Content-Length": 5_000_000 };
  const { request: upload, response: answering } = begin(stage.sluice.url, { method: "POST", headers });
  upload.write(Buffer.alloc(2_000_000));
  const { response } = await stage.origin.arrival();
  response.writeHead(413, { "Content-Length": 9 }).end("too large");
  const answer = await answering;
  expect(answer.statusCode).toBe(413);
  expect((await bodyOf(answer)).toString()).toBe("too large");
  upload.destroy();
});
