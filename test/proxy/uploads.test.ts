import { once } from "node:events";
import net from "node:net";
import { beforeEach, describe, expect, test } from "vitest";
import { begin, send } from "../support/client.ts";
import { bodyOf } from "../support/origin.ts";
import { useStage } from "../support/stage.ts";

/** More than `buffer_request`, so that the request has a slot before it has all of its body. */
const LONG = 3_000_000;
const PIECE = Buffer.alloc(100_000, "x");
const CLIENT_TIMEOUT_MS = 600;

const stage = useStage({
  web: { quarantine: { max: "1h", broken: "1ms" }, server_timeout: "5s" },
  patient: { quarantine: { max: "1h", broken: "1ms" }, client_timeout: `${CLIENT_TIMEOUT_MS}ms` },
  brisk: { server_timeout: "500ms", quarantine: { max: "1h" } },
});

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A quarantine that a test leaves behind is not the next one's. */
async function freeAll(pool: string): Promise<void> {
  const { servers } = await stage.sluice.snapshot(pool);
  for (const { id } of servers.flatMap(({ leases }) => leases)) {
    await stage.sluice.admin("DELETE", `/api/pools/${pool}/leases/${id}`);
  }
}
beforeEach(async () => {
  for (const pool of ["web", "patient", "brisk"]) await freeAll(pool);
});

function rawClient(head: string): net.Socket {
  const { hostname, port } = new URL(stage.sluice.url);
  const socket = net.connect(Number(port), hostname);
  socket.on("error", () => {});
  socket.write(head);
  return socket;
}

/** The status of the answer on a raw connection. */
async function statusOn(socket: net.Socket): Promise<number> {
  const [data] = (await once(socket, "data")) as [Buffer];
  return Number(/^HTTP\/1\.1 (\d+)/.exec(String(data))?.[1]);
}

describe.each(["chunks", "a length"])("an upload with %s that breaks off", (framing) => {
  const head = (path: string) => {
    const how = framing === "chunks" ? "Transfer-Encoding: chunked" : `Content-Length: ${LONG * 2}`;
    return `PUT ${path} HTTP/1.1\r\nHost: web\r\n${how}\r\n\r\n`;
  };
  const piece = framing === "chunks" ? `${PIECE.length.toString(16)}\r\n${PIECE}\r\n` : PIECE;

  test.each(["end", "destroy", "resetAndDestroy", ...(framing === "chunks" ? ["nonsense"] : [])])(
    "by %s never looks whole to its server",
    async (how) => {
      const socket = rawClient(head(`/${how}`));
      for (let sent = 0; sent < LONG; sent += PIECE.length) socket.write(piece);
      const { request } = await stage.origin.arrival();
      const body = bodyOf(request);
      body.catch(() => {});
      await once(request, "readable");
      if (how === "nonsense") socket.write("ZZ\r\nnonsense\r\n");
      else (socket as unknown as Record<string, () => void>)[how]?.();
      await expect(body).rejects.toThrow("aborted");
      await stage.sluice.until("web", ({ quarantined }) => quarantined === 1);
      socket.destroy();
    },
  );
});

describe("an upload that fits into the buffer", () => {
  test("and is malformed is the client's fault, and reaches nobody", async () => {
    const before = stage.origin.count;
    const socket = rawClient(
      "POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nZZ\r\n",
    );
    expect(await statusOn(socket)).toBe(400);
    expect(stage.origin.count).toBe(before);
    const { totals } = await stage.sluice.snapshot("web");
    expect(totals.refused["bad-gateway"] ?? 0).toBe(0);
  });

  test("and stops in the middle is refused after client_timeout, and took no slot", async () => {
    const { totals: before } = await stage.sluice.snapshot("patient");
    const headers = { Host: "patient.test", "Content-Length": 10 };
    const { request, response } = begin(stage.sluice.url, { method: "POST", headers });
    request.write("half");
    const answer = await response;
    expect(answer.statusCode).toBe(408);
    expect(JSON.parse(String(await bodyOf(answer))).code).toBe("client-timeout");
    expect((await stage.sluice.snapshot("patient")).totals.accepted).toBe(before.accepted);
  });

  test("and trickles is refused too", async () => {
    const headers = { Host: "patient.test", "Content-Length": 1_000 };
    const { request, response } = begin(stage.sluice.url, { method: "POST", headers });
    request.on("error", () => {});
    const drip = setInterval(() => request.write("x"), CLIENT_TIMEOUT_MS / 6);
    expect((await response).statusCode).toBe(408);
    clearInterval(drip);
    request.destroy();
  });
});

