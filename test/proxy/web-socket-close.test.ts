import { afterEach, describe, expect, test } from "vitest";
import { useStage } from "../support/stage.ts";
import { next, openPeers, openWebSocket } from "../support/web-socket-client.ts";

const quarantine = { max: "30s", broken: "30s", cancel: "30s" };
const stage = useStage({
  web: { slots: 1, quarantine },
  silent: { slots: 1, hosts: ["*"], path_prefix: "/silent", server_timeout: "2s", quarantine },
  cancel: { slots: 1, hosts: ["*"], path_prefix: "/cancel", on_client_abort: "cancel", quarantine },
});

const snapshot = (pool = "web") => stage.sluice.snapshot(pool);
const idle = (pool = "web") => stage.sluice.until(pool, ({ inFlight }) => inFlight === 0);
const quarantined = (pool = "web") => stage.sluice.until(pool, (seen) => seen.quarantined === 1);
const outcomeOf = async (path: string) => (await stage.sluice.logged((line) => line.path === path)).outcome;

/** A slot that a test has closed must not be missing in the next. */
afterEach(async () => {
  for (const pool of ["web", "cancel"]) {
    const leases = (await snapshot(pool)).servers.flatMap((server) => server.leases);
    for (const { id } of leases) await stage.sluice.admin("DELETE", `/api/pools/${pool}/leases/${id}`);
  }
});

test("its slot is held until it closes, however long nothing is said", async () => {
  const { client, server } = await openWebSocket(stage, "/silent");
  // Longer than server_timeout.
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  expect((await snapshot("silent")).inFlight).toBe(1);
  client.send("still there?");
  expect((await server.frame()).data.toString()).toBe("still there?");
  server.sendClose(1000);
  await next(client, "close");
  await idle("silent");
});

