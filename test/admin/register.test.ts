import { describe, expect, onTestFinished, test } from "vitest";
import type { AuditList } from "../../src/admin/audit.ts";
import type { ServerSnapshot } from "../../src/scheduler/snapshot.ts";
import { Origin } from "../support/origin.ts";
import { Sluice, type SluiceOptions } from "../support/sluice.ts";
import { get, problemOf } from "./support.ts";

const ANY = { urls: ["*"] };

/** Sluice with the pool `web`, without servers of its own. */
async function stage(
  keys: Record<string, unknown> = {},
  options: Partial<SluiceOptions> = {},
  others: Record<string, unknown> = {},
): Promise<Sluice> {
  const pools = { web: { register: ANY, ...keys }, ...others };
  const sluice = await Sluice.start({ pools, ...options });
  onTestFinished(() => sluice.stop());
  return sluice;
}

async function origin(): Promise<Origin> {
  const started = await Origin.start();
  onTestFinished(() => started.stop());
  return started;
}

const register = (sluice: Sluice, name: string, body: object) =>
  sluice.admin("PUT", `/api/pools/web/servers/${name}`, body);
const remove = (sluice: Sluice, name: string, query = "") =>
  sluice.admin("DELETE", `/api/pools/web/servers/${name}${query}`);

async function jsonOf<T>(response: Response, status: number): Promise<T> {
  const text = await response.text();
  expect(response.status, text).toBe(status);
  return JSON.parse(text) as T;
}

const eventsOf = async (sluice: Sluice): Promise<string[]> => {
  const response = await sluice.admin("GET", "/api/pools/web/events");
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("event: snapshot")) text += (await reader?.read())?.value ?? "";
  await reader?.cancel();
  return [...text.matchAll(/"kind":"(server-\w+)","server":"([^"]+)"/g)].map(
    ([, kind, name]) => `${kind} ${name}`,
  );
};

describe("a server that registers", () => {
  test("gets requests at once: 201, and 200 each time that it does so again", async () => {
    const [sluice, server] = [await stage(), await origin()];
    const waiting = get(sluice, "/early");
    await sluice.until("web", ({ queued }) => queued === 1);
    const body = { url: server.url, expires: "30s" };
    const shown = await jsonOf<ServerSnapshot>(await register(sluice, "gpu-7", body), 201);
    expect(shown).toMatchObject({ name: "gpu-7", url: server.url, slots: 1, weight: 1, backup: false });
    expect(shown.registered).toMatchObject({ by: "admin", since: expect.any(String) });
    (await server.arrival()).response.end("served");
    expect(await waiting).toBe("200 served");
    const again = await jsonOf<ServerSnapshot>(await register(sluice, "gpu-7", body), 200);
    expect(again.registered?.since).toBe(shown.registered?.since);
    expect(String(again.registered?.expiresAt) >= String(shown.registered?.expiresAt)).toBe(true);
  });

  test("stays without a time, through a restart, with what it and the operator said of it", async () => {
    const server = await origin();
    const pools = { web: { register: ANY } };
    const first = await Sluice.start({ pools });
    await jsonOf(await register(first, "gpu-7", { url: server.url, slots: 3, weight: 2, backup: true }), 201);
    await jsonOf(await first.admin("PATCH", "/api/pools/web/servers/gpu-7", { slots: 2 }), 200);
    const sluice = await Sluice.start({ pools, folder: await first.stopKeepingStorage() });
    onTestFinished(() => sluice.stop());
    const [shown] = (await sluice.snapshot("web")).servers;
    expect(shown).toMatchObject({
      ...{ name: "gpu-7", url: server.url, slots: 2, weight: 2, backup: true },
      ...{ configured: { slots: 3, weight: 2 }, registered: { expiresAt: null } },
    });
  });

  test("is out within its time if it does not register again, and what it has in flight finishes", async () => {
    const [sluice, server] = [await stage(), await origin()];
    await jsonOf(await register(sluice, "gpu-7", { url: server.url, expires: "1s" }), 201);
    const request = get(sluice, "/long");
    const { response } = await server.arrival();
    const left = await sluice.until("web", ({ servers }) => servers[0]?.registered === undefined);
    expect(left).toMatchObject({
      slots: 0,
      inFlight: 1,
      servers: [{ name: "gpu-7", slots: 0, inFlight: 1 }],
    });
    response.end("finished");
    expect(await request).toBe("200 finished");
    expect(await sluice.until("web", ({ servers }) => servers.length === 0)).toMatchObject({ inFlight: 0 });
    expect(await eventsOf(sluice)).toEqual(["server-registered gpu-7", "server-left gpu-7"]);
  });

  test("starts as down in a pool with checks, and gets nothing until they pass", async () => {
    const sluice = await stage({ check: { path: "/ready", interval: "100ms", rise: 2 } });
    let isReady = false;
    const server = await origin();
    server.answer = (request, response) => {
      response.statusCode = isReady || request.url !== "/ready" ? 200 : 503;
      response.end("served");
    };
    const shown = await jsonOf<ServerSnapshot>(await register(sluice, "gpu-7", { url: server.url }), 201);
    expect(shown.health).toBe("down");
    const request = get(sluice, "/work");
    await sluice.until("web", ({ servers }) => servers[0]?.lastCheck?.passed === false);
    expect(await sluice.snapshot("web")).toMatchObject({ queued: 1, servers: [{ health: "down" }] });
    isReady = true;
    expect(await request).toBe("200 served");
    expect((await sluice.snapshot("web")).servers).toMatchObject([{ health: "up" }]);
  });
});

