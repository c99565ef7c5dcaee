import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Handler, Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";

let proxied: Origin;
let other: Origin;
let sluice: Sluice;

/** What Cloudflare answers in the place of a server whose host name it proxies. */
const cloudflares =
  (status: number): Handler =>
  (request, response) => {
    request.resume();
    response.writeHead(status, { Server: "cloudflare" }).end(`error code: ${status}`);
  };

beforeEach(async () => {
  [proxied, other] = await Promise.all([
    Origin.start(),
    Origin.start((request, response) => {
      request.resume();
      request.on("end", () => response.end("other"));
    }),
  ]);
  const servers = [proxied, other].map(({ url }, n) => ({ name: `web-${n}`, url }));
  sluice = await Sluice.start({
    pools: { web: { balance: "first", quarantine: { broken: "1h", max: "2h" }, servers } },
  });
});
afterEach(async () => {
  await sluice.stop();
  await Promise.all([proxied.stop(), other.stop()]);
});

async function send(method: string): Promise<{ status: number; text: string }> {
  const response = await fetch(sluice.url, { method, ...(method === "POST" ? { body: "x" } : {}) });
  return { status: response.status, text: await response.text() };
}

/** How long the first server's slot stays closed, in hours. */
async function quarantineHours(): Promise<number> {
  const { servers } = await sluice.until("web", ({ quarantined }) => quarantined === 1);
  const { since, until } = servers[0]?.leases[0] ?? {};
  return Math.round((Date.parse(until ?? "") - Date.parse(since ?? "")) / 3_600_000);
}

describe("520: the server broke the connection", () => {
  test("a GET goes to another server, and the slot is closed for `broken`", async () => {
    proxied.answer = cloudflares(520);
    expect(await send("GET")).toEqual({ status: 200, text: "other" });
    expect(await quarantineHours()).toBe(1);
    expect((await sluice.snapshot("web")).totals.retried).toBe(1);
  });

  test("a POST may have done its work: 502", async () => {
    proxied.answer = cloudflares(520);
    expect((await send("POST")).status).toBe(502);
    expect(other.count).toBe(0);
  });
});

describe("524: the server is silent, and still at work", () => {
  test.each(["GET", "POST"])("a %s is answered 504, and the slot is closed for `max`", async (method) => {
    proxied.answer = cloudflares(524);
    const { status, text } = await send(method);
    expect([status, JSON.parse(text).code]).toEqual([504, "server-timeout"]);
    expect(await quarantineHours()).toBe(2);
    expect(other.count).toBe(0);
  });
});

describe("522: nobody knows whether the request came to the server", () => {
  test("a GET goes to another server, and the slot is closed for `max`", async () => {
    proxied.answer = cloudflares(522);
    expect(await send("GET")).toEqual({ status: 200, text: "other" });
    expect(await quarantineHours()).toBe(2);
  });

  test("a POST is not sent again: 502", async () => {
    proxied.answer = cloudflares(522);
    const { status, text } = await send("POST");
    expect([status, JSON.parse(text).code]).toEqual([502, "bad-gateway"]);
    expect(other.count).toBe(0);
  });
});

test.each([521, 523, 525, 526, 530])(
  "%d: no request came to the server, so any method goes to another",
  async (status) => {
    proxied.answer = cloudflares(status);
    expect(await send("POST")).toEqual({ status: 200, text: "other" });
  },
);

test.each([520, 522, 524])("%d of the server itself is its answer", async (status) => {
  proxied.answer = (request, response) => {
    request.resume();
    response.writeHead(status).end("mine");
  };
  expect(await send("GET")).toEqual({ status, text: "mine" });
});
