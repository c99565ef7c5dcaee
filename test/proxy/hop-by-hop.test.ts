import { once } from "node:events";
import http from "node:http";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { type Call, send } from "../support/client.ts";
import { bodyOf } from "../support/origin.ts";
import { useStage } from "../support/stage.ts";
import { UPGRADE } from "../support/web-socket-client.ts";
import { acceptNext } from "../support/web-socket-peer.ts";

const stage = useStage();

/** What the origin gets of a request, and the client of an answer with these headers. */
async function exchange(call: Call, answered: http.OutgoingHttpHeaders = {}, answer = "ok") {
  const answering = send(stage.sluice.url, call);
  const { request, response } = await stage.origin.arrival();
  const body = (await bodyOf(request)).toString();
  response.writeHead(200, answered).end(answer);
  return { toServer: request.headers, body, client: await answering };
}

describe("a header for one connection only does not go on to the server:", () => {
  test.each([
    ["X-Hop", "X-Hop"],
    ["close, x-hop", "close, X-Hop"],
    ["keep-alive,X-HOP ,, x-not-there", "X-Hop"],
    ["\tx-hop\t", "X-Hop"],
    ["cookie", "Cookie"],
  ])("what `Connection: %s` names", async (Connection, name) => {
    const headers = { Connection, "X-Hop": "1", Cookie: "a=b", "X-Stays": "2" };
    const { toServer, client } = await exchange({ headers });
    for (const one of name.split(", ")) expect(toServer).not.toHaveProperty(one.toLowerCase());
    expect(toServer["x-stays"]).toBe("2");
    expect(client.status).toBe(200);
  });

  test.each([
    ["Proxy-Authorization", "Basic YTpi"],
    ["Proxy-Authenticate", "Basic"],
    ["Proxy-Connection", "keep-alive"],
    ["Keep-Alive", "timeout=5"],
    ["TE", "trailers"],
    ["Upgrade", "h2c"],
  ])("%s, named or not", async (name, value) => {
    const headers = { [name]: value, Authorization: "Basic YTpi" };
    expect((await exchange({ headers })).toServer).not.toHaveProperty(name.toLowerCase());
    const { toServer } = await exchange({ headers: { ...headers, Connection: name } });
    expect(toServer).not.toHaveProperty(name.toLowerCase());
    expect(toServer.authorization).toBe("Basic YTpi");
  });
});

describe("`Connection` does not make a server lose", () => {
  // A server would believe whoever leaves them out that it is somebody else.
  test("who the client is, and what else Cloudflare and Sluice say of it", async () => {
    const said = { "CF-Connecting-IP": "203.0.113.7", "CF-Ray": "1", "X-Forwarded-For": "198.51.100.1" };
    const Connection = `${Object.keys(said)}, x-forwarded-proto, x-forwarded-host, x-request-id`;
    const { toServer } = await exchange({ headers: { ...said, Connection, "X-Request-Id": "id-1" } });
    expect(toServer).toMatchObject({
      "cf-connecting-ip": "203.0.113.7",
      "cf-ray": "1",
      "x-forwarded-for": "198.51.100.1, 203.0.113.7",
      "x-forwarded-proto": "http",
      "x-forwarded-host": new URL(stage.sluice.url).host,
      "x-request-id": "id-1",
    });
  });

  test.each([["GET"], ["POST"]])("the body of a %s, its length and what it is", async (method) => {
    const headers = {
      "Content-Length": 6,
      "Content-Type": "text/x-a",
      "Content-Encoding": "x-b",
      Connection: "content-length, transfer-encoding, content-type, content-encoding, host",
    };
    const { toServer, body } = await exchange({ method, headers, body: "a body" });
    expect(body).toBe("a body");
    expect(toServer).toMatchObject({
      "content-length": "6",
      "content-type": "text/x-a",
      "content-encoding": "x-b",
      host: new URL(stage.origin.url).host,
    });
  });

  test("a WebSocket's handshake, while what else it names stays behind", async () => {
    const accepted = acceptNext(stage.origin);
    const Connection = "Upgrade, X-Hop, Sec-WebSocket-Key, Sec-WebSocket-Version";
    const headers = { ...UPGRADE, Connection, "X-Hop": "1", "Sec-WebSocket-Protocol": "chat" };
    const request = http.get(stage.sluice.url, { headers });
    const upgraded = once(request, "upgrade");
    const server = await accepted;
    expect(server.request.headers).toMatchObject({ upgrade: "websocket", "sec-websocket-protocol": "chat" });
    expect(server.request.headers).not.toHaveProperty("x-hop");
    const [response, socket] = await upgraded;
    expect(response.statusCode).toBe(101);
    socket.destroy();
    server.cut();
  });
});

describe("a header for one connection only does not go on to the client:", () => {
  test("what the server's `Connection` names", async () => {
    const answered = { Connection: "close, X-Hop, x-other", "X-Hop": "1", "X-Other": "2", "X-Stays": "3" };
    const { client } = await exchange({}, answered);
    for (const name of ["x-hop", "x-other"]) expect(client.headers).not.toHaveProperty(name);
    expect(client.headers["x-stays"]).toBe("3");
    expect(client.body.toString()).toBe("ok");
  });

  test.each([
    ["Keep-Alive", "timeout=5"],
    ["Proxy-Connection", "keep-alive"],
    ["Proxy-Authenticate", "Basic"],
    ["Proxy-Authentication-Info", "x"],
    ["Upgrade", "h2c"],
  ])("%s", async (name, value) => {
    const { client } = await exchange({}, { [name]: value });
    expect(client.headers).not.toHaveProperty(name.toLowerCase());
  });
});

test("a server's `Connection` does not make a client lose the body, its length, its coding, or what Sluice says", async () => {
  const packed = gzipSync("what the server says");
  stage.origin.answer = (_request, response) => {
    const Connection = "content-length, content-encoding, content-type, x-request-id, server-timing";
    const headers = {
      "Content-Length": packed.length,
      "Content-Encoding": "gzip",
      "Content-Type": "text/x-a",
    };
    response.writeHead(200, { ...headers, Connection }).end(packed);
  };
  const { headers, body } = await send(stage.sluice.url, { headers: { "X-Request-Id": "id-2" } });
  expect(body.equals(packed)).toBe(true);
  expect(headers).toMatchObject({
    "content-length": String(packed.length),
    "content-encoding": "gzip",
    "content-type": "text/x-a",
    "x-request-id": "id-2",
    "server-timing": expect.stringContaining("queue;dur="),
  });
});
