import { describe, expect, onTestFinished, test } from "vitest";
import { begin, type Call, send } from "../../support/client.ts";
import { Origin } from "../../support/origin.ts";
import { Project, type Served } from "./support.ts";

async function stage(...args: string[]): Promise<{ origin: Origin; served: Served }> {
  const origin = await Origin.start();
  onTestFinished(() => origin.stop());
  const project = await Project.make({ web: { servers: [{ name: "web-1", url: origin.url }] } });
  return { origin, served: await project.serve(...args) };
}

/** What the server is told, and whether the client was answered. */
async function seen({ origin, served }: Awaited<ReturnType<typeof stage>>, call: Call) {
  const answer = send(served.url, call);
  const { request, response } = await origin.arrival();
  response.end();
  expect((await answer).status).toBe(200);
  return request.headers;
}

const FORGED = {
  "CF-Connecting-IP": "203.0.113.66",
  "CF-Connecting-IPv6": "2001:db8::66",
  "CF-Ray": "forged",
  "CF-IPCountry": "XX",
  "Cf-Access-Authenticated-User-Email": "boss@example.com",
  "True-Client-IP": "203.0.113.66",
  "X-Real-IP": "203.0.113.66",
  "X-Forwarded-Proto": "https",
};

describe("behind `sluice serve` a server", () => {
  test("gets the address of the connection, and nothing that a client says in Cloudflare's name", async () => {
    const headers = await seen(await stage(), { headers: { ...FORGED, "X-Forwarded-For": "198.51.100.1" } });
    const cloudflares = Object.keys(headers).filter((name) => name.startsWith("cf-"));
    expect(cloudflares).toEqual(["cf-connecting-ip"]);
    expect(headers).toMatchObject({
      "cf-connecting-ip": "127.0.0.1",
      "x-real-ip": "127.0.0.1",
      "true-client-ip": "127.0.0.1",
      "x-forwarded-for": "198.51.100.1, 127.0.0.1",
      "x-forwarded-proto": "http",
    });
  });

  test("gets what a proxy in front says, with --behind-proxy, and still nothing in Cloudflare's name", async () => {
    const given = { ...FORGED, "X-Forwarded-For": "198.51.100.1, 192.0.2.7" };
    const headers = await seen(await stage("--behind-proxy"), { headers: given });
    expect(headers).toMatchObject({
      "cf-connecting-ip": "192.0.2.7",
      "x-real-ip": "192.0.2.7",
      "x-forwarded-for": "198.51.100.1, 192.0.2.7",
      "x-forwarded-proto": "https",
    });
    expect(headers).not.toHaveProperty("cf-ray");
  });

  test.each([
    ["198.51.100.1, 192.0.2.7:50123", "192.0.2.7"],
    ["[2001:db8::7]:50123", "2001:db8::7"],
    ["2001:db8::7", "2001:db8::7"],
  ])("gets the address alone where that proxy says %s", async (forwarded, address) => {
    const headers = await seen(await stage("--behind-proxy"), { headers: { "X-Forwarded-For": forwarded } });
    expect(headers["cf-connecting-ip"]).toBe(address);
  });

  test.each(["GET", "POST"])("gets the body of a %s, path and query to the letter", async (method) => {
    const { origin, served } = await stage();
    const path = "/it's/{a}?q=ü^|".replace("ü", "%C3%BC");
    const answer = send(served.url, { method, path, body: "abc", headers: { "Content-Length": 3 } });
    const { request, response } = await origin.arrival();
    const chunks = await request.toArray();
    expect([request.method, request.url, String(Buffer.concat(chunks))]).toEqual([method, path, "abc"]);
    response.end("done");
    expect(String((await answer).body)).toBe("done");
  });
});

test("a client that leaves while it waits leaves the waiting list", async () => {
  const { origin, served } = await stage();
  const first = send(served.url, { path: "/1" });
  const { response } = await origin.arrival();
  const leaver = begin(served.url, { path: "/2" });
  leaver.request.end();
  await served.until(({ queued }) => queued === 1);
  // The runtime notices a reset, as it does without anything in front.
  leaver.request.on("error", () => {});
  leaver.request.socket?.resetAndDestroy();
  await served.until(({ queued }) => queued === 0);
  response.end();
  expect((await first).status).toBe(200);
  expect(origin.count).toBe(1);
});