describe("an upload that stops while its request has a slot", () => {
  const headers = { Host: "patient.test", "Content-Length": LONG };

  test.each(["stops", "trickles"])(
    "and %s is the client's fault: 408, and the slot is free after `broken`",
    async (how) => {
      const { request, response } = begin(stage.sluice.url, { method: "POST", path: "/stalled", headers });
      request.on("error", () => {});
      request.write(Buffer.alloc(LONG / 2));
      const { request: arrived } = await stage.origin.arrival();
      arrived.resume();
      arrived.on("error", () => {});
      const drip =
        how === "trickles" ? setInterval(() => request.write("x"), CLIENT_TIMEOUT_MS / 6) : undefined;
      const answer = await response;
      clearInterval(drip);
      expect(answer.statusCode).toBe(408);
      const { totals } = await stage.sluice.until("patient", ({ inFlight }) => inFlight === 0);
      expect(totals.refused).toMatchObject({ "client-timeout": expect.any(Number) });
      expect(totals.refused["server-timeout"]).toBeUndefined();
      request.destroy();
    },
  );

  test("of a GET keeps the slot shut: it may be the server that takes nothing", async () => {
    const { request, response } = begin(stage.sluice.url, { method: "GET", path: "/get", headers });
    request.on("error", () => {});
    request.write(Buffer.alloc(LONG / 2));
    (await stage.origin.arrival()).request.resume().on("error", () => {});
    expect((await response).statusCode).toBe(408);
    await stage.sluice.until("patient", ({ quarantined }) => quarantined === 1);
    request.destroy();
  });
});

test.each(["GET", "POST"])(
  "a %s whose body comes steadily, for longer than server_timeout, is carried whole",
  async (method) => {
    stage.origin.answer = async (request, response) => response.end(String((await bodyOf(request)).length));
    const headers = { Host: "brisk.test", "Content-Length": LONG };
    const { request, response } = begin(stage.sluice.url, { method, headers });
    for (let sent = 0; sent < LONG; sent += LONG / 10) {
      request.write(Buffer.alloc(LONG / 10));
      await wait(120);
    }
    request.end();
    const answer = await response;
    expect([answer.statusCode, String(await bodyOf(answer))]).toEqual([200, String(LONG)]);
  },
);

test("a GET that is cut off by its client keeps the slot shut", async () => {
  const { request } = begin(stage.sluice.url, { headers: { "Content-Length": LONG } });
  request.on("error", () => {});
  request.write(Buffer.alloc(LONG / 2));
  (await stage.origin.arrival()).request.resume().on("error", () => {});
  request.destroy();
  await stage.sluice.until("web", ({ quarantined }) => quarantined === 1);
});

describe("an answer that comes before the upload's end", () => {
  test("of success: the server is at work until it has the request whole", async () => {
    const headers = { "Content-Length": LONG };
    const { request, response } = begin(stage.sluice.url, { method: "POST", headers });
    request.write(Buffer.alloc(LONG / 2));
    const { request: arrived, response: early } = await stage.origin.arrival();
    const body = bodyOf(arrived);
    early.writeHead(202, { "Content-Length": 8 }).end("accepted");
    const answer = await response;
    expect(answer.statusCode).toBe(202);
    expect((await stage.sluice.snapshot("web")).inFlight).toBe(1);
    request.end(Buffer.alloc(LONG / 2));
    expect((await body).length).toBe(LONG);
    expect(String(await bodyOf(answer))).toBe("accepted");
    const { quarantined } = await stage.sluice.until("web", ({ inFlight }) => inFlight === 0);
    expect(quarantined).toBe(0);
  });

  test("of refusal goes to the client at once, and the upload is cut off", async () => {
    const headers = { "Content-Length": LONG };
    const { request, response } = begin(stage.sluice.url, { method: "POST", headers });
    request.on("error", () => {});
    request.write(Buffer.alloc(LONG / 2));
    const { request: arrived, response: early } = await stage.origin.arrival();
    // Also with an error, as the request is not whole.
    const closed = new Promise((resolve) => arrived.socket.once("close", resolve));
    arrived.resume();
    early.writeHead(413, { "Content-Length": 9 }).end("too large");
    const answer = await response;
    expect([answer.statusCode, String(await bodyOf(answer))]).toEqual([413, "too large"]);
    await closed;
    await stage.sluice.until("web", ({ inFlight }) => inFlight === 0);
    expect((await stage.sluice.snapshot("web")).totals.refused["client-timeout"]).toBeUndefined();
  });
});

test("what a client does never counts against its server's health", async () => {
  const { totals } = await stage.sluice.snapshot("web");
  expect(totals.refused["bad-gateway"]).toBeUndefined();
  expect(totals.refused["server-timeout"]).toBeUndefined();
  stage.origin.answer = (_, response) => response.end("ok");
  expect((await send(stage.sluice.url)).status).toBe(200);
});
