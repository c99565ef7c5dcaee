import { once } from "node:events";
import net from "node:net";
import { describe, expect, test } from "vitest";
import { open, send } from "../support/client.ts";
import { useStage } from "../support/stage.ts";

const stage = useStage({
  web: { server_timeout: "3s" },
  brisk: { client_timeout: "500ms", quarantine: { max: "1h" } },
  cancel: { client_timeout: "500ms", on_client_abort: "cancel", quarantine: { cancel: "1ms", max: "1h" } },
});

/** More than the buffers of Sluice and of two sockets take. */
const ENDLESS = 64 * 1024 * 1024;

test("every piece of a body of known length goes on as it comes, however fast the first ones were", async () => {
  const PIECES = 30;
  const answering = open(stage.sluice.url);
  const { response } = await stage.origin.arrival();
  response.writeHead(200, { "Content-Length": 1_000 * PIECES });
  response.write(Buffer.alloc(1_000));
  const answer = await answering;
  const ended = once(answer, "end");
  let received = 0;
  answer.on("data", (data: Buffer) => {
    received += data.length;
    answer.emit("more");
  });
  while (received < 1_000) await once(answer, "more");
  for (let sent = 2; sent <= PIECES; sent++) {
    response.write(Buffer.alloc(1_000));
    // The next is sent only when this one is here: one that is withheld would never come.
    while (received < 1_000 * sent) await once(answer, "more");
  }
  response.end();
  await ended;
});

describe("a client that stops reading a long answer", () => {
  async function stalledReader(host: string): Promise<net.Socket> {
    const { hostname, port } = new URL(stage.sluice.url);
    const socket = net.connect(Number(port), hostname);
    socket.on("error", () => {});
    socket.write(`GET /big HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    await once(socket, "data");
    socket.pause();
    return socket;
  }

  test("counts as gone after client_timeout: its server is heard out, and the slot is free", async () => {
    stage.origin.answer = (request, response) =>
      response.end(request.url === "/big" ? Buffer.alloc(ENDLESS) : "honest");
    const socket = await stalledReader("brisk.test");
    const honest = await send(stage.sluice.url, { headers: { Host: "brisk.test" } });
    expect([honest.status, String(honest.body)]).toEqual([200, "honest"]);
    expect((await stage.sluice.snapshot("brisk")).quarantined).toBe(0);
    socket.destroy();
  });

  test('with "cancel" its server\'s connection is closed', async () => {
    const reading = stalledReader("cancel.test");
    const { request, response } = await stage.origin.arrival();
    // With an error, as it was being written to.
    const closed = new Promise((resolve) => request.socket.once("close", resolve));
    response.on("error", () => {});
    response.writeHead(200, { "Content-Length": ENDLESS });
    response.write(Buffer.alloc(ENDLESS / 2));
    const socket = await reading;
    await closed;
    await stage.sluice.until("cancel", ({ inFlight }) => inFlight === 0);
    socket.destroy();
  });
});

test.each([
  [
    "a tab in its reason",
    (socket: net.Socket) => socket.end("HTTP/1.1 200 All\tright\r\nContent-Length: 2\r\n\r\nok"),
    "ok",
  ],
  [
    "a length that nobody can count",
    (socket: net.Socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 18014398509481984\r\n\r\nok"),
    null,
  ],
])("an answer with %s is passed on", async (_, answers, body) => {
  const answering = open(stage.sluice.url);
  const { request } = await stage.origin.arrival();
  answers(request.socket as net.Socket);
  const answer = await answering;
  expect(answer.statusCode).toBe(200);
  if (body === null)
    await expect(async () => {
      for await (const _data of answer);
    }).rejects.toThrow("aborted");
  else expect(String(Buffer.concat(await answer.toArray()))).toBe(body);
  await stage.sluice.until("web", ({ inFlight }) => inFlight === 0);
});

test("a HEAD's length that nobody can count stands as it came", async () => {
  const answering = open(stage.sluice.url, { method: "HEAD" });
  const { request } = await stage.origin.arrival();
  request.socket.end("HTTP/1.1 200 OK\r\nContent-Length: 18014398509481984\r\n\r\n");
  expect((await answering).statusCode).toBe(200);
});
