import http from "node:http";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { bodyOf } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";
import { useStage } from "../support/stage.ts";
import { ask, BEARER, problemOf } from "./support.ts";

const stage = useStage({ web: {} }, { adminHost: "Admin.example.com" });
beforeEach(() => {
  stage.origin.answer = (request, response) => response.end(`origin saw ${request.url}`);
});

/** The answer, and who gave it. Not by `fetch`, which does not send another `Host`. */
async function through(host: string, path: string, headers = {}): Promise<string> {
  const request = http.get(stage.sluice.url, { path, headers: { Host: host, ...headers } });
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    request.once("response", resolve).once("error", reject);
  });
  const text = (await bodyOf(response)).toString();
  return `${response.statusCode} ${text.startsWith("origin saw") ? text : "Sluice"}`;
}

describe("with ADMIN_HOST set", () => {
  test.each([
    "admin.example.com",
    "ADMIN.example.com",
    "admin.example.com:8443",
    "admin.example.com.",
    "admin.example.com.:8443",
  ])("the admin side answers on %s", async (host) => {
    expect(await through(host, "/_sluice/healthz")).toBe("200 Sluice");
    expect(await through(host, "/_sluice/api/pools")).toBe("401 Sluice");
    expect(await through(host, "/_sluice/api/pools/web", BEARER)).toBe("200 Sluice");
  });

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
    for (const path of ["/", "/_sluices", "/_sluices/healthz", "/a/_sluice/healthz", "/_SLUICE/healthz"]) {
      expect(await through("admin.example.com", path)).toBe(`200 origin saw ${path}`);
    }
  });
});

describe("an ADMIN_HOST that no request can have closes the admin side, and says so:", () => {
  test.each([
    "admin.example.com:8443",
    "admin.example.com.",
    "https://admin.example.com",
    "admin.example.com/",
    "*.example.com",
    "",
  ])("%j", async (adminHost) => {
    const servers = [{ name: "web-1", url: stage.origin.url }];
    const sluice = await Sluice.start({ pools: { web: { servers } }, adminHost, bundle: "production" });
    onTestFinished(() => sluice.stop());
    const pools = { method: "GET", path: "/_sluice/api/pools" };
    const before = stage.origin.count;
    const { detail } = await problemOf(await ask(sluice, pools), 500, "misconfigured");
    expect(detail).toContain(`ADMIN_HOST: ${JSON.stringify(adminHost)} is `);
    // Without the token the answer is 401 as ever, and no request under /_sluice/ reaches a server.
    await problemOf(await ask(sluice, pools, {}), 401, "unauthorized");
    expect((await ask(sluice, { method: "GET", path: "/_sluice/healthz" }, {})).status).toBe(200);
    expect(stage.origin.count).toBe(before);
    expect(await (await fetch(`${sluice.url}/x`)).text()).toBe("origin saw /x");
  });
});
