import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { begin, open, send } from "../support/client.ts";
import { bodyOf } from "../support/origin.ts";
import { useStage } from "../support/stage.ts";
import { Watcher } from "../support/watcher.ts";

const stage = useStage({
  web: { slots: 1, quarantine: { max: "30s" } },
  cancel: { slots: 1, on_client_abort: "cancel", quarantine: { max: "30s", broken: "30s" } },
});

const LEAVE_MS = 400;

/** A client that leaves while the server is at work, before its headers. */
async function leaveEarly(path: string, pool: string) {
  const headers = { Host: `${pool}.test`, "x-leave-after": LEAVE_MS };
  const left = send(stage.sluice.leaverUrl, { path, headers });
  const { request, response } = await stage.origin.arrival();
  expect((await left).status).toBe(499);
  return { request, response };
}

/** A client that leaves after the first bytes of the body. */
async function leaveLate(path: string, pool: string) {
  const answering = open(stage.sluice.url, { path, headers: { Host: `${pool}.test` } });
  const { request, response } = await stage.origin.arrival();
  response.write("first bytes");
  const answer = await answering;
  await once(answer, "data");
  answer.destroy();
  return { request, response };
}

const idle = (pool: string) => stage.sluice.until(pool, ({ inFlight }) => inFlight === 0);
const logOf = (path: string) => stage.sluice.logged((line) => line.path === path);

describe.each([
  ["before the headers", leaveEarly, 499],
  ["within the body", leaveLate, 200],
] as const)("a client that leaves %s", (_when, leave, status) => {
  test('"finish": the slot is held until the server is done, and its work is not cut', async () => {
    const path = `/finish/${leave.name}`;
    const { request, response } = await leave(path, "web");
    let cut = false;
    request.socket.once("close", () => {
      cut = true;
    });
    // More than is buffered: the rest is read, though nobody is there to take it.
    for (let i = 0; i < 40; i++) {
      if (!response.write(Buffer.alloc(100_000))) await once(response, "drain");
    }
    expect((await stage.sluice.snapshot("web")).inFlight).toBe(1);
    expect(cut).toBe(false);
    response.end();
    expect((await idle("web")).quarantined).toBe(0);
    expect(await logOf(path)).toMatchObject({ outcome: "client-abort-in-flight", status, server: "web-1" });
  });

  test('"cancel": the server\'s connection is closed, and the slot opens soon after', async () => {
    const path = `/cancel/${leave.name}`;
    const { request, response } = await leave(path, "cancel");
    const closed = once(request.socket, "close");
    // A local workerd finds out that its client has gone only when it writes to it.
    if (response.headersSent) {
      const more = setInterval(() => response.write("more"), 10);
      request.socket.once("close", () => clearInterval(more));
    }
    await closed;
    expect((await idle("cancel")).quarantined).toBe(0);
    expect(await logOf(path)).toMatchObject({ outcome: "client-abort-in-flight", status });
  });
});

test.each([
  [200, "short"],
  [204, undefined],
])('"finish": a %d that nobody is there to read frees the slot as well', async (status, body) => {
  const { response } = await leaveEarly(`/late/${status}`, "web");
  response.writeHead(status).end(body);
  await idle("web");
  expect(await logOf(`/late/${status}`)).toMatchObject({ outcome: "client-abort-in-flight", status: 499 });
});

test("a client that leaves while it waits never reaches the server", async () => {
  const ahead = send(stage.sluice.url, { path: "/ahead" });
  const { response } = await stage.origin.arrival();
  const left = send(stage.sluice.leaverUrl, { path: "/queued", headers: { "x-leave-after": LEAVE_MS } });
  await stage.sluice.until("web", ({ queued }) => queued === 1);
  expect((await left).status).toBe(499);
  await stage.sluice.until("web", ({ queued }) => queued === 0);
  const line = await logOf("/queued");
  expect(line).toMatchObject({ outcome: "client-abort-queued", status: 499, server: null, attempts: 0 });
  const before = stage.origin.count;
  response.end();
  await ahead;
  await idle("web");
  expect(stage.origin.count).toBe(before);
});

describe("a client that leaves within its upload", () => {
  test("before the request has a slot never reaches the server", async () => {
    const before = stage.origin.count;
    const { request: upload } = begin(stage.sluice.url, {
      method: "POST",
      path: "/half-buffered",
      headers: { "Content-Length": 1000 },
    });
    upload.on("error", () => {});
    upload.write("a part", () => upload.destroy());
    const line = await logOf("/half-buffered");
    // A local workerd does not tell a client that closes in the middle from one that sends nonsense.
    expect(line).toMatchObject({ outcome: "client-abort-queued", status: 400, server: null });
    expect(stage.origin.count).toBe(before);
    expect(stage.sluice.output.join("\n")).not.toMatch(/error|stack/i);
  });

  test("breaks off its server's, and the slot is quarantined: the server may be at work", async () => {
    const { request: upload } = begin(stage.sluice.url, {
      method: "POST",
      path: "/half-sent",
      headers: { "Content-Length": 5_000_000 },
    });
    upload.on("error", () => {});
    upload.write(Buffer.alloc(2_000_000));
    const { request } = await stage.origin.arrival();
    const body = bodyOf(request);
    body.catch(() => {});
    upload.destroy();
    await expect(body).rejects.toThrow("aborted");
    const { servers } = await stage.sluice.until("web", ({ quarantined }) => quarantined === 1);
    await stage.sluice.admin("DELETE", `/api/pools/web/leases/${servers[0]?.leases[0]?.id}`);
    expect(await logOf("/half-sent")).toMatchObject({ outcome: "client-abort-in-flight", status: 400 });
  });
});

// Last, as it leaves an error in the log.
test('"finish": a server that breaks off then has failed one request, which was abandoned and not refused', async () => {
  const before = (await stage.sluice.snapshot("web")).totals;
  const watcher = await Watcher.start(stage.sluice.url);
  // What was before is told first.
  await watcher.next(({ event }) => event === "snapshot");
  const known = watcher.events.length;
  const { response } = await leaveEarly("/left-and-broken", "web");
  response.destroy();
  expect(await watcher.event("quarantine")).toMatchObject({ cause: "broken", server: "web-1", count: 1 });
  const { totals } = await idle("web");
  expect(totals).toEqual({ ...before, accepted: before.accepted + 1, abandoned: before.abandoned + 1 });
  expect(watcher.events).toHaveLength(known + 1);
  watcher.leave();
  expect(await logOf("/left-and-broken")).toMatchObject({ outcome: "client-abort-in-flight", status: 499 });
});

test("a client that leaves when its Worker has attached to its lease does not end that: the Worker lives on", async () => {
  const left = send(stage.sluice.leaverUrl, { path: "/attached", headers: { "x-leave-after": 1_500 } });
  const { response } = await stage.origin.arrival();
  expect((await left).status).toBe(499);
  // A handle that is disposed would put the slot into quarantine.
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(await stage.sluice.snapshot("web")).toMatchObject({ inFlight: 1, quarantined: 0 });
  response.end();
  expect((await idle("web")).quarantined).toBe(0);
});
