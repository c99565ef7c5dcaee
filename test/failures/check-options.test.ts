import type http from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ServerSnapshot, Snapshot } from "../../src/scheduler/snapshot.ts";
import { BlackHole } from "../support/black-hole.ts";
import { Connections } from "../support/connections.ts";
import { type Handler, Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";

const CHECK = { path: "/health?full=1", interval: "100ms", timeout: "1s", rise: 1, fall: 1 };

let sluice: Sluice;
let client: Connections;
let origin: Origin;
/** The checks that the server has got. */
let checks: http.IncomingMessage[];
/** How the server answers a check. */
let answer: Handler;

beforeEach(async () => {
  checks = [];
  answer = (_, response) => response.end("ready");
  origin = await Origin.start((request, response) => {
    if (request.headers["x-sluice-check"] !== "check") {
      response.end("work");
      return;
    }
    checks.push(request);
    answer(request, response);
  });
});
afterEach(async () => {
  client.close();
  await sluice.stop();
  await origin.stop();
});

async function start(check: object, keys: object = {}): Promise<void> {
  const servers = [{ name: "web-1", url: origin.url }];
  sluice = await Sluice.start({ pools: { web: { servers, check: { ...CHECK, ...check }, ...keys } } });
  client = new Connections(sluice.url);
}

const portOf = ({ url }: { url: string }) => Number(new URL(url).port);
const only = ({ servers }: Snapshot) => servers[0] as ServerSnapshot;

/** Resolves with what the last check got once the server is up, or down. */
async function gotWhen(health: "up" | "down"): Promise<string | undefined> {
  await wake();
  const shown = await sluice.until("web", (snapshot) => only(snapshot).health === health);
  return only(shown).lastCheck?.got;
}

/** The pool is checked as long as it has work. An operator's change, even of nothing, is some. */
async function wake(): Promise<void> {
  await sluice.admin("PATCH", "/api/pools/web/servers/web-1", {});
}

/** Resolves with what a check got that fits, made after this call. */
async function gotThat(fits: (got: string) => boolean): Promise<string> {
  await wake();
  const before = only(await sluice.snapshot("web")).lastCheck?.at ?? "";
  const shown = await sluice.until("web", (snapshot) => {
    const { lastCheck } = only(snapshot);
    return lastCheck !== null && lastCheck.at > before && fits(lastCheck.got);
  });
  return only(shown).lastCheck?.got ?? "";
}

describe("a check", () => {
  test("asks with GET for its path and query, and says what it got, in the snapshot and when the server goes down", async () => {
    await start({});
    expect(await gotWhen("up")).toBe("status 200");
    expect(checks[0]).toMatchObject({ method: "GET", url: "/health?full=1" });
    answer = (_, response) => response.writeHead(503).end();
    expect(await gotWhen("down")).toBe("status 503");
    const events = await sluice.admin("GET", "/api/pools/web/events");
    let told = "";
    for await (const chunk of events.body ?? []) {
      told += Buffer.from(chunk).toString();
      if (told.includes("server-down")) break;
    }
    expect(told).toContain('"kind":"server-down","server":"web-1","cause":"checks","got":"status 503"');
  });

  test.each(["HEAD", "OPTIONS"])("asks with %s", async (method) => {
    await start({ method });
    expect(await gotWhen("up")).toBe("status 200");
    expect(checks[0]?.method).toBe(method);
  });

  test.each([
    ["/login?token=hidden#part", "status 301 to /login"],
    ["https://user:hidden@www.example.com/up?x=hidden", "status 301 to https://www.example.com/up"],
    ["http://[", "status 301"],
    ["mailto:hidden@example.com", "status 301"],
    [`/${"long".repeat(30)}`, "status 301"],
  ])("that is redirected to %s tells %s, and is not followed", async (location, got) => {
    answer = (_, response) => response.writeHead(301, { location }).end();
    await start({});
    expect(await gotWhen("down")).toBe(got);
    expect(new Set(checks.map(({ url }) => url))).toEqual(new Set(["/health?full=1"]));
  });

  test.each([
    ["520", "Cloudflare's 520: an empty or unreadable answer"],
    ["521", "Cloudflare's 521: connection refused"],
    ["524", "Cloudflare's 524: no answer in time"],
    ["526", "Cloudflare's 526: invalid certificate"],
  ])("that Cloudflare answers with %s tells its name", async (status, got) => {
    answer = (_, response) => response.writeHead(Number(status), { server: "cloudflare" }).end();
    await start({});
    expect(await gotWhen("down")).toBe(got);
  });

  test("tells a server that is not there, one that breaks off, and one that says nothing, apart", async () => {
    answer = (request) => request.socket.destroy();
    await start({ timeout: "200ms" }, { quarantine: { max: "100ms", broken: "10ms" } });
    expect(await gotWhen("down")).toBe("broke off");
    answer = (request, response) => response.write("beginning", () => request.socket.destroy());
    await gotThat((got) => got === "status 200, then broke off");
    answer = (_, response) => response.write("beginning");
    await gotThat((got) => got === "status 200, but no end within 200ms");
    answer = () => {};
    await gotThat((got) => got === "no answer within 200ms");
    await origin.stop();
    await gotThat((got) => got === "connection refused");
    origin = await Origin.start();
  });

  test("tells a host that nobody finds", async () => {
    const servers = [{ name: "web-1", url: "http://nobody.invalid" }];
    sluice = await Sluice.start({ pools: { web: { servers, check: { ...CHECK, timeout: "20s" } } } });
    client = new Connections(sluice.url);
    expect(await gotWhen("down")).toBe("no connection");
  });

  test("tells a host that is gone without a word", async () => {
    const hole = await BlackHole.start();
    const servers = [{ name: "web-1", url: `http://127.0.0.1:${hole.port}` }];
    sluice = await Sluice.start({ pools: { web: { servers, check: { ...CHECK, timeout: "200ms" } } } });
    client = new Connections(sluice.url);
    expect(await gotWhen("down")).toBe("no answer within 200ms");
    await hole.stop();
  });

  test("for a host says so as a client's request does, and locally asks by the server's own", async () => {
    await start({ host: "app.example.com" });
    await gotWhen("up");
    expect(checks[0]?.headers).toMatchObject({
      host: new URL(origin.url).host,
      "x-forwarded-host": "app.example.com",
    });
  });
});

test("a check for a host asks by that where Cloudflare is in front of the server, as its answers tell", async () => {
  answer = (_, response) => response.writeHead(200, { "cf-ray": "8f-FRA" }).end();
  // `resolveOverride` does nothing here, so that the request goes to this name itself.
  await start({ host: "localhost" });
  await gotWhen("up");
  await gotThat(() => true);
  const port = portOf(origin);
  const [first, ...later] = checks.map(({ headers }) => headers.host);
  expect(first).toBe(`127.0.0.1:${port}`);
  expect(new Set(later)).toEqual(new Set([`localhost:${port}`]));
});

describe("a server whose health is on another port", () => {
  test("is as that says, gets its requests where its url says, and is no restarted one when that comes back", async () => {
    const health = await Origin.start((_, response) => response.end());
    const port = portOf(health);
    await start({ port }, { server_timeout: "300ms", quarantine: { max: "1m" }, slots: 2 });
    expect(await gotWhen("up")).toBe("status 200");
    expect((await client.get("/")).body).toBe("work");
    expect(checks).toEqual([]);
    origin.answer = () => {};
    expect((await client.get("/")).status).toBe(504);
    await health.stop();
    await gotThat((got) => got === "connection refused");
    expect(only(await sluice.snapshot("web")).health).toBe("down");
    const again = await Origin.startAt(port, (_, response) => response.end());
    await gotWhen("up");
    again.answer = (_, response) => response.writeHead(521, { server: "cloudflare" }).end();
    await gotThat((got) => got === "Cloudflare's 521: connection refused");
    again.answer = (_, response) => response.end();
    await gotWhen("up");
    expect((await sluice.snapshot("web")).quarantined).toBe(1);
    await again.stop();
  });
});

describe("what a check expects", () => {
  test.each([
    [{ expect: "ready" }, 'status 200, but no "ready" in its body'],
    [{ expect_header: "x-role: primary" }, "status 200, but no header x-role: primary"],
    [{ expect_header: "X-Role" }, "status 200, but no header x-role"],
  ])("%j: a server without it is down, and up as soon as it has it", async (expected, got) => {
    answer = (_, response) => response.writeHead(200, { "x-other": "primary" }).end("starting");
    await start(expected);
    expect(await gotWhen("down")).toBe(got);
    answer = (_, response) => response.writeHead(200, { "x-role": "primary" }).end("now ready!");
    expect(await gotWhen("up")).toBe("status 200");
  });

  test("is just the value of a header, and only of an answer whose status passes", async () => {
    answer = (_, response) => response.writeHead(200, { "x-role": "primary2" }).end();
    await start({ expect: "ready", expect_header: "x-role: primary" });
    expect(await gotWhen("down")).toBe("status 200, but no header x-role: primary");
    answer = (_, response) => response.writeHead(500, { "x-role": "primary" }).end("ready");
    await gotThat((got) => got === "status 500");
    answer = (_, response) => response.writeHead(200, { "x-role": "primary" }).end("read");
    await gotThat((got) => got === 'status 200, but no "ready" in its body');
  });

  test("is found where the body comes in pieces, in letters of several bytes too", async () => {
    const bytes = Buffer.from("is bereit für alles");
    answer = async (_, response) => {
      response.writeHead(200);
      for (const byte of bytes) {
        response.write(Buffer.of(byte));
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      response.end();
    };
    await start({ expect: "bereit für" });
    expect(await gotWhen("up")).toBe("status 200");
  });

  test.each([
    ["an end", "ready", "up", "status 200"],
    ["an end", "lost", "down", 'status 200, but no "lost" in the first 64 KiB of its body'],
  ] as const)(
    "is looked for in the first 64 KiB of a body without %s: %s",
    async (_, expected, health, got) => {
      answer = (request, response) => {
        response.write("ready");
        const more = () => {
          while (!request.socket.destroyed && response.write("x".repeat(8 * 1024)));
        };
        response.on("drain", more);
        more();
      };
      await start({ expect: expected, timeout: "20s" }, { quarantine: { cancel: "10ms" } });
      expect(await gotWhen(health)).toBe(got);
      // Its connection is closed, so that it sends no more.
      await Promise.all(checks.slice(0, 1).map(({ socket }) => whenClosed(socket)));
      await gotThat(() => true);
    },
  );

  test.each([
    [{ expect: "ready" }, "up", "status 200"],
    [{ expect: "end" }, "down", 'status 200, but no "end" in the first 64 KiB of its body'],
    [{}, "up", "status 200"],
  ] as const)(
    "of a long page, %j, leaves its slot open at once: the page is read to its end",
    async (keys, health, got) => {
      answer = (_, response) => response.end(`ready${"x".repeat(500 * 1024)}end`);
      await start({ ...keys, timeout: "20s" }, { quarantine: { cancel: "1h" } });
      expect(await gotWhen(health)).toBe(got);
      await gotThat(() => true);
    },
  );

  test("passes when its time is over and the text was there, though the body goes on", async () => {
    answer = (_, response) => response.write("ready");
    await start({ expect: "ready", timeout: "200ms" }, { quarantine: { cancel: "10ms" } });
    expect(await gotWhen("up")).toBe("status 200");
    const [first] = checks;
    if (!first) throw new Error("no check");
    await whenClosed(first.socket);
    expect((await client.get("/")).body).toBe("work");
  });
});

describe("with slot = false", () => {
  const BESIDE = { slot: false };
  /** The work that nobody has answered yet. */
  let held: http.ServerResponse[];

  beforeEach(() => {
    held = [];
    const beside = origin.answer as Handler;
    origin.answer = (request, response) => {
      if (request.headers["x-sluice-check"] === "check") beside(request, response);
      else held.push(response);
    };
  });

  test("a single-flight server whose only slot is held is checked all the while, and stays up", async () => {
    await start(BESIDE);
    const first = client.get("/1");
    const second = client.get("/2");
    await sluice.until("web", ({ inFlight, queued }) => inFlight === 1 && queued === 1);
    for (let n = 0; n < 3; n++) await gotThat((got) => got === "status 200");
    const { health, inFlight } = only(await sluice.snapshot("web"));
    expect([health, inFlight, held.length]).toEqual(["up", 1, 1]);
    held[0]?.end("one");
    expect((await first).body).toBe("one");
    while (held.length < 2) await new Promise((resolve) => setTimeout(resolve, 2));
    held[1]?.end("two");
    expect((await second).body).toBe("two");
  });

  test("a server that is busy for ever is known to be down by its checks", async () => {
    await start(BESIDE);
    const answered = client.get("/");
    await gotWhen("up");
    answer = (_, response) => response.writeHead(503).end();
    expect(await gotWhen("down")).toBe("status 503");
    held[0]?.end("done");
    expect((await answered).body).toBe("done");
  });

  test("a drained pool is drained while a check is under way, and a crash of its object loses only that check", async () => {
    answer = () => {};
    await start({ ...BESIDE, timeout: "20s" });
    await wake();
    while (checks.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    expect((await (await sluice.drain("web")).json()) as Snapshot).toMatchObject({
      state: "drained",
      inFlight: 0,
    });
    await sluice.crash("web");
    await sluice.resume("web");
    answer = (_, response) => response.end();
    const answered = client.get("/");
    while (held.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    held[0]?.end("served");
    expect((await answered).body).toBe("served");
    expect(await gotWhen("up")).toBe("status 200");
  });
});

function whenClosed(socket: { destroyed: boolean; once(event: "close", heard: () => void): unknown }) {
  return new Promise<void>((resolve) => (socket.destroyed ? resolve() : socket.once("close", resolve)));
}
