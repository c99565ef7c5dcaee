import { describe, expect, test } from "vitest";
import { open, send } from "../support/client.ts";
import type { Handler } from "../support/origin.ts";
import { useStage } from "../support/stage.ts";

const stage = useStage({ web: { slots: 100, retries: 0, quarantine: { max: "1ms", broken: "1ms" } } });

/** What the client gets of a response until it is cut off, as it must be. */
async function cutOff(path: string): Promise<string> {
  const answer = await open(stage.sluice.url, { path });
  expect(answer.statusCode).toBe(200);
  let got = "";
  await expect(async () => {
    for await (const chunk of answer) got += chunk;
  }).rejects.toThrow("aborted");
  return got;
}

describe("a response that the server breaks off within its body is cut off at the client too", () => {
  test.each([
    ["with its length", "Content-Length: 100"],
    ["in chunks", "Transfer-Encoding: chunked"],
    ["packed", "Content-Length: 100\r\nContent-Encoding: gzip"],
  ])("%s", async (_how, framing) => {
    const path = `/${framing.length}`;
    const got = cutOff(path);
    const { request } = await stage.origin.arrival();
    request.socket.write(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n5\r\nabcde\r\n`);
    request.socket.destroySoon();
    // What had come before may or may not have reached the client.
    expect("5\r\nabcde\r\n").toContain(await got);
    const line = await stage.sluice.logged((line) => line.path === path);
    expect(line).toMatchObject({ status: 200, outcome: "origin-error" });
  });

  test("after megabytes, with nothing lost or added before", async () => {
    stage.origin.answer = (_request, response) => {
      response.writeHead(200, { "Content-Length": 5_000_000 });
      response.write("x".repeat(3_000_000), () => response.socket?.destroySoon());
    };
    const got = await cutOff("/megabytes");
    expect(got.length).toBeLessThanOrEqual(3_000_000);
    expect(got).toBe("x".repeat(got.length));
  });
});

describe("a server that breaks before its headers is a bad gateway", () => {
  const breaks: [string, Handler][] = [
    ["at once", (request) => request.socket.destroy()],
    ["after the request was read", (request) => request.resume().on("end", () => request.socket.end())],
    ["within the status line", (request) => request.socket.end("HTTP/1.1 20")],
    ["within its headers", (request) => request.socket.end("HTTP/1.1 200 OK\r\nX-A: b\r\n")],
    ["with something that is not HTTP", (request) => request.socket.end("SSH-2.0-OpenSSH_9.6\r\n\r\n")],
  ];
  test.each(breaks)("%s", async (_when, handler) => {
    stage.origin.answer = handler;
    const answer = await send(stage.sluice.url, { method: "POST", body: "x" });
    expect(answer.status).toBe(502);
    expect(JSON.parse(answer.body.toString())).toMatchObject({
      code: "bad-gateway",
      pool: "web",
      status: 502,
    });
  });
});

test("a server that sends more than its Content-Length says is cut to it", async () => {
  stage.origin.answer = (request) =>
    request.socket.end("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody and more");
  const answer = await send(stage.sluice.url);
  expect(answer.body.toString()).toBe("body");
});

test("a slot whose server broke off is quarantined, and open again after that", async () => {
  stage.origin.answer = (request) => request.socket.destroy();
  expect((await send(stage.sluice.url)).status).toBe(502);
  const { totals } = await stage.sluice.until("web", ({ inFlight }) => inFlight === 0);
  expect(totals.refused["bad-gateway"]).toBeGreaterThan(0);
  stage.origin.answer = (_request, response) => response.end("well again");
  expect((await send(stage.sluice.url)).body.toString()).toBe("well again");
});
