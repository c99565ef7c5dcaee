import { afterEach, describe, expect, test } from "vitest";
import { useStage } from "../support/stage.ts";
import { openPeers } from "../support/web-socket-client.ts";
import type { Frame, WebSocketPeer } from "../support/web-socket-peer.ts";

const MIB = 1024 * 1024;
const quarantine = { max: "60s", broken: "60s" };
const stage = useStage({
  web: { slots: 1, quarantine },
  idle: { slots: 1, hosts: ["*"], path_prefix: "/idle", websocket_idle: "2s", quarantine },
  taking: { slots: 1, hosts: ["*"], path_prefix: "/taking", client_timeout: "1s", quarantine },
});

afterEach(async () => {
  for (const pool of ["web", "idle", "taking"]) {
    const { servers } = await stage.sluice.snapshot(pool);
    for (const { id } of servers.flatMap((server) => server.leases)) {
      await stage.sluice.admin("DELETE", `/api/pools/${pool}/leases/${id}`);
    }
  }
});

const idle = (pool: string) => stage.sluice.until(pool, ({ inFlight }) => inFlight === 0);
const quarantined = (pool: string) => stage.sluice.until(pool, (seen) => seen.quarantined === 1);

/** Sends messages whatever comes, until the connection is gone; how many bytes that took. */
async function flood(sender: WebSocketPeer): Promise<number> {
  const message = Buffer.alloc(MIB / 4);
  let taken = 0;
  while (taken < 200 * MIB && (await sender.sendRaw(0x82, message))) taken += message.length;
  return taken;
}

/** Sends messages as long as nothing is said against it; what is said then. */
async function sendUntilTold(sender: WebSocketPeer): Promise<Frame> {
  let frame: Frame;
  do {
    sender.send("binary", Buffer.alloc(MIB / 4));
    sender.send("ping");
    // The pong says that what was sent before has been read.
    frame = await sender.frame();
  } while (frame.kind === "pong");
  return frame;
}

describe("a reader that has stopped fails its WebSocket instead of filling the memory:", () => {
  test("the client, before a server that heeds no Close frame", async () => {
    const { client, server } = await openPeers(stage);
    client.pause();
    expect(await flood(server)).toBeLessThan(40 * MIB);
    await quarantined("web");
  });

  test("the server, before a client that heeds no Close frame", async () => {
    const { client, server } = await openPeers(stage);
    server.pause();
    expect(await flood(client)).toBeLessThan(40 * MIB);
    // If the flood leaves the Worker no time to say so, the pool finds out when the lease runs out.
    await stage.sluice.until("web", (seen) => seen.quarantined === 1, 50_000);
  });

  test("the client; the server is told, and its answer frees the slot", async () => {
    const { client, server } = await openPeers(stage);
    client.pause();
    expect(await sendUntilTold(server)).toMatchObject({ kind: "close", code: 1013 });
    expect(await stage.sluice.snapshot("web")).toMatchObject({ inFlight: 1, quarantined: 0 });
    server.sendClose(1013);
    expect((await idle("web")).quarantined).toBe(0);
  });

  test("the server; the client is told, and the server's connection closed", async () => {
    const { client, server } = await openPeers(stage);
    server.pause();
    expect(await sendUntilTold(client)).toMatchObject({ kind: "close", code: 1013 });
    client.sendClose(1013);
    await Promise.all([client.gone, quarantined("web")]);
  });

  test("a client for which little waits, after client_timeout", async () => {
    const { client, server } = await openPeers(stage, { path: "/taking" });
    client.pause();
    // More than fits on the way, less than may wait.
    for (let n = 0; n < 11; n++) await server.sendRaw(0x82, Buffer.alloc(MIB));
    expect(await server.frame()).toMatchObject({ kind: "close", code: 1013 });
    server.sendClose(1013);
    expect((await idle("taking")).quarantined).toBe(0);
  });
});

test("a message that is larger than what may wait passes both ways", async () => {
  const { client, server } = await openPeers(stage);
  const large = Buffer.alloc(20 * MIB, 7);
  void server.sendRaw(0x82, large);
  expect((await client.frame()).data.equals(large)).toBe(true);
  void client.sendRaw(0x82, large);
  expect((await server.frame()).data.equals(large)).toBe(true);
  server.sendClose(1000);
  await client.frame();
  client.sendClose(1000);
  await idle("web");
});

describe("websocket_idle", () => {
  test("closes both sides after a silence in both directions; the server's answer frees the slot", async () => {
    const { client, server } = await openPeers(stage, { path: "/idle/silent" });
    expect(await client.frame()).toMatchObject({ kind: "close", code: 1001 });
    expect(await server.frame()).toMatchObject({ kind: "close", code: 1001 });
    expect(await stage.sluice.snapshot("idle")).toMatchObject({ inFlight: 1, quarantined: 0 });
    client.sendClose(1001);
    server.sendClose(1001);
    expect((await idle("idle")).quarantined).toBe(0);
  });

  test.each(["client", "server"] as const)(
    "is no concern of one on which the %s alone says something",
    async (talker) => {
      const { client, server } = await openPeers(stage, { path: `/idle/${talker}` });
      const [from, to] = talker === "client" ? [client, server] : [server, client];
      for (let n = 0; n < 25; n++) {
        from.send("text", String(n));
        expect((await to.frame()).data.toString()).toBe(String(n));
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      server.sendClose(1000);
      expect(await client.frame()).toMatchObject({ kind: "close", code: 1000 });
      client.sendClose(1000);
      await idle("idle");
    },
  );
});

test("a ping is answered where it arrives", async () => {
  const { client, server } = await openPeers(stage);
  client.send("ping", "from the client");
  expect(await client.frame()).toMatchObject({ kind: "pong", data: Buffer.from("from the client") });
  server.send("ping", "from the server");
  expect(await server.frame()).toMatchObject({ kind: "pong", data: Buffer.from("from the server") });
  server.cut();
});
