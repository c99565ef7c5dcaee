import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { type Answer, type Call, send } from "../support/client.ts";
import { useStage } from "../support/stage.ts";

const stage = useStage({ web: { quarantine: { max: "30s", broken: "30s" } } });

/** A request whose server sends `head`, and goes on writing if the test does. */
async function headed(head: string, call: Call = {}) {
  const answer = send(stage.sluice.url, call);
  const { socket } = (await stage.origin.arrival()).request;
  socket.write(`HTTP/1.1 ${head}\r\n\r\n`);
  return { answer, socket };
}

const inFlight = async () => (await stage.sluice.snapshot("web")).inFlight;

function expectBadGateway({ status, body }: Answer): void {
  expect(status).toBe(502);
  expect(JSON.parse(body.toString())).toMatchObject({ code: "bad-gateway", pool: "web" });
}

// workerd 2026-11-17 takes any status of three digits from a server, and lets a Worker answer with 200 to 599.
describe("an answer that the runtime does not let pass is a bad gateway, and no failure of its server", () => {
  test.each([
    ["600 in chunks", "600 Odd\r\nTransfer-Encoding: chunked", "4\r\nmore\r\n0\r\n\r\n"],
    ["999 with its length", "999 Odd\r\nContent-Length: 4", "more"],
    ["700 with a long body", "700 Odd\r\nContent-Length: 3000000", "x".repeat(3_000_000)],
  ])("%s: refused at once, not repeated, the slot held to the last byte", async (what, head, body) => {
    const before = stage.origin.count;
    const path = `/${what.slice(0, 3)}`;
    const { answer, socket } = await headed(head, { path });
    expectBadGateway(await answer);
    socket.write(body.slice(0, 1));
    expect(await inFlight()).toBe(1);
    socket.write(body.slice(1));
    const { quarantined } = await stage.sluice.until("web", (snapshot) => snapshot.inFlight === 0);
    expect(quarantined).toBe(0);
    expect(stage.origin.count).toBe(before + 1);
    const line = await stage.sluice.logged((one) => one.path === path);
    expect(line).toMatchObject({ status: 502, code: "bad-gateway", attempts: 1, outcome: "origin-error" });
  });

  test("with nothing in it: the slot is free at once", async () => {
    const { answer } = await headed("600 Odd\r\nContent-Length: 0", { method: "HEAD" });
    expect((await answer).status).toBe(502);
    await stage.sluice.until("web", (snapshot) => snapshot.inFlight === 0);
  });

  test("a change of protocol that nobody asked for: cut off, and the slot quarantined", async () => {
    const { answer, socket } = await headed("101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x");
    if (!socket.destroyed) await once(socket, "close");
    expectBadGateway(await answer);
    const { servers } = await stage.sluice.until("web", ({ quarantined }) => quarantined === 1);
    await stage.sluice.admin("DELETE", `/api/pools/web/leases/${servers[0]?.leases[0]?.id}`);
  });
});

describe("a Content-Length that is said twice is passed on once", () => {
  test.each([["GET"], ["POST"]])("%s", async (method) => {
    const { answer, socket } = await headed("200 OK\r\nContent-Length: 4\r\nContent-Length: 4", { method });
    socket.write("bo");
    expect(await inFlight()).toBe(1);
    socket.write("dy");
    const { status, headers, body } = await answer;
    expect([status, headers["content-length"], body.toString()]).toEqual([200, "4", "body"]);
    await stage.sluice.until("web", (snapshot) => snapshot.inFlight === 0);
  });
});

// RFC 9112, 6.3: whoever passes both on may be used to smuggle requests.
test("of a Content-Length beside chunks only the chunks are passed on", async () => {
  const { answer, socket } = await headed("200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked");
  socket.write("4\r\nbody\r\n0\r\n\r\n");
  const { status, headers, body } = await answer;
  expect([status, body.toString()]).toEqual([200, "body"]);
  expect(headers).not.toHaveProperty("content-length");
});
