import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { send } from "../support/client.ts";
import { Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";
import { ask, BEARER, CLOSED_ROUTES } from "./support.ts";

let sluice: Sluice;
let origin: Origin;
beforeAll(async () => {
  origin = await Origin.start((_, response) => response.writeHead(404).end("hello"));
  const servers = [{ name: "web-1", url: origin.url }];
  sluice = await Sluice.start({ pools: { web: { servers, hosts: ["web.test"] } }, bundle: "production" });
});
afterAll(async () => {
  await sluice.stop();
  await origin.stop();
});

const policyOf = (headers: Headers) => headers.get("content-security-policy") ?? "";

describe("a browser takes an answer of ours for what it is, lets it load nothing and shows it in no other page:", () => {
  const routes = [
    ...CLOSED_ROUTES,
    { method: "GET", path: "/_sluice/healthz" },
    { method: "GET", path: "/_sluice/assets/page.js" },
    { method: "GET", path: "/_sluice/nothing" },
  ];
  for (const [who, headers] of [
    ["with the token", BEARER],
    ["without", {}],
    ["as a browser without", { Accept: "text/html" }],
  ] as const) {
    test.each(routes)(`$method $path ${who}`, async (route) => {
      const response = await ask(sluice, route, headers);
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
      expect(policyOf(response.headers)).toMatch(/^default-src 'none'; .*frame-ancestors 'none'$/);
      expect(policyOf(response.headers)).not.toContain("unsafe");
      await response.body?.cancel();
    });
  }

  test.each(["*/*", "text/html"])("what the proxy refuses, to who accepts %s", async (Accept) => {
    const response = await fetch(sluice.url, { headers: { Accept } });
    expect(response.status).toBe(404);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(policyOf(response.headers)).toMatch(/^default-src 'none'; .*frame-ancestors 'none'$/);
  });
});

test("a server's answer gets none of these headers", async () => {
  const { status, headers } = await send(sluice.url, { headers: { Host: "web.test" } });
  expect(status).toBe(404);
  expect(headers).not.toHaveProperty("x-content-type-options");
  expect(headers).not.toHaveProperty("content-security-policy");
});
