import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { CarriedRequest } from "../../src/carry/carried-request.ts";
import { toClient } from "../../src/carry/headers.ts";
import { RequestBody } from "../../src/carry/request-body.ts";
import { serverRequest } from "../../src/carry/server-request.ts";
import { type RequestTarget, targetOf } from "../../src/carry/target.ts";
import { Trace } from "../../src/carry/trace.ts";
import type { PoolConfig, ServerConfig } from "../../src/config/types.ts";
import { poolOf } from "../config/support.ts";

const SERVER = "https://web-1.example.com:8443";

/** Cloudflare's `resolveOverride` does nothing on a local workerd; what is asked of it can be seen here. */
async function carriedWith(hostHeader: PoolConfig["hostHeader"], headers: Record<string, string>) {
  const request = new Request("https://app.example.com/a%2Fb?c", { method: "POST", headers });
  const servers = [{ name: "web-1", url: SERVER }];
  const pool = poolOf({ web: { servers, host_header: hostHeader } }, "web");
  const body = await RequestBody.buffer(request, 0, 1_000);
  const trace = new Trace("r", "POST", "/");
  const carried = { env: {}, request, target: targetOf(request) as RequestTarget, pool, body, trace };
  return { carried: carried as unknown as CarriedRequest, server: pool.servers[0] as ServerConfig };
}

async function outgoing(...given: Parameters<typeof carriedWith>) {
  const { carried, server } = await carriedWith(...given);
  return serverRequest(carried, server, null);
}

describe("the server is asked", () => {
  test("by its own name, by default", async () => {
    const { target, init } = await outgoing("server", { "cf-ray": "x" });
    expect(target).toBe(`${SERVER}/a%2Fb?c`);
    expect(init.cf).toBeUndefined();
  });

  test("by the client's, at the server's own address, where host_header says so", async () => {
    const { target, init } = await outgoing("client", { "cf-ray": "x" });
    expect(target).toBe("https://app.example.com:8443/a%2Fb?c");
    expect(init.cf).toEqual({ resolveOverride: "web-1.example.com" });
  });

  test("by its own name where Cloudflare is not there to resolve the client's to it", async () => {
    expect((await outgoing("client", {})).target).toBe(`${SERVER}/a%2Fb?c`);
  });
});

test("the headers are walked once for all that a client could forge, as every request pays for it", async () => {
  const { carried, server } = await carriedWith("server", { "x-real-ip": "203.0.113.66", x_host: "forged" });
  const walks = vi.spyOn(Headers.prototype, "keys");
  onTestFinished(() => walks.mockRestore());
  const { init } = serverRequest(carried, server, null);
  expect(walks).toHaveBeenCalledTimes(1);
  expect([...(init.headers as Headers)].map(([name]) => name)).toEqual([
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-request-id",
  ]);
});

test("where the server leads to stays as it came if it knows the client's host, and is mapped otherwise", async () => {
  const ledTo = async (...given: Parameters<typeof carriedWith>) => {
    const { carried, server } = await carriedWith(...given);
    const headers = new Headers({ Location: `${SERVER}/x` });
    toClient(headers, carried, server, { length: null, misstated: false });
    return headers.get("location");
  };
  expect(await ledTo("client", { "cf-ray": "x" })).toBe(`${SERVER}/x`);
  expect(await ledTo("client", {})).toBe("https://app.example.com/x");
  expect(await ledTo("server", { "cf-ray": "x" })).toBe("https://app.example.com/x");
});