describe.each([
  ["web", "/ws"],
  ["cancel", "/cancel"],
])("a close, in the pool %s,", (pool, path) => {
  test("of the server frees the slot only once the client's answer has been passed on", async () => {
    const { client, server } = await openPeers(stage, { path });
    server.sendClose(4321, "enough of this");
    expect(await client.frame()).toMatchObject({ kind: "close", code: 4321, reason: "enough of this" });
    expect(await snapshot(pool)).toMatchObject({ inFlight: 1, quarantined: 0 });
    expect(server.unread).toBe(0);
    client.sendClose(4322, "as you wish");
    expect(await server.frame()).toMatchObject({ kind: "close", code: 4322, reason: "as you wish" });
    expect((await idle(pool)).totals.abandoned).toBe(0);
    await Promise.all([client.gone, server.gone]);
  });

  test("of the client reaches the server, whose answer frees the slot", async () => {
    const { client, server } = await openPeers(stage, { path });
    client.sendClose(4001, "bye");
    expect(await server.frame()).toMatchObject({ kind: "close", code: 4001, reason: "bye" });
    expect(await snapshot(pool)).toMatchObject({ inFlight: 1, quarantined: 0 });
    expect(client.unread).toBe(0);
    server.sendClose(4002, "bye");
    expect(await client.frame()).toMatchObject({ kind: "close", code: 4002, reason: "bye" });
    expect((await idle(pool)).totals.abandoned).toBe(0);
    await Promise.all([client.gone, server.gone]);
  });

  test("of the client lets what the server still says through", async () => {
    const { client, server } = await openPeers(stage, { path });
    client.sendClose(1000);
    await server.frame();
    server.send("text", "one last word");
    server.sendClose(1000);
    expect((await client.frame()).data.toString()).toBe("one last word");
    expect((await client.frame()).kind).toBe("close");
    await idle(pool);
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

  test("of both at the same time is no failure", async () => {
    const { client, server } = await openPeers(stage, { path });
    client.sendClose(4001);
    server.sendClose(4002);
    expect(await server.frame()).toMatchObject({ kind: "close", code: 4001 });
    expect(await client.frame()).toMatchObject({ kind: "close", code: 4002 });
    expect((await idle(pool)).totals.abandoned).toBe(0);
  });

  test("of the server, to whose client nobody is connected any more, is answered for it", async () => {
    const { client, server } = await openPeers(stage, { path });
    server.sendClose(1000, "done");
    await client.frame();
    client.cut();
    expect(await server.frame()).toMatchObject({ kind: "close", code: 1000 });
    await idle(pool);
  });

  test("of the client, to which the server only closes its connection, is the server's end", async () => {
    const { client, server } = await openPeers(stage, { path });
    client.sendClose(1000);
    await server.frame();
    server.cut();
    expect((await idle(pool)).quarantined).toBe(0);
    await client.gone;
    expect(client.unread).toBe(0);
  });
});

/** May be in no Close frame (RFC 6455, 7.4). 1005 neither, but the runtime takes such a frame for one without a code. */
const INVALID = [0, 1, 999, 1004, 1006, 1015, 5000, 65535];

test.each(INVALID)("the close code %i of a server fails both sides at once", async (code) => {
  const path = `/server/${code}`;
  const { client, server } = await openPeers(stage, { path });
  server.sendClose(code, "x");
  expect(await client.frame()).toMatchObject({ kind: "close", code: 1002 });
  expect(await server.frame()).toMatchObject({ kind: "close", code: 1002 });
  await server.gone;
  await quarantined();
  client.sendClose(1002);
  expect(await outcomeOf(path)).toBe("origin-error");
});

test.each(INVALID)(
  "the close code %i of a client fails both sides at once, and the server's answer frees the slot",
  async (code) => {
    const { client, server } = await openPeers(stage);
    client.sendClose(code, "x");
    expect(await client.frame()).toMatchObject({ kind: "close", code: 1002 });
    expect(await server.frame()).toMatchObject({ kind: "close", code: 1002 });
    expect(await snapshot()).toMatchObject({ inFlight: 1, quarantined: 0 });
    server.sendClose(1002);
    expect((await idle()).quarantined).toBe(0);
  },
);

test.each([1000, 1001, 1007, 1012, 1014, 1016, 2999, 3000, 4999])(
  "the close code %i passes",
  async (code) => {
    const { client, server } = await openPeers(stage);
    server.sendClose(code);
    expect(await client.frame()).toMatchObject({ kind: "close", code });
    client.sendClose(code);
    expect(await server.frame()).toMatchObject({ kind: "close", code });
    await idle();
  },
);

test("a reason that is no UTF-8, and grows when that is mended, still closes", async () => {
  const { client, server } = await openPeers(stage);
  server.sendClose(1000, Buffer.alloc(123, 0xff));
  const close = await client.frame();
  expect(close).toMatchObject({ kind: "close", code: 1000 });
  expect(close.reason).toMatch(/^\ufffd+$/);
  client.sendClose(1000);
  await idle();
});

describe("a server that breaks off", () => {
  test("breaks its client off as well, without a Close frame, and its slot is quarantined", async () => {
    const { client, server } = await openPeers(stage, { path: "/broken" });
    server.cut();
    await client.gone;
    expect(client.unread).toBe(0);
    await quarantined();
    expect(await outcomeOf("/broken")).toBe("origin-error");
  });

  test("is seen by a browser as an abnormal closure", async () => {
    const { client, server } = await openWebSocket(stage);
    const closed = next(client, "close");
    server.cut();
    expect(await closed).toMatchObject({ code: 1006, wasClean: false });
  });

  test("has everything delivered that it said before", async () => {
    const { client, server } = await openPeers(stage);
    for (let n = 0; n < 20; n++) server.send("binary", Buffer.alloc(100_000, n));
    await server.sendRaw(0x82, "the end");
    server.cut();
    for (let n = 0; n < 20; n++) expect((await client.frame()).data).toEqual(Buffer.alloc(100_000, n));
    expect((await client.frame()).data.toString()).toBe("the end");
    await client.gone;
    await quarantined();
  });
});

/** What a receiver must fail the connection for (RFC 6455), as far as the runtime knows it. */
const BREACHES = [
  ["an unknown opcode", 0x83],
  ["a continuation of nothing", 0x80],
  ["an extension that nobody agreed on", 0xc1],
] as const;

describe.each(BREACHES)("a breach of the protocol, %s,", (_, first) => {
  test("by the server ends both connections, and its slot is quarantined", async () => {
    const { client, server } = await openPeers(stage);
    server.sendRaw(first, "x");
    expect(await server.frame()).toMatchObject({ kind: "close", code: 1002 });
    await Promise.all([server.gone, client.gone]);
    expect(client.unread).toBe(0);
    await quarantined();
  });

  test("by the client tells the server to close, whose answer frees the slot", async () => {
    const { client, server } = await openPeers(stage);
    client.sendRaw(first, "x");
    expect(await client.frame()).toMatchObject({ kind: "close", code: 1002 });
    expect(await server.frame()).toMatchObject({ kind: "close", code: 1001 });
    expect(await snapshot()).toMatchObject({ inFlight: 1, quarantined: 0 });
    server.sendClose(1001);
    await idle();
  });
});
