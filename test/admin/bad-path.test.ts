import http from "node:http";
import { beforeEach, describe, expect, test } from "vitest";
import { bodyOf } from "../support/origin.ts";
import { useStage } from "../support/stage.ts";
import { ask, BEARER, get, problemOf } from "./support.ts";

const stage = useStage({ web: {} }, {});
beforeEach(() => {
  stage.origin.answer = (_, response) => response.end("served");
});

/** Status and code. The path is sent as it is. */
async function raw(method: string, path: string, headers: Record<string, string> = {}): Promise<string> {
  const request = http.request(stage.sluice.url, { method, path, headers: { ...BEARER, ...headers } });
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    request.once("response", resolve).once("error", reject).end();
  });
  const text = (await bodyOf(response)).toString();
  expect(text).not.toMatch(/\bat \S+:\d+:\d+|Error:/); // no stack
  return `${response.statusCode} ${text.startsWith("{") ? (JSON.parse(text).code ?? "") : text}`.trim();
}

async function expectUnharmed(): Promise<void> {
  expect(await stage.sluice.snapshot("web")).toMatchObject({ state: "running", drain: null });
  expect(await get(stage.sluice, "/")).toBe("200 served");
}

/** Names, percent-encoded for a path. */
const ODD_NAMES = [
  "unknown",
  "WEB",
  "web%20",
  "%20web",
  "web%00",
  "web%2F",
  "..%2Fweb",
  "%",
  "%zz",
  "%e2%98",
  "%ff%fe",
  "%25",
  "%E2%98%82",
  "w%65b%3F",
  "web;a=b",
  "web,web",
  "*",
  ":pool",
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "a".repeat(8_000),
].map((name) => [name.slice(0, 40), name] as const);

describe("an odd name in the path", () => {
  test.each(ODD_NAMES)("is an unknown pool: %s", async (_, name) => {
    const path = `/_sluice/api/pools/${name}`;
    expect(await raw("GET", path)).toBe("404 unknown-pool");
    expect(await raw("POST", `${path}/drain`)).toBe("404 unknown-pool");
    expect(await raw("POST", `${path}/resume`)).toBe("404 unknown-pool");
    expect(await raw("PATCH", `${path}/servers/web-1`)).toBe("404 unknown-pool");
    expect(await raw("DELETE", `${path}/leases/x`)).toBe("404 unknown-pool");
    expect(await raw("GET", `${path}/deferred`)).toBe("404 unknown-pool");
    expect(await raw("DELETE", `${path}/deferred/x`)).toBe("404 unknown-pool");
    expect(await raw("POST", `${path}/deferred/x/retry`)).toBe("404 unknown-pool");
    await expectUnharmed();
  });

  test.each(ODD_NAMES)("is an unknown server, lease and deferred request: %s", async (_, name) => {
    expect(await raw("PATCH", `/_sluice/api/pools/web/servers/${name}`)).toBe("404 unknown-server");
    expect(await raw("DELETE", `/_sluice/api/pools/web/leases/${name}`)).toBe("404 unknown-lease");
    expect(await raw("DELETE", `/_sluice/api/pools/web/deferred/${name}`)).toBe("404 unknown-request");
    expect(await raw("POST", `/_sluice/api/pools/web/deferred/${name}/retry`)).toBe("404 unknown-request");
    await expectUnharmed();
  });

  test("is still the right pool when it is only written differently", async () => {
    expect(await raw("GET", "/_sluice/api/pools/w%65%62")).toBe("200");
    expect(await raw("PATCH", "/_sluice/api/pools/web/servers/web%2D1")).toBe("200");
  });
});

describe("an unknown route", () => {
  test.each([
    "GET /_sluice/api",
    "GET /_sluice/api/",
    "GET /_sluice/api/pools/",
    "GET /_sluice/api/pools/web/",
    "GET /_sluice//api/pools",
    "GET /_sluice/api/pools/web/drain",
    "GET /_sluice/api/pools/web/servers",
    "PUT /_sluice/api/pools/web",
    "DELETE /_sluice/api/pools/web",
    "POST /_sluice/api/pools/web",
    "PATCH /_sluice/api/pools/web/servers/",
    "POST /_sluice/api/pools/web/servers/web-1",
    "DELETE /_sluice/api/pools/web/leases",
    "POST /_sluice/api/pools/web/deferred",
    "DELETE /_sluice/api/pools/web/deferred",
    "GET /_sluice/api/pools/web/deferred/x",
    "GET /_sluice/api/pools/web/deferred/x/retry",
    "POST /_sluice/api/pools/web/%64rain%20",
    "OPTIONS /_sluice/api/pools",
    "TRACE /_sluice/api/pools",
    "POST /_sluice/healthz",
    "GET /_sluice/API/pools",
  ])("is a 404: %s", async (line) => {
    const [method = "", path = ""] = line.split(" ");
    expect(await raw(method, path)).toBe("404 unknown-route");
    await expectUnharmed();
  });

  test("answers as every error does", async () => {
    const route = { method: "GET", path: "/_sluice/api/nothing" };
    const { detail } = await problemOf(await ask(stage.sluice, route), 404, "unknown-route");
    expect(detail).toContain("no such route");
  });
});

describe("too much in a request", () => {
  test("a header of 16 KB harms nobody", async () => {
    const long = { "X-Long": "a".repeat(16 * 1024) };
    expect(await raw("GET", "/_sluice/api/pools/web", long)).toBe("200");
    await expectUnharmed();
  });

  test("a token of 16 KB is only wrong", async () => {
    const long = { Authorization: `Bearer ${"a".repeat(16 * 1024)}` };
    expect(await raw("GET", "/_sluice/api/pools/web", long)).toBe("401 unauthorized");
    await expectUnharmed();
  });

  test("a query is ignored, whatever is in it", async () => {
    expect(await raw("GET", `/_sluice/api/pools/web?%zz&__proto__=1&${"a".repeat(8_000)}`)).toBe("200");
  });
});
