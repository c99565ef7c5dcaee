import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { begin } from "../support/client.ts";
import { useStage } from "../support/stage.ts";
import { openPeers, UPGRADE } from "../support/web-socket-client.ts";
import { WebSocketServerPeer } from "../support/web-socket-peer.ts";

const quarantine = { max: "30s", broken: "30s", cancel: "30s" };
const stage = useStage({
  web: { slots: 1, quarantine },
  cancel: { slots: 1, hosts: ["*"], path_prefix: "/cancel", on_client_abort: "cancel", quarantine },
});

const idle = (pool: string) => stage.sluice.until(pool, ({ inFlight }) => inFlight === 0);
const quarantined = (pool: string) => stage.sluice.until(pool, (seen) => seen.quarantined === 1);
const outcomeOf = async (path: string) => (await stage.sluice.logged((line) => line.path === path)).outcome;

afterEach(async () => {
  const { servers } = await stage.sluice.snapshot("cancel");
  for (const { id } of servers.flatMap((server) => server.leases)) {
    await stage.sluice.admin("DELETE", `/api/pools/cancel/leases/${id}`);
  }
});

/** A client that resets its connection before the server has answered the handshake. */
async function resetBefore101(path: string) {
  const came = new Promise<[IncomingMessage, Socket, Buffer]>((resolve) =>
    stage.origin.onUpgrade((...upgrade) => resolve(upgrade)),
  );
  const { request } = begin(stage.sluice.url, { path, headers: UPGRADE });
  request.on("error", () => {});
  request.end();
  const upgrade = await came;
  const [, socket] = upgrade;
  const gone = new Promise<void>((resolve) => {
    for (const event of ["end", "close"]) socket.once(event, () => resolve());
  });
  request.socket?.resetAndDestroy();
  return { upgrade, gone };
}

describe('"finish": a client that is gone', () => {
  test("tells the server to close, whose answer frees the slot", async () => {
    const { client, server } = await openPeers(stage, { path: "/gone" });
    client.cut();
    expect(await server.frame()).toMatchObject({ kind: "close", code: 1001 });
    expect(await stage.sluice.snapshot("web")).toMatchObject({ inFlight: 1, quarantined: 0 });
    server.sendClose(1001);
    expect((await idle("web")).quarantined).toBe(0);
    expect(await outcomeOf("/gone")).toBe("client-abort-in-flight");
  });

  test("lets the server say what it likes before it answers", async () => {
    const { client, server } = await openPeers(stage);
    client.cut();
    await server.frame();
    for (let n = 0; n < 20; n++) server.send("binary", Buffer.alloc(1_000_000));
    server.sendClose(1001);
    expect((await idle("web")).quarantined).toBe(0);
  });

  test("before the server has answered the handshake frees the slot once the server has closed", async () => {
    const { upgrade } = await resetBefore101("/early");
    const server = new WebSocketServerPeer(...upgrade);
    expect(await server.frame()).toMatchObject({ kind: "close", code: 1001 });
    expect(await stage.sluice.snapshot("web")).toMatchObject({ inFlight: 1, quarantined: 0 });
    server.sendClose(1001);
    expect((await idle("web")).quarantined).toBe(0);
    expect(await outcomeOf("/early")).toBe("client-abort-in-flight");
  });
});

describe('"cancel": a client that is gone', () => {
  test("closes the server's connection at once, without a Close frame, and the slot is quarantined", async () => {
    const { client, server } = await openPeers(stage, { path: "/cancel/gone" });
    client.cut();
    await server.gone;
    expect(server.unread).toBe(0);
    await quarantined("cancel");
    expect(await outcomeOf("/cancel/gone")).toBe("client-abort-in-flight");
  });

  test("before the server has answered the handshake closes the server's connection", async () => {
    const { gone } = await resetBefore101("/cancel/early");
    await gone;
    await quarantined("cancel");
  });
});

test("a client that leaves while its WebSocket waits for a slot takes none", async () => {
  const first = await openPeers(stage);
  const { request } = begin(stage.sluice.url, { path: "/waits", headers: UPGRADE });
  request.on("error", () => {});
  request.end();
  await stage.sluice.until("web", ({ queued }) => queued === 1);
  request.socket?.resetAndDestroy();
  await stage.sluice.until("web", ({ queued }) => queued === 0);
  first.client.sendClose(1000);
  await first.server.frame();
  first.server.sendClose(1000);
  await idle("web");
});
