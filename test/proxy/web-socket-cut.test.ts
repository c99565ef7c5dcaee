import { afterEach, describe, expect, test } from "vitest";
import { useStage } from "../support/stage.ts";
import { Watcher } from "../support/watcher.ts";
import { openPeers } from "../support/web-socket-client.ts";

const MIB = 1024 * 1024;
const BY_OPERATOR = { kind: "close", code: 1001, reason: "an operator ended the connection" };

const stage = useStage({ web: { slots: 1, quarantine: { max: "60s", broken: "60s", cancel: "60s" } } });

const idle = () => stage.sluice.until("web", ({ inFlight }) => inFlight === 0);
const outcomeOf = async (path: string) => (await stage.sluice.logged((line) => line.path === path)).outcome;

/** Its holder hears of it as soon as it has attached, a second after it began. */
async function cut(): Promise<void> {
  expect((await stage.sluice.drain("web", { cut: "0s", wait: "30s" })).status).toBe(200);
}

const leaseOf = async () => (await stage.sluice.snapshot("web")).servers[0]?.leases[0];

afterEach(async () => {
  const lease = await leaseOf();
  if (lease) await stage.sluice.admin("DELETE", `/api/pools/web/leases/${lease.id}`);
  await stage.sluice.resume("web");
});

describe("a WebSocket that an operator's drain cuts off", () => {
  test("is closed on both sides, and the answer of the server frees its slot", async () => {
    const { client, server } = await openPeers(stage, { path: "/answers" });
    await cut();
    expect(await client.frame()).toMatchObject(BY_OPERATOR);
    expect(await server.frame()).toMatchObject(BY_OPERATOR);
    expect(await leaseOf()).toMatchObject({ quarantined: true });
    server.sendClose(1001);
    client.sendClose(1001);
    await idle();
    await Promise.all([client.gone, server.gone]);
    expect(await outcomeOf("/answers")).toBe("cut-off");
  });

  test("says so to the client though the server is silent, whose connection is closed then", async () => {
    const watcher = await Watcher.start(stage.sluice.url);
    const { client, server } = await openPeers(stage, { path: "/silent" });
    await cut();
    expect(await client.frame()).toMatchObject(BY_OPERATOR);
    client.sendClose(1001);
    await server.gone;
    expect(await watcher.event("quarantine")).toMatchObject({ cause: "cut", server: "web-1" });
    watcher.leave();
    await client.gone;
    expect(await outcomeOf("/silent")).toBe("cut-off");
  });

  test("is closed for its client even if the server is closing already, and slow at it", async () => {
    const { client, server } = await openPeers(stage, { path: "/closing" });
    server.sendClose(1000, "done");
    expect(await client.frame()).toMatchObject({ kind: "close", code: 1000 });
    await cut();
    // Which the client has not answered: Sluice does.
    expect(await server.frame()).toMatchObject({ kind: "close", code: 1000 });
    await idle();
  });

  test("breaks off for a client that is closing already, whose server has not answered: nothing says that it did", async () => {
    const { client, server } = await openPeers(stage, { path: "/leaving" });
    client.sendClose(1000, "bye");
    expect(await server.frame()).toMatchObject({ kind: "close", code: 1000 });
    await cut();
    await Promise.all([client.gone, server.gone]);
    expect(client.unread).toBe(0);
    expect(await outcomeOf("/leaving")).toBe("cut-off");
  });

  test("does not wait for a server that reads nothing", async () => {
    const { client, server } = await openPeers(stage, { path: "/stuck" });
    server.pause();
    await client.sendRaw(0x82, Buffer.alloc(8 * MIB));
    await cut();
    expect(await client.frame()).toMatchObject(BY_OPERATOR);
    client.sendClose(1001);
    await client.gone;
    expect(await outcomeOf("/stuck")).toBe("cut-off");
    server.cut();
  });

  test("breaks off for a client that has left, which frees nothing before the server is done", async () => {
    const { client, server } = await openPeers(stage, { path: "/left" });
    client.cut();
    expect(await server.frame()).toMatchObject({ kind: "close", code: 1001 });
    await cut();
    expect((await stage.sluice.snapshot("web")).inFlight).toBe(1);
    server.sendClose(1001);
    await idle();
  });
});

test("a WebSocket whose slot is freed by hand is cut at once: another request may be at its server", async () => {
  const { client, server } = await openPeers(stage, { path: "/freed" });
  const lease = await leaseOf();
  await stage.sluice.admin("DELETE", `/api/pools/web/leases/${lease?.id}`);
  await server.gone;
  expect(server.unread).toBe(0);
  expect(await client.frame()).toMatchObject({
    kind: "close",
    code: 1001,
    reason: "the connection was cut off",
  });
  client.sendClose(1001);
  await client.gone;
  expect(await outcomeOf("/freed")).toBe("cut-off");
});
