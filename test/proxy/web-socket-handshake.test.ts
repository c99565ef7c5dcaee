import { describe, expect, test } from "vitest";
import { send } from "../support/client.ts";
import { useStage } from "../support/stage.ts";
import { openPeers, UPGRADE } from "../support/web-socket-client.ts";

const stage = useStage();

const KEY = "Sec-WebSocket-Key";
const VERSION = "Sec-WebSocket-Version";

describe("a handshake is refused before it takes a slot", () => {
  test.each([
    ["without a key", {}, { [KEY]: undefined }],
    ["with an empty key", {}, { [KEY]: "" }],
    ["with a key that is no base64", {}, { [KEY]: "!!!!IHNhbXBsZSBub25jZQ==" }],
    ["with a key of 15 bytes", {}, { [KEY]: "aGUgc2FtcGxlIG5vbmNl" }],
    ["with a key of 17 bytes", {}, { [KEY]: "dGhlIHNhbXBsZSBub25jZTE=" }],
    ["with two keys", {}, { [KEY]: [UPGRADE[KEY], UPGRADE[KEY]] }],
    ["without a version", {}, { [VERSION]: undefined }],
    ["by POST", { method: "POST", body: "question" }, {}],
    ["by PUT without a body", { method: "PUT" }, { "Content-Length": 0 }],
    ["by HEAD", { method: "HEAD" }, {}],
    ["with a body", { body: "question" }, { "Content-Length": 8 }],
    ["for another protocol too", {}, { Upgrade: "foo, websocket" }],
    ["for WebSocket twice", {}, { Upgrade: "websocket,WebSocket" }],
  ] as const)("%s: 400", async (_, call, headers) => {
    const { accepted } = (await stage.sluice.snapshot("web")).totals;
    const answer = await send(stage.sluice.url, { ...call, headers: given(headers) });
    expect(answer.status).toBe(400);
    if (!("method" in call) || call.method !== "HEAD") {
      expect(JSON.parse(answer.body.toString())).toMatchObject({ code: "invalid-request" });
    }
    expect((await stage.sluice.snapshot("web")).totals.accepted).toBe(accepted);
  });

  test.each(["12", "8", "14", "13, 8", "thirteen"])(
    "of version %s: 426, which names ours",
    async (version) => {
      const answer = await send(stage.sluice.url, { headers: given({ [VERSION]: version }) });
      expect(answer.status).toBe(426);
      expect(answer.headers["sec-websocket-version"]).toBe("13");
      expect(JSON.parse(answer.body.toString())).toMatchObject({ code: "websocket-version" });
      expect((await stage.sluice.snapshot("web")).totals.accepted).toBe(0);
    },
  );
});

test.each([
  ["the protocol's name in capitals", { Upgrade: "WebSocket" }],
  ["a connection that is kept alive besides", { Connection: "keep-alive, Upgrade" }],
])("a handshake passes with %s", async (_, headers) => {
  const { client, server } = await openPeers(stage, { headers });
  client.send("text", "hello");
  expect((await server.frame()).data.toString()).toBe("hello");
  server.cut();
  await client.gone;
});

test.each(["h2c", "websocket2", "TLS/1.2, HTTP/2.0"])(
  "a request that asks for %s instead goes to the server as an ordinary one",
  async (protocol) => {
    stage.origin.answer = (_request, response) => response.end("plain");
    const answer = await send(stage.sluice.url, { headers: { Connection: "Upgrade", Upgrade: protocol } });
    expect([answer.status, answer.body.toString()]).toEqual([200, "plain"]);
  },
);

/** A handshake's headers but for these; `undefined`: without. */
function given(others: Record<string, string | number | readonly string[] | undefined>) {
  const all = Object.entries({ ...UPGRADE, ...others });
  return Object.fromEntries(all.filter(([, value]) => value !== undefined)) as Record<string, string>;
}
