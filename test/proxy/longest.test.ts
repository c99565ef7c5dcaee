import { EventEmitter, once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { beforeEach, expect, test } from "vitest";
import { open, send } from "../support/client.ts";
import { useStage } from "../support/stage.ts";
import { openPeers } from "../support/web-socket-client.ts";

const stage = useStage({
  web: { longest: "300ms", slots: 10, check: { path: "/up", fall: 1, interval: "1h" } },
});

beforeEach(() => {
  stage.origin.answer = (request, response) => {
    if (request.url === "/up") response.end();
    else work.emit("request", request, response);
  };
});

/** Requests that are no checks. */
const work = new EventEmitter();
const atServer = () => once(work, "request") as Promise<[IncomingMessage, ServerResponse]>;

test("a request that takes longer than `longest` is a 504, its server's connection closed", async () => {
  const arriving = atServer();
  const answering = send(stage.sluice.url);
  const [request] = await arriving;
  const closed = once(request.socket, "close");
  const { status, body } = await answering;
  expect(status).toBe(504);
  expect(JSON.parse(String(body))).toMatchObject({
    code: "server-timeout",
    detail: "The request took longer than any may.",
  });
  await closed;
});

test.each(["text/plain", "text/event-stream"])(
  "a stream of %s that drips on is cut off, and its server's health does not suffer",
  async (type) => {
    const arriving = atServer();
    const answering = open(stage.sluice.url);
    const [, response] = await arriving;
    response.setHeader("Content-Type", type);
    const drip = setInterval(() => response.write("x"), 20);
    const answer = await answering;
    await expect(answer.toArray()).rejects.toThrow("aborted");
    clearInterval(drip);
    const { servers } = await stage.sluice.until("web", ({ quarantined }) => quarantined > 0);
    expect(servers[0]?.health).not.toBe("down");
  },
);

test("a WebSocket is cut off then too, and its client is told", async () => {
  const { client, server } = await openPeers(stage, { path: "/socket" });
  server.send("text", "still talking");
  expect((await client.frame()).data.toString()).toBe("still talking");
  expect(await client.frame()).toMatchObject({ kind: "close", code: 1001 });
  await server.gone;
  client.sendClose(1001);
  await client.gone;
  const line = await stage.sluice.logged(({ path }) => path === "/socket");
  expect(line).toMatchObject({ status: 101, outcome: "server-timeout" });
});
