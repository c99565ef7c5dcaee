import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type http from "node:http";
import net from "node:net";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { begin, open, send } from "../support/client.ts";
import { growthOf } from "../support/memory.ts";
import { bodyOf, Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";
import { Deferrer } from "./support.ts";

const MIB = 1024 * 1024;

let origin: Origin;
let sluice: Sluice;
let client: Deferrer;
beforeAll(async () => {
  origin = await Origin.start();
  const web = { servers: [{ name: "web-1", url: origin.url }], deferred: { max_body: "64MiB" } };
  const small = { ...web, hosts: ["small.test"], deferred: { max_body: "1MiB", max_response: "1MiB" } };
  sluice = await Sluice.start({
    pools: {
      web,
      small: { ...small, servers: [{ name: "s", url: origin.url }] },
      slow: {
        ...small,
        hosts: ["slow.test"],
        client_timeout: "2s",
        deferred: { max_response: "16MiB" },
      },
      cancel: { ...small, hosts: ["cancel.test"], on_client_abort: "cancel" },
    },
  });
  client = new Deferrer(() => sluice);
});
beforeEach(() => origin.reset());
afterAll(async () => {
  await sluice.stop();
  await origin.stop();
});

const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const chunked = { "Transfer-Encoding": "chunked" };

/** The server answers each request with the digest and length of its body. */
function answerWithDigest(): void {
  origin.answer = async (request: http.IncomingMessage, response: http.ServerResponse) => {
    const body = await bodyOf(request);
    response.setHeader("X-Length", request.headers["content-length"] ?? "none");
    response.end(`${digest(body)} ${body.length}`);
  };
}

describe("the body of a deferred request", () => {
  test.each([
    ["nothing", 0, {}],
    ["a byte", 1, {}],
    ["exactly one row", 512 * 1024, {}],
    ["a row and a byte", 512 * 1024 + 1, {}],
    ["30 MB", 30_000_000, {}],
    ["30 MB in chunks", 30_000_000, chunked],
  ])("comes to the server as it was: %s", async (_, size, headers) => {
    answerWithDigest();
    const body = randomBytes(size);
    const id = await client.defer("/", { body, headers });
    expect(await client.ended(id)).toMatchObject({ state: "answered" });
    const response = await client.response(id);
    expect(String(response.body)).toBe(`${digest(body)} ${size}`);
    if (size > 0) expect(response.headers["x-length"]).toBe(String(size));
  });

  test("that is too large is refused, whether its length is stated or not", async () => {
    answerWithDigest();
    // The pool hears of the last answer when that has been read already.
    await sluice.until("web", ({ deferred }) => deferred?.running === 0);
    const before = origin.count;
    const body = randomBytes(MIB + 1);
    for (const headers of [{}, chunked]) {
      const refused = await client.send("/", { body, headers: { ...headers, Host: "small.test" } });
      expect([refused.status, JSON.parse(String(refused.body)).code]).toEqual([413, "body-too-large"]);
    }
    expect(origin.count).toBe(before);
  });

  test("that breaks off is not stored, and never comes to a server", async () => {
    answerWithDigest();
    const before = origin.count;
    for (const frame of ["Content-Length: 2000000", "Transfer-Encoding: chunked"]) {
      const socket = net.connect(Number(new URL(sluice.url).port), "127.0.0.1");
      await once(socket, "connect");
      const piece = "x".repeat(900_000);
      const body = frame.includes("chunked") ? `${piece.length.toString(16)}\r\n${piece}\r\n` : piece;
      const head = `POST /broken HTTP/1.1\r\nHost: a.test\r\nPrefer: respond-async\r\n${frame}\r\n\r\n`;
      socket.on("error", () => {});
      // It ends in the middle of its body, all of which is read before.
      socket.end(head + body);
      await sluice.logged(({ path }) => path === "/broken");
    }
    const { deferred } = await sluice.snapshot("web");
    expect(deferred).toMatchObject({ queued: 0, running: 0 });
    expect(origin.count).toBe(before);
  });
});

describe("the answer to a deferred request", () => {
  test("of 30 MB that are compressed comes byte for byte", async () => {
    const content = randomBytes(15_000_000).toString("hex");
    const zipped = gzipSync(content);
    expect(zipped.length).toBeGreaterThan(15_000_000);
    origin.answer = (_request, response) =>
      response.writeHead(200, { "Content-Encoding": "gzip", "X-Odd": "a, b" }).end(zipped);
    const id = await client.defer("/");
    await client.ended(id);
    const { headers, body } = await client.response(id, { "Accept-Encoding": "gzip" });
    expect([headers["content-encoding"], headers["x-odd"]]).toEqual(["gzip", "a, b"]);
    expect(digest(body)).toBe(digest(zipped));
    expect(gunzipSync(body).toString()).toBe(content);
  });

  test.each([
    ["204 without a body", 204, {}, ""],
    ["a 404 with its own page", 404, { "Content-Type": "text/html" }, "<h1>no</h1>"],
    ["a redirect", 303, { Location: "/there" }, ""],
    ["two cookies", 200, { "Set-Cookie": ["a=1; Path=/", "b=2, c"] }, "ok"],
  ])("is the server's own: %s", async (_, status, headers, text) => {
    origin.answer = (_request, response) => response.writeHead(status, "Fine", headers).end(text);
    const id = await client.defer("/");
    await client.ended(id);
    const response = await client.response(id);
    expect([response.status, response.statusText, String(response.body)]).toEqual([status, "Fine", text]);
    for (const [name, value] of Object.entries(headers)) {
      const expected = name === "Location" ? `${sluice.url}${value}` : value;
      expect([expected, value]).toContainEqual(response.headers[name.toLowerCase()]);
    }
  });

  test.each(["small.test", "cancel.test"])(
    "that is too large to store fails the request, and says so: %s",
    async (host) => {
      origin.answer = (_request, response) => response.end(randomBytes(4 * MIB));
      const id = await client.defer("/", { headers: { Host: host } });
      expect(await client.ended(id)).toMatchObject({
        state: "failed",
        problem: { code: "response-too-large" },
      });
      expect((await client.response(id)).status).toBe(502);
    },
  );
});

describe("a client that would wait for a while", () => {
  const waiting = (headers: Record<string, string> = {}) => ({
    headers: { Prefer: "respond-async, wait=20", ...headers },
  });

  test("gets the answer itself, as if it had never been deferred", async () => {
    const zipped = gzipSync("hello");
    origin.answer = (_request, response) =>
      response.writeHead(201, "Made", { "Content-Encoding": "gzip", ETag: '"x"' }).end(zipped);
    const direct = await send(sluice.url, { method: "POST", path: "/same" });
    const waited = await client.send("/same", waiting());
    const comparable = ({ status, statusText, headers, body }: typeof direct) => {
      const { "server-timing": _t, "x-request-id": _r, date: _d, ...rest } = headers;
      return { status, statusText, rest, body: body.toString("hex") };
    };
    expect(comparable(waited)).toEqual(comparable(direct));
  });

  test("gets a refusal as such", async () => {
    origin.answer = (request) => request.socket.destroy();
    const { status, body } = await client.send("/", waiting());
    expect([status, JSON.parse(String(body)).code]).toEqual([502, "bad-gateway"]);
  });

  test("gets an answer that is too large to store, as it comes", async () => {
    const content = randomBytes(20 * MIB);
    origin.answer = (_request, response) => response.end(content);
    const { status, body } = await client.send("/", waiting({ Host: "small.test" }));
    expect(status).toBe(200);
    expect(digest(body)).toBe(digest(content));
    await sluice.until("small", ({ inFlight, deferred }) => inFlight === 0 && deferred?.running === 0);
  });

  test("gets an answer that is too large to store, however long it takes for what is stored of that", async () => {
    const content = randomBytes(18 * MIB);
    origin.answer = (_request, response) => response.end(content);
    const response = await open(sluice.url, { method: "POST", ...waiting({ Host: "slow.test" }) });
    const pieces: Buffer[] = [];
    for await (const piece of response) {
      pieces.push(piece);
      // 4 MB/s: what is stored, but for what sockets hold, takes twice as long as `client_timeout`.
      await new Promise((resolve) => setTimeout(resolve, piece.length / 4096));
    }
    expect(digest(Buffer.concat(pieces))).toBe(digest(content));
  });

  test("gets 202 once its time is over", async () => {
    const { request, response } = begin(sluice.url, {
      method: "POST",
      path: "/slow",
      headers: { Prefer: "respond-async, wait=1" },
    });
    request.end();
    const arrival = await origin.arrival();
    const accepted = await response;
    expect([accepted.statusCode, accepted.headers["preference-applied"]]).toEqual([202, "respond-async"]);
    arrival.response.end("late");
    const { id } = JSON.parse(String(await bodyOf(accepted)));
    await client.ended(id);
    expect(String((await client.response(id)).body)).toBe("late");
  });
});

test("memory stays bounded while 30 MB go in and come out", async () => {
  origin.answer = async (request, response) => {
    for await (const chunk of request) if (!response.write(chunk)) await once(response, "drain");
    response.end();
  };
  const grown = await growthOf(sluice.pid, 30 * MIB, async (size) => {
    const id = await client.defer("/", { body: randomBytes(size) });
    await client.ended(id);
    const { body } = await client.response(id);
    expect(body.length).toBe(size);
    await client.cancel(id);
  });
  expect(grown).toBeLessThan(60);
});
