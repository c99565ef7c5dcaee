import { EventEmitter, once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { beforeEach, expect, test } from "vitest";
import { open, send } from "../support/client.ts";
import { useStage } from "../support/stage.ts";

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
  expect([status, JSON.parse(String(body)).code]).toEqual([504, "server-timeout"]);
  await closed;
});

test("a stream that drips on is cut off, and its server's health does not suffer", async () => {
  const arriving = atServer();
  const answering = open(stage.sluice.url);
  const [, response] = await arriving;
  const drip = setInterval(() => response.write("x"), 20);
  const answer = await answering;
  await expect(answer.toArray()).rejects.toThrow("aborted");
  clearInterval(drip);
  const { servers } = await stage.sluice.until("web", ({ quarantined }) => quarantined > 0);
  expect(servers[0]?.health).not.toBe("down");
});
