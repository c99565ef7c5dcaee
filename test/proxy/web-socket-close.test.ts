import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { begin } from "../support/client.ts";
import { useStage } from "../support/stage.ts";
import { next, openWebSocket, UPGRADE } from "../support/web-socket-client.ts";
import { acceptNext } from "../support/web-socket-peer.ts";

const quarantine = { max: "30s", broken: "30s" };
const stage = useStage({
  web: { slots: 1, server_timeout: "300ms", quarantine },
  cancel: { slots: 1, hosts: ["*"], path_prefix: "/cancel", on_client_abort: "cancel", quarantine },
});

const idle = (pool = "web") => stage.sluice.until(pool, ({ inFlight }) => inFlight === 0);

test("its slot is held until it closes, however long nothing is said", async () => {
  const { client, server } = await openWebSocket(stage);
  // Longer than server_timeout.
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect((await stage.sluice.snapshot("web")).inFlight).toBe(1);
  client.send("still there?");
  expect((await server.frame()).data.toString()).toBe("still there?");
  server.sendClose(1000);
  await next(client, "close");
  await idle();
});

describe.each([
  ["web", "/ws"],
  ["cancel", "/cancel"],
])("a close, in the pool %s,", (pool, path) => {
  test("of the server reaches the client with its code and reason, and frees the slot", async () => {
    const { client, server } = await openWebSocket(stage, path);
    const closed = next(client, "close");
    server.sendClose(4321, "enough of this");
    expect(await closed).toMatchObject({ code: 4321, reason: "enough of this", wasClean: true });
    expect(await server.frame()).toMatchObject({ kind: "close", code: 4321 });
    await idle(pool);
  });

  test("of the client reaches the server, whose answer frees the slot", async () => {
    const { client, server } = await openWebSocket(stage, path);
    const closed = next(client, "close");
    client.close(4001, "bye");
    expect(await server.frame()).toMatchObject({ kind: "close", code: 4001, reason: "bye" });
    expect((await stage.sluice.snapshot(pool)).inFlight).toBe(1);
    server.sendClose(4001, "bye");
    expect(await closed).toMatchObject({ code: 4001, reason: "bye", wasClean: true });
    expect((await idle(pool)).totals.abandoned).toBe(0);
  });

  test("without a code passes without one", async () => {
    const { client, server } = await openWebSocket(stage, path);
    const closed = next(client, "close");
    client.close();
    expect(await server.frame()).toMatchObject({ kind: "close", code: 1005 });
    server.sendClose();
    expect(await closed).toMatchObject({ code: 1005, wasClean: true });
    await idle(pool);
  });
});

test("a server that breaks off closes the client's too, and its slot is quarantined", async () => {
  const { client, server } = await openWebSocket(stage);
  const closed = next(client, "close");
  server.cut();
  expect((await closed).code).toBe(1011);
  const { servers } = await stage.sluice.until("web", ({ quarantined }) => quarantined === 1);
  await stage.sluice.admin("DELETE", `/api/pools/web/leases/${servers[0]?.leases[0]?.id}`);
});

test("a client that breaks off closes the server's, and the slot is free once the server has answered", async () => {
  const accepted = acceptNext(stage.origin);
  const { request: upgrade } = begin(stage.sluice.url, {
    headers: UPGRADE,
  });
  upgrade.end();
  const [server, [, socket]] = await Promise.all([
    accepted,
    once(upgrade, "upgrade") as Promise<[unknown, Socket]>,
  ]);
  socket.destroy();
  expect((await server.frame()).kind).toBe("close");
  expect((await stage.sluice.snapshot("web")).inFlight).toBe(1);
  server.sendClose(1001);
  await idle();
});
