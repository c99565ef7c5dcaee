import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SingleFlightServer } from "../../demo/single-flight.ts";
import { type Answer, Connections } from "../support/connections.ts";
import { Sluice, type SluiceOptions } from "../support/sluice.ts";
import { answerTo } from "../support/wire.ts";

interface Told {
  overlaps: number;
  checks: number;
  probes: number;
  served: Record<string, number>;
  hosts: string[];
  keys: (string | null)[];
  agents: (string | null)[];
  forwardedHosts: (string | null)[];
}

let sluice: Sluice;
let real: SingleFlightServer[] = [];
beforeEach(() => {
  real = [];
});
afterEach(async () => {
  await sluice.stop();
  await Promise.all(real.map((server) => server.stop()));
});

const ten = Array.from({ length: 10 }, (_, n) => n);
const behindService = ten.map((n) => ({ name: `s${n}`, url: `http://10.0.0.${n}:8000`, binding: "SERVICE" }));
const boxes = ten.map((n) => ({ name: `b${n}`, url: "http://box:8000", binding: "BOXES" }));

async function start(
  servers: object[],
  keys: object = {},
  options: Partial<SluiceOptions> = {},
): Promise<void> {
  sluice = await Sluice.start({ pools: { web: { servers, max_queue: 10_000, ...keys } }, ...options });
}

async function told(set = ""): Promise<Told> {
  return (await (await fetch(`${sluice.boundUrl}/set${set}`)).json()) as Told;
}

const sum = (counts: Record<string, number>) => Object.values(counts).reduce((all, one) => all + one, 0);

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** Resolves with the answers that are not the servers'. */
async function load(requests: number): Promise<Answer[]> {
  const client = new Connections(sluice.url, 100);
  const answers = await Promise.all(Array.from({ length: requests }, (_, n) => client.get(`/${n}`)));
  client.close();
  expect(answers).toHaveLength(requests);
  return answers.filter(({ status }) => status !== 200);
}

/** A check that a crash has cut off keeps its slot closed for no longer: with the usual two minutes, a few crashes close all. */
const SOON = { quarantine: { max: "1s" } };

describe("ten single-flight servers", () => {
  test.each([
    ["behind a service", behindService],
    ["in a namespace", boxes],
  ])(
    "%s get one request at a time, while the pool's object crashes, and share the load",
    async (_, servers) => {
      await start(servers, { check: { path: "/up", interval: "200ms" }, ...SOON });
      const answered = load(400);
      for (const at of [100, 200, 300]) {
        await until(async () => sum((await told()).served) >= at);
        await sluice.crash("web");
      }
      expect(await answered).toEqual([]);
      const { overlaps, served, checks } = await told();
      expect(overlaps).toBe(0);
      expect(Object.keys(served)).toHaveLength(10);
      expect(checks).toBeGreaterThan(0);
    },
  );

  test("behind a fetcher that goes where the URL says, as with a client certificate, likewise", async () => {
    real = ten.map((n) => new SingleFlightServer({ name: `c${n}`, serviceMs: 5 }));
    await Promise.all(real.map((server) => server.start()));
    const servers = real.map(({ name, url }) => ({ name, url, binding: "CERTIFICATE" }));
    await start(servers, { check: { path: "/up", interval: "200ms" }, ...SOON });
    const answered = load(400);
    for (const at of [100, 200, 300]) {
      await until(() => real.reduce((all, { served }) => all + served.length, 0) >= at);
      await sluice.crash("web");
    }
    expect(await answered).toEqual([]);
    expect(real.map(({ rejected }) => rejected)).toEqual(ten.map(() => 0));
    expect(real.every(({ served }) => served.length > 0)).toBe(true);
  });
});

