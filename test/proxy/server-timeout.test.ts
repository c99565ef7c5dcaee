import { describe, expect, test } from "vitest";
import { begin, open, send } from "../support/client.ts";
import { bodyOf } from "../support/origin.ts";
import { useStage } from "../support/stage.ts";

const TIMEOUT_MS = 200;
const stage = useStage({
  web: { slots: 1, server_timeout: `${TIMEOUT_MS}ms`, quarantine: { max: "30s" } },
  first: { slots: 10, server_timeout: { first_byte: `${TIMEOUT_MS}ms`, between: "1m" } },
  between: { slots: 10, server_timeout: { first_byte: "1m", between: `${TIMEOUT_MS}ms` } },
});

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The slot is quarantined; the next test needs it. */
async function freeAfterQuarantine() {
  const { servers, inFlight } = await stage.sluice.until("web", ({ quarantined }) => quarantined === 1);
  expect(inFlight).toBe(1);
  await stage.sluice.admin("DELETE", `/api/pools/web/leases/${servers[0]?.leases[0]?.id}`);
}

test("silence before the headers is answered with 504, and the slot is quarantined", async () => {
  const start = Date.now();
  const answer = await send(stage.sluice.url, { path: "/silent" });
  expect(Date.now() - start).toBeGreaterThanOrEqual(TIMEOUT_MS - 5);
  expect(answer.status).toBe(504);
  expect(JSON.parse(answer.body.toString())).toMatchObject({
    code: "server-timeout",
    status: 504,
    pool: "web",
  });
  await freeAfterQuarantine();
  const line = await stage.sluice.logged(({ path }) => path === "/silent");
  expect(line).toMatchObject({ status: 504, code: "server-timeout", outcome: "server-timeout" });
});

test("a server that is cut off for its silence sees its connection close", async () => {
  const refused = send(stage.sluice.url);
  const { request } = await stage.origin.arrival();
  await new Promise((resolve) => request.socket.once("close", resolve));
  expect((await refused).status).toBe(504);
  await freeAfterQuarantine();
});

describe("silence within a body", () => {
  test.each([
    ["with its length", { "Content-Length": 100 }],
    ["in chunks", { "Transfer-Encoding": "chunked" }],
  ])("%s cuts the response off, and the slot is quarantined", async (how, headers) => {
    const answering = open(stage.sluice.url, { path: `/${how.length}` });
    const { response } = await stage.origin.arrival();
    response.writeHead(200, headers).write("the start");
    const answer = await answering;
    await expect(bodyOf(answer)).rejects.toThrow("aborted");
    await freeAfterQuarantine();
    const line = await stage.sluice.logged(({ path }) => path === `/${how.length}`);
    expect(line).toMatchObject({ status: 200, bytes: 9, outcome: "server-timeout" });
  });

  test("shorter than the limit is no reason to cut it off, however long all of it takes", async () => {
    const answering = open(stage.sluice.url);
    const { response } = await stage.origin.arrival();
    for (let i = 0; i < 6; i++) {
      response.write("x");
      await wait(TIMEOUT_MS / 3);
    }
    response.end();
    expect((await bodyOf(await answering)).toString()).toBe("xxxxxx");
  });

  test("is not the server's while the client is slow to read", async () => {
    stage.origin.answer = (_request, response) => response.end(Buffer.alloc(20_000_000, "x"));
    const slow = await open(stage.sluice.url);
    await wait(2 * TIMEOUT_MS);
    expect((await bodyOf(slow)).length).toBe(20_000_000);
    await stage.sluice.until("web", ({ inFlight }) => inFlight === 0);
  });
});

describe("an upload that takes longer than the limit", () => {
  test("is not cut off while it goes on", async () => {
    stage.origin.answer = async (request, response) => response.end(String((await bodyOf(request)).length));
    const { request: upload, response: answering } = begin(stage.sluice.url, {
      method: "POST",
      headers: { "Content-Length": 3_000_000 },
    });
    for (let i = 0; i < 6; i++) {
      upload.write(Buffer.alloc(500_000));
      await wait(TIMEOUT_MS / 3);
    }
    upload.end();
    const answer = await answering;
    expect([answer.statusCode, String(await bodyOf(answer))]).toEqual([200, "3000000"]);
  });

  test("is not cut off before it has a slot", async () => {
    stage.origin.answer = async (request, response) => response.end(String((await bodyOf(request)).length));
    const { request: upload, response: answering } = begin(stage.sluice.url, {
      method: "POST",
      headers: { "Content-Length": 4 },
    });
    upload.write("bo");
    await wait(2 * TIMEOUT_MS);
    upload.end("dy");
    const answer = await answering;
    expect([answer.statusCode, String(await bodyOf(answer))]).toEqual([200, "4"]);
  });
});

describe("a table of two limits has one", () => {
  test("for the silence up to the headers: what is between two pieces may be longer", async () => {
    const headers = { Host: "first.test" };
    expect((await send(stage.sluice.url, { headers })).status).toBe(504);
    await stage.origin.arrival();
    const answering = open(stage.sluice.url, { headers });
    const { response } = await stage.origin.arrival();
    response.write("one, ");
    await wait(3 * TIMEOUT_MS);
    response.end("two");
    expect((await bodyOf(await answering)).toString()).toBe("one, two");
  });

  test("for the silence between two pieces: what is before the headers may be longer", async () => {
    const answering = open(stage.sluice.url, { headers: { Host: "between.test" } });
    const { response } = await stage.origin.arrival();
    await wait(3 * TIMEOUT_MS);
    response.write("one, ");
    const answer = await answering;
    expect(answer.statusCode).toBe(200);
    await expect(bodyOf(answer)).rejects.toThrow("aborted");
  });
});