describe("a server that is removed", () => {
  test("gets nothing more; the answer waits for what it has in flight, and then it is gone", async () => {
    const [sluice, server] = [await stage(), await origin()];
    await jsonOf(await register(sluice, "gpu-7", { url: server.url }), 201);
    const request = get(sluice, "/1");
    const { response } = await server.arrival();
    expect(await jsonOf(await remove(sluice, "gpu-7"), 202)).toEqual({ name: "gpu-7", inFlight: 1 });
    const removing = remove(sluice, "gpu-7", "?wait=20s");
    const waiting = get(sluice, "/2");
    await sluice.until("web", ({ queued }) => queued === 1);
    response.end("finished");
    expect(await request).toBe("200 finished");
    expect(await jsonOf(await removing, 200)).toEqual({ name: "gpu-7", inFlight: 0 });
    expect(server.count).toBe(1);
    await problemOf(await remove(sluice, "gpu-7"), 404, "unknown-server");
    await jsonOf(await register(sluice, "gpu-7", { url: server.url }), 201);
    (await server.arrival()).response.end("served");
    expect(await waiting).toBe("200 served");
  });

  test.each(["gpu-7", "another"])(
    "and comes again as %s has its slots of before occupied, through a restart, until its requests are done",
    async (name) => {
      const server = await origin();
      const pools = { web: { register: ANY } };
      let sluice = await Sluice.start({ pools });
      onTestFinished(() => sluice.stop());
      await jsonOf(await register(sluice, "gpu-7", { url: server.url }), 201);
      void get(sluice, "/1").catch(() => {});
      const { response } = await server.arrival();
      await jsonOf(await remove(sluice, "gpu-7"), 202);
      sluice = await Sluice.start({ pools, folder: await sluice.stopKeepingStorage() });
      const shown = await jsonOf<ServerSnapshot>(await register(sluice, name, { url: server.url }), 201);
      expect(shown).toMatchObject({ name, slots: 1, inFlight: 1 });
      const next = get(sluice, "/2");
      await sluice.until("web", ({ queued }) => queued === 1);
      expect(server.count).toBe(1);
      response.end();
      const lease = shown.leases[0]?.id;
      expect((await sluice.admin("DELETE", `/api/pools/web/leases/${lease}`)).status).toBe(200);
      (await server.arrival()).response.end("served");
      expect(await next).toBe("200 served");
    },
  );

  test("and another one under its name are two: a second start takes over, and the first one's requests finish", async () => {
    const [sluice, old, fresh] = [await stage(), await origin(), await origin()];
    await jsonOf(await register(sluice, "gpu-7", { url: old.url }), 201);
    const first = get(sluice, "/1");
    const { response } = await old.arrival();
    await jsonOf(await register(sluice, "gpu-7", { url: fresh.url }), 201);
    const second = get(sluice, "/2");
    (await fresh.arrival()).response.end("by the new one");
    expect(await second).toBe("200 by the new one");
    // The client may have its answer before the pool hears of the end.
    const { servers } = await sluice.until("web", (pool) => pool.inFlight === 1);
    expect(servers.map(({ name, inFlight }) => [name, inFlight])).toEqual([
      [old.url, 1],
      ["gpu-7", 0],
    ]);
    response.end("by the old one");
    expect(await first).toBe("200 by the old one");
    await sluice.until("web", ({ servers }) => servers.length === 1);
  });
});