describe("a server behind a binding", () => {
  test("is asked with its own host and port, the client's path, query, method and body", async () => {
    await start(boxes.slice(0, 1));
    const response = await fetch(`${sluice.url}/a%2Fb?c=d`, { method: "POST", body: "body" });
    expect(await response.text()).toBe("b0 POST http://box:8000/a%2Fb?c=d body");
  });

  test("gets the pool's headers in requests, checks and probes, whatever the client sends", async () => {
    const keys = {
      headers: { "X-Gate-Key": { secret: "GATE_KEY" } },
      check: { path: "/up", interval: "100ms" },
      quarantine: { max: "1m", probe: "/idle" },
      server_timeout: "300ms",
    };
    await start(boxes.slice(0, 1), keys, { texts: { GATE_KEY: "open-sesame" } });
    expect((await fetch(sluice.url, { headers: { "X-Gate-Key": "mine" } })).status).toBe(200);
    expect((await fetch(`${sluice.url}/hang`)).status).toBe(504);
    await sluice.until("web", ({ quarantined }) => quarantined === 0);
    const { keys: seen, checks, probes } = await told();
    expect(checks).toBeGreaterThan(0);
    expect(probes).toBeGreaterThan(0);
    expect(new Set(seen)).toEqual(new Set(["open-sesame"]));
  });

  test("is probed with the pool's key if it is retired, and is asked nothing while that is not set", async () => {
    const [retired, other] = boxes;
    await start([retired as object], { quarantine: { max: "1m" }, server_timeout: "300ms" });
    expect((await fetch(`${sluice.url}/hang`)).status).toBe(504);
    await sluice.until("web", ({ quarantined }) => quarantined === 1);
    const servers = [{ ...other, headers: { "X-Gate-Key": "own" } }];
    const keys = {
      headers: { "X-Gate-Key": { secret: "GATE_KEY" } },
      quarantine: { max: "1m", probe: "/idle" },
    };

    let folder = await sluice.stopKeepingStorage();
    await start(servers, keys, { folder });
    expect((await fetch(sluice.url)).status).toBe(500);
    const said = await (await sluice.admin("GET", "/api/pools")).text();
    expect(said).toContain('POOLS.web.headers.x-gate-key: there is no secret \\"GATE_KEY\\"');
    expect((await told()).keys).toEqual([]);

    folder = await sluice.stopKeepingStorage();
    await start(servers, keys, { folder, texts: { GATE_KEY: "open-sesame" } });
    expect((await fetch(sluice.url)).status).toBe(200);
    await expect.poll(async () => (await told()).probes).toBeGreaterThan(0);
    expect(new Set((await told()).keys)).toEqual(new Set(["own", "open-sesame"]));
  });

  test("gets a header in place of one that a check has by itself, and not beside it", async () => {
    await start(boxes.slice(0, 1), {
      headers: { "User-Agent": "gate" },
      check: { path: "/up", interval: "100ms" },
    });
    expect((await fetch(sluice.url)).status).toBe(200);
    await expect.poll(async () => (await told()).checks).toBeGreaterThan(0);
    expect(new Set((await told()).agents)).toEqual(new Set(["gate"]));
  });

  test("gets checks at the port and for the host that they are for, with the headers of its own", async () => {
    const server = { ...boxes[0], headers: { "X-Gate-Key": "own" } };
    const check = { path: "/up", interval: "100ms", port: 9_000, host: "app.test", slot: false };
    await start([server], { check });
    await sluice.admin("PATCH", "/api/pools/web/servers/b0", {});
    const { servers } = await sluice.until("web", ({ servers: [one] }) => one?.health === "up");
    expect(servers[0]?.lastCheck?.got).toBe("status 200");
    const { hosts, keys, forwardedHosts } = await told();
    expect([hosts[0], keys[0], forwardedHosts[0]]).toEqual(["box:9000", "own", "app.test"]);
  });

  test("that fails in a check is told with what its binding says", async () => {
    await start(boxes.slice(0, 1), { check: { path: "/crash", interval: "100ms", fall: 1 } });
    await sluice.admin("PATCH", "/api/pools/web/servers/b0", {});
    const { servers } = await sluice.until("web", ({ servers: [one] }) => one?.health === "down");
    expect(servers[0]?.lastCheck?.got).toBe("binding failed: crashed by a test");
  });

  test("gets no header that is for one connection only: a client could have a next proxy drop the key", async () => {
    const keys = { headers: { "X-Gate-Key": { secret: "GATE_KEY" } } };
    await start(behindService.slice(0, 1), keys, { texts: { GATE_KEY: "open-sesame" } });
    const answer = await answerTo(sluice.url, [
      "GET /headers HTTP/1.1",
      "Host: app.test",
      "Connection: X-Gate-Key",
      "TE: trailers",
      "Upgrade: h2c",
      "X-Gate-Key: mine",
    ]);
    const seen = JSON.parse(/\{.*\}/.exec(answer)?.[0] ?? "") as Record<string, string>;
    const names = [
      "host",
      "traceparent",
      "x-forwarded-host",
      "x-forwarded-proto",
      "x-gate-key",
      "x-request-id",
    ];
    expect(Object.keys(seen)).toEqual(names);
    expect(seen["x-gate-key"]).toBe("open-sesame");
  });

  test("gets no header that it may read as one of those, as WSGI and CGI read X_Gate_Key", async () => {
    const keys = { headers: { "X-Gate-Key": { secret: "GATE_KEY" }, X_Team: "one" } };
    await start(behindService.slice(0, 1), keys, { texts: { GATE_KEY: "open-sesame" } });
    const headers = {
      X_Gate_Key: "mine",
      "X-Team": "two",
      X_Forwarded_For: "203.0.113.66",
      "X-Forwarded_Proto": "https",
      CF_Connecting_IP: "203.0.113.66",
      X_Real_IP: "203.0.113.66",
      X_Request_Id: "forged",
      my_own: "stays",
    };
    const seen = (await (await fetch(`${sluice.url}/headers`, { headers })).json()) as Record<string, string>;
    expect(Object.keys(seen).filter((name) => name.includes("_"))).toEqual(["my_own", "x_team"]);
    expect(seen).toMatchObject({ "x-gate-key": "open-sesame", x_team: "one", my_own: "stays" });
    expect(seen).not.toHaveProperty("x-team");
  });

  test("that leads to itself leads its client to the client's host, also with host_header = client", async () => {
    await start(behindService.slice(0, 1), { host_header: "client" });
    const response = await fetch(`${sluice.url}/moved`, { redirect: "manual" });
    expect(response.headers.get("location")).toBe(`${sluice.url}/there`);
  });

  test("that crashes in the middle is known to be idle, and its request fails", async () => {
    await start(boxes.slice(0, 1), { retries: 0, quarantine: { broken: "1ms" } });
    expect((await fetch(`${sluice.url}/crash`)).status).toBe(502);
    expect((await fetch(sluice.url)).status).toBe(200);
    expect((await sluice.snapshot("web")).servers[0]).toMatchObject({
      url: "http://box:8000",
      binding: "BOXES",
    });
  });

  test("keeps its slot through a kill of the runtime", async () => {
    await start(boxes.slice(0, 1), { quarantine: { max: "1m" } });
    const hung = fetch(`${sluice.url}/hang`).catch(() => null);
    await sluice.until("web", ({ inFlight }) => inFlight === 1);
    const folder = await sluice.stopKeepingStorage();
    await hung;
    sluice = await Sluice.start({
      pools: { web: { servers: boxes.slice(0, 1), quarantine: { max: "1m" } } },
      folder,
    });
    expect((await sluice.snapshot("web")).servers).toMatchObject([{ name: "b0", inFlight: 1 }]);
  });

  test("whose binding the Worker does not have is a mistake that is named", async () => {
    await start([{ name: "a", url: "http://a", binding: "NOWHERE" }]);
    expect((await fetch(sluice.url)).status).toBe(500);
    const said = await (await sluice.admin("GET", "/api/pools")).text();
    expect(said).toContain('"NOWHERE\\" is no binding of this Worker');
  });
});
