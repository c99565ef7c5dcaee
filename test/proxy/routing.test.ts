import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { send } from "../support/client.ts";
import { Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";

/** Pools by name, each with a server that answers with the pool's name and the path it got. */
const POOLS = {
  web: { hosts: ["*"] },
  private: { hosts: ["*"], path_prefix: ["/private", "/secret"] },
  shop: { hosts: ["shop.example.com"] },
};
const origins: Origin[] = [];
let sluice: Sluice;

beforeAll(async () => {
  const pools: Record<string, unknown> = {};
  for (const [name, keys] of Object.entries(POOLS)) {
    const origin = await Origin.start();
    origin.answer = (request, response) => response.end(`${name} ${request.url}`);
    origins.push(origin);
    pools[name] = { ...keys, servers: [{ name: "web-1", url: origin.url }] };
  }
  sluice = await Sluice.start({ pools, bundle: "production", adminHost: "admin.example.com" });
});

afterAll(async () => {
  await sluice.stop();
  for (const origin of origins) await origin.stop();
});

async function served(path: string, host = "example.com", method = "GET") {
  const answer = await send(sluice.url, { path, method, headers: { Host: host } });
  return answer.body.toString();
}

describe("a request goes to the pool of its host and path", () => {
  test.each([
    ["/x", "example.com", "web /x"],
    ["/private/x?y", "example.com", "private /private/x?y"],
    ["/secret/x?y", "example.com", "private /secret/x?y"],
    ["/x", "shop.example.com", "shop /x"],
    ["/private/x", "SHOP.example.com:8080", "shop /private/x"],
  ])("%s of %s", async (path, host, expected) => {
    expect(await served(path, host)).toBe(expected);
  });
});

describe("the pool is chosen by the path that its server gets", () => {
  test.each([
    ["/x/../private/y", "private /private/y"],
    ["/x/%2e%2E/private/y", "private /private/y"],
    ["/private/../x", "web /x"],
    ["/private/./y", "private /private/y"],
    ["/x\\..\\private\\y", "private /private/y"],
    // An escape is no slash, and neither is a double one.
    ["/x%2F..%2Fprivate/y", "web /x%2F..%2Fprivate/y"],
    ["//private/y", "web //private/y"],
  ])("%s", async (path, expected) => {
    expect(await served(path)).toBe(expected);
  });
});

// A server gets it as `/`: the runtime cannot send the "*" (workerd 2026-11-17).
test.each([["shop.example.com"], ["shop.example.com:8080"]])(
  "OPTIONS * goes to the pool of its host %s",
  async (host) => {
    expect(await served("*", host, "OPTIONS")).toBe("shop /");
  },
);

describe("/_sluice/ on another host than ADMIN_HOST is a path like any", () => {
  test.each([["/_sluice/"], ["/_sluice/healthz"], ["/_sluice/api/pools?x=y"], ["/x/../_sluice/api/pools"]])(
    "%s",
    async (path) => {
      expect(await served(path)).toBe(`web ${path.replace("/x/..", "")}`);
      expect(await served(path, "admin.example.com.test")).toBe(`web ${path.replace("/x/..", "")}`);
    },
  );

  test("on ADMIN_HOST it is the admin side, and only under that prefix", async () => {
    expect(await served("/_sluice/healthz", "admin.example.com")).toBe('{"status":"ok"}');
    expect(await served("/_sluicebox", "admin.example.com")).toBe("web /_sluicebox");
  });

  test.each([["/_sluice\\healthz"], ["/x/../_sluice/healthz"], ["/_sluice/./healthz"]])(
    "on ADMIN_HOST %s is the admin side too: as a server would get it, it is under the prefix",
    async (path) => {
      expect(await served(path, "admin.example.com")).toBe('{"status":"ok"}');
    },
  );

  test.each([["/_sluice\\api/pools"], ["/x/..\\_sluice/metrics"]])(
    "on ADMIN_HOST %s needs the token as ever",
    async (path) => {
      const answer = await send(sluice.url, { path, headers: { Host: "admin.example.com" } });
      expect(answer.status).toBe(401);
    },
  );

  test("on ADMIN_HOST a path that leaves the prefix is proxied", async () => {
    expect(await served("/_sluice/..\\x", "admin.example.com")).toBe("web /x");
    expect(await served("/x?/_sluice/", "admin.example.com")).toBe("web /x?/_sluice/");
  });
});
