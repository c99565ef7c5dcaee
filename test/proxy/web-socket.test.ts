import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { expect, test } from "vitest";
import { send } from "../support/client.ts";
import { useStage } from "../support/stage.ts";
import { next, openWebSocket, UPGRADE } from "../support/web-socket-client.ts";

const stage = useStage();

test("the handshake passes: path and query, headers, the subprotocol that the server picks", async () => {
  const { client, server } = await openWebSocket(stage, "/ws?a=b", {
    protocols: ["chat.v1", "chat.v2"],
    accept: { "Sec-WebSocket-Protocol": "chat.v2" },
  });
  expect(server.request.url).toBe("/ws?a=b");
  expect(server.request.headers["sec-websocket-protocol"]).toBe("chat.v1, chat.v2");
  expect(server.request.headers["x-forwarded-host"]).toBe(new URL(stage.sluice.url).host);
  expect(client.protocol).toBe("chat.v2");
  server.sendClose(1000);
  await next(client, "close");
});

test("text and binary messages pass both ways, in order", async () => {
  const { client, server } = await openWebSocket(stage);
  const got: unknown[] = [];
  client.addEventListener("message", ({ data }) =>
    got.push(typeof data === "string" ? data : data.byteLength),
  );
  for (let i = 0; i < 50; i++) {
    client.send(`text ${i}`);
    client.send(new Uint8Array(1000 * i));
  }
  const expected: unknown[] = [];
  for (let i = 0; i < 50; i++) {
    const [text, binary] = [await server.frame(), await server.frame()];
    expect([text.kind, text.data.toString()]).toEqual(["text", `text ${i}`]);
    expect([binary.kind, binary.data.length]).toEqual(["binary", 1000 * i]);
    server.send("binary", binary.data);
    server.send("text", text.data);
    expected.push(1000 * i, `text ${i}`);
  }
  server.sendClose(1000);
  await next(client, "close");
  expect(got).toEqual(expected);
});

test("messages stay readable where client and server agree to pack them", async () => {
  const { client, server } = await openWebSocket(stage, "/ws", {
    accept: { "Sec-WebSocket-Extensions": "permessage-deflate" },
  });
  expect(client.extensions).toBe("permessage-deflate");
  const message = next(client, "message");
  const text = "over and over and over and over";
  // The tail that permessage-deflate leaves out.
  server.send("text", deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4), true);
  expect((await message).data).toBe(text);
  client.send(text);
  const { packed, data } = await server.frame();
  expect(packed).toBe(true);
  const whole = Buffer.concat([data, Buffer.from([0, 0, 0xff, 0xff])]);
  expect(inflateRawSync(whole, { finishFlush: constants.Z_SYNC_FLUSH }).toString()).toBe(text);
  server.sendClose(1000);
  await next(client, "close");
});

test("a server that declines the upgrade is passed on as it answers", async () => {
  stage.origin.declineUpgrades();
  stage.origin.answer = (_request, response) =>
    response.writeHead(426, { "X-A": "b" }).end("no sockets here");
  const answer = await send(stage.sluice.url, {
    headers: UPGRADE,
  });
  expect([answer.status, answer.headers["x-a"], answer.body.toString()]).toEqual([
    426,
    "b",
    "no sockets here",
  ]);
});
