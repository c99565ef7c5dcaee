import http from "node:http";
import { beforeEach, describe, expect, test } from "vitest";
import { bodyOf } from "../support/origin.ts";
import { useStage } from "../support/stage.ts";
import { BEARER } from "./support.ts";

const stage = useStage({ web: {} }, { adminHost: "Admin.example.com" });
beforeEach(() => {
  stage.origin.answer = (request, response) => response.end(`origin saw ${request.url}`);
});

/** What came back, and from whom. `fetch` would not send a Host of our own. */
async function through(host: string, path: string, headers = {}): Promise<string> {
  const request = http.get(stage.sluice.url, { path, headers: { Host: host, ...headers } });
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    request.once("response", resolve).once("error", reject);
  });
  const text = (await bodyOf(response)).toString();
  return `${response.statusCode} ${text.startsWith("origin saw") ? text : "Sluice"}`;
}

describe("with ADMIN_HOST set", () => {
  test.each(["admin.example.com", "ADMIN.example.com", "admin.example.com:8443"])(
    "the admin side answers on %s",
    async (host) => {
      expect(await through(host, "/_sluice/healthz")).toBe("200 Sluice");
      expect(await through(host, "/_sluice/api/pools")).toBe("401 Sluice");
      expect(await through(host, "/_sluice/api/pools/web", BEARER)).toBe("200 Sluice");
    },
  );

  test.each(["www.example.com", "example.com", "x.admin.example.com", "admin.example.com.evil.org"])(
    "on %s the path is proxied like any other",
    async (host) => {
      for (const path of ["/_sluice/", "/_sluice/healthz", "/_sluice/api/pools/web?a=b"]) {
        expect(await through(host, path)).toBe(`200 origin saw ${path}`);
        expect(await through(host, path, BEARER)).toBe(`200 origin saw ${path}`);
      }
    },
  );

  test("a host that only claims to be forwarded for it does not reach it", async () => {
    const headers = { "X-Forwarded-Host": "admin.example.com", Forwarded: "host=admin.example.com" };
    expect(await through("www.example.com", "/_sluice/healthz", headers)).toContain("origin saw");
  });

  test("what is not under /_sluice/ is proxied on the admin host too", async () => {
    for (const path of ["/", "/_sluice", "/_sluices/healthz", "/a/_sluice/healthz", "/_SLUICE/healthz"]) {
      expect(await through("admin.example.com", path)).toBe(`200 origin saw ${path}`);
    }
  });
});