describe("a server does not register", () => {
  const body = { url: "http://10.0.0.7:8000" };

  test("where the pool has no such key, or its address is not allowed: 403, naming the key", async () => {
    const servers = [{ name: "web-1", url: "http://127.0.0.1:9" }];
    const closed = await stage({ servers, register: undefined });
    const { detail } = await problemOf(await register(closed, "gpu-7", body), 403, "registration-refused");
    expect(detail).toContain('"register"');
    const narrow = await stage({ servers, register: { urls: ["http://10.1.*.*:8000"] } });
    const refused = await problemOf(await register(narrow, "gpu-7", body), 403, "registration-refused");
    expect(refused.detail).toContain("register.urls");
    expect((await narrow.snapshot("web")).servers.map(({ name }) => name)).toEqual(["web-1"]);
  });

  test("with the name or the address of another server, of this pool or another one: 409", async () => {
    const servers = [
      { name: "web-1", url: "http://127.0.0.1:9" },
      { name: "dotted", url: "http://web.test.:9" },
    ];
    const others = {
      other: {
        hosts: ["other.test"],
        servers: [
          { name: "o", url: "http://127.0.0.1:8", shared: false },
          { name: "s", url: "http://127.0.0.1:6", shared: true },
        ],
      },
    };
    const sluice = await stage({ servers }, {}, others);
    for (const [name, url, says] of [
      ["web-1", "http://127.0.0.1:7", '"web-1" is a server of the pool web by the configuration.'],
      ["gpu-7", "http://127.0.0.1:9", 'http://127.0.0.1:9 is that of the server "web-1" of the pool web.'],
      // The last dot makes no other host.
      ["gpu-7", "http://web.test:9", 'http://web.test:9 is that of the server "dotted" of the pool web.'],
      [
        "gpu-7",
        "http://127.0.0.1:8",
        "http://127.0.0.1:8 is a server of the pool other by the configuration.",
      ],
    ] as const) {
      const { detail } = await problemOf(await register(sluice, name, { url }), 409, "server-known");
      expect(detail).toBe(says);
    }
    await jsonOf(await register(sluice, "gpu-7", body), 201);
    await problemOf(await register(sluice, "gpu-8", body), 409, "server-known");
    // Whose entry there says so is counted by several pools.
    await jsonOf(await register(sluice, "shared", { url: "http://127.0.0.1:6" }), 201);
  });

  test("beyond `max`: 503, until another one has gone", async () => {
    const sluice = await stage({ register: { urls: ["*"], max: 1 } });
    await jsonOf(await register(sluice, "gpu-7", body), 201);
    const full = await register(sluice, "gpu-8", { url: "http://10.0.0.8" });
    expect(full.headers.get("retry-after")).toBe("10");
    await problemOf(full, 503, "registration-full");
    await jsonOf(await remove(sluice, "gpu-7"), 200);
    await jsonOf(await register(sluice, "gpu-8", { url: "http://10.0.0.8" }), 201);
  });

  test.each([
    ["gpu-7", {}, "body.url: missing"],
    ["gpu-7", { url: "10.0.0.7" }, 'body.url: "10.0.0.7" is not an origin'],
    ["gpu-7", { ...body, expire: "1s" }, 'did you mean "expires"?'],
    ["gpu-7", { ...body, expires: "0s" }, 'body.expires: "0s" is too short'],
    ["gpu%207", body, 'path.server: "gpu 7" is not a server name'],
  ])("as %s with %j: 400", async (name, given, says) => {
    const { detail } = await problemOf(await register(await stage(), name, given), 400, "invalid-request");
    expect(detail).toContain(says);
  });
});

test("what comes, changes and goes is in audit and log, and what goes on as it was is not", async () => {
  const sluice = await stage();
  const body = { url: "http://10.0.0.7:8000", expires: "30s" };
  await register(sluice, "gpu-7", body);
  await register(sluice, "gpu-7", body);
  await register(sluice, "gpu-7", { ...body, slots: 2 });
  await register(sluice, "gpu-8", body);
  await remove(sluice, "gpu-7");
  await remove(sluice, "gpu-9");
  const { changes } = (await (await sluice.admin("GET", "/api/audit")).json()) as AuditList;
  const told = changes.map(({ act, server, slots, answer }) => ({ act, server, slots, answer })).reverse();
  const expected = [
    { act: "register-server", server: "gpu-7", answer: "done" },
    { act: "register-server", server: "gpu-7", slots: 2, answer: "done" },
    { act: "register-server", server: "gpu-8", answer: "server-known" },
    { act: "remove-server", server: "gpu-7", answer: "done" },
    { act: "remove-server", server: "gpu-9", answer: "unknown-server" },
  ];
  expect(told).toEqual(expected);
  expect(sluice.audits).toMatchObject(expected);
  expect(await eventsOf(sluice)).toEqual([
    "server-registered gpu-7",
    "server-changed gpu-7",
    "server-left gpu-7",
  ]);
});
