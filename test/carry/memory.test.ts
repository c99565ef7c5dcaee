import { once } from "node:events";
import net from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isMemoryFull, MemoryShare } from "../../src/carry/memory.ts";
import { send } from "../support/client.ts";
import { residentMegabytes } from "../support/memory.ts";
import { bodyOf, Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";

const MIB = 1024 * 1024;

describe("what bodies hold", () => {
  test("is counted over all of them, and comes back", () => {
    const shares = [new MemoryShare(), new MemoryShare()] as const;
    shares[0].hold(30 * MIB);
    expect(shares[1].hasRoomFor(18 * MIB)).toBe(true);
    shares[1].hold(18 * MIB);
    expect(shares[0].hasRoomFor(1)).toBe(false);
    expect(isMemoryFull()).toBe(false);
    shares[1].hold(34 * MIB);
    expect(isMemoryFull()).toBe(true);
    for (const share of shares) share.hold(0);
    expect(shares[0].hasRoomFor(48 * MIB)).toBe(true);
    expect(isMemoryFull()).toBe(false);
  });
});

/**
 * How much more the whole runtime may take, in MB. An isolate has 128 MB on Cloudflare; here the buffers of its
 * sockets and the garbage of the moment are counted with it.
 */
const MOST_MB = 220;

describe("the memory of the runtime stays in bounds under", () => {
  let origin: Origin;
  let sluice: Sluice;
  const sockets: net.Socket[] = [];
  beforeEach(async () => {
    origin = await Origin.start();
    const servers = [{ name: "web-1", url: origin.url, slots: 100 }];
    sluice = await Sluice.start({
      pools: { web: { servers, buffer_response: "16MiB" } },
      bundle: "production",
    });
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await sluice.stop();
    await origin.stop();
  });

  function connect(head: string, body?: Buffer): net.Socket {
    const { hostname, port } = new URL(sluice.url);
    const socket = net.connect(Number(port), hostname).on("error", () => {});
    sockets.push(socket);
    socket.write(head);
    if (body) socket.write(body);
    return socket;
  }

  test("300 uploads of 1 MiB that wait in a drain, and all of them arrive whole", async () => {
    const before = await residentMegabytes(sluice.pid);
    await sluice.drain("web");
    const uploads = Array.from({ length: 300 }, () =>
      send(sluice.url, { method: "POST", body: Buffer.alloc(MIB), headers: { "Content-Length": MIB } }),
    );
    await sluice.until("web", ({ queued }) => queued === 300);
    expect((await residentMegabytes(sluice.pid)) - before).toBeLessThan(MOST_MB);
    origin.answer = async (request, response) => response.end(String((await bodyOf(request)).length));
    await sluice.resume("web");
    const answers = await Promise.all(uploads);
    expect(new Set(answers.map(({ body }) => String(body)))).toEqual(new Set([String(MIB)]));
  });

  test("200 uploads that nobody finishes", async () => {
    const before = await residentMegabytes(sluice.pid);
    const head = `POST / HTTP/1.1\r\nHost: web\r\nContent-Length: ${MIB}\r\n\r\n`;
    for (let n = 0; n < 200; n++) connect(head, Buffer.alloc(MIB - 1));
    // Those that there is no room for are on the list, or have a slot.
    await sluice.until("web", ({ queued, inFlight }) => queued + inFlight > 100);
    expect((await residentMegabytes(sluice.pid)) - before).toBeLessThan(MOST_MB);
  });

  test("100 readers of a large answer that have stopped, whatever buffer_response allows", async () => {
    origin.answer = (_request, response) => response.end(Buffer.alloc(32 * MIB));
    const before = await residentMegabytes(sluice.pid);
    for (let n = 0; n < 100; n++) {
      const socket = connect("GET / HTTP/1.1\r\nHost: web\r\n\r\n");
      await once(socket, "data");
      socket.pause();
    }
    // The runtime itself takes some 3 MB for each; a Worker that only passes the answer on has the same.
    expect((await residentMegabytes(sluice.pid)) - before).toBeLessThan(MOST_MB + 300);
  });
});
