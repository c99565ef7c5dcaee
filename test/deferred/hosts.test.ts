import { afterAll, beforeAll, expect, test } from "vitest";
import { Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";
import { Deferrer } from "./support.ts";

/** At another host, a server's answer would be a page or a script of that host's origin. */
let origin: Origin;
let sluice: Sluice;
let client: Deferrer;
beforeAll(async () => {
  origin = await Origin.start();
  const servers = [{ name: "web-1", url: origin.url }];
  const deferred = {};
  sluice = await Sluice.start({
    pools: {
      any: { servers, deferred },
      one: { hosts: ["one.test", "*.one.test"], servers, deferred },
      docs: { hosts: ["one.test"], path_prefix: "/docs", servers, deferred },
      two: { hosts: ["two.test"], servers, deferred },
    },
    adminHost: "admin.test",
  });
  client = new Deferrer(() => sluice);
});
afterAll(async () => {
  await sluice.stop();
  await origin.stop();
});

test.each([
  [
    "one.test",
    ["one.test", "ONE.test.", "one.test:81", "a.one.test"],
    ["two.test", "admin.test", "else.test"],
  ],
  ["a.one.test", ["one.test", "b.one.test"], ["two.test", "admin.test"]],
  ["else.test", ["other.test", "admin.test"], ["one.test", "two.test"]],
])("what was asked of %s can act in the name of hosts of its pool only", async (host, same, others) => {
  const id = await client.defer("/", { headers: { Host: host } });
  const headers = { "Set-Cookie": "a=1", "Clear-Site-Data": '"*"', "Content-Type": "text/html" };
  (await origin.arrival()).response.writeHead(200, headers).end("<script>alert(1)</script>");
  await client.ended(id);
  for (const other of others) {
    const { status, headers } = await client.response(id, { Host: other });
    expect([status, headers["content-security-policy"]]).toEqual([200, "sandbox"]);
    expect([headers["set-cookie"], headers["clear-site-data"]]).toEqual([undefined, undefined]);
  }
  for (const known of same) {
    const { status, headers } = await client.response(id, { Host: known });
    expect([status, headers["content-security-policy"], headers["set-cookie"]]).toEqual([
      200,
      undefined,
      ["a=1"],
    ]);
  }
});

test("what was asked of a path's pool can act in the name of that pool's host", async () => {
  const id = await client.defer("/docs/x", { headers: { Host: "one.test" } });
  (await origin.arrival()).response.end("done");
  await client.ended(id);
  const policyAt = async (host: string) =>
    (await client.response(id, { Host: host })).headers["content-security-policy"];
  expect([await policyAt("one.test"), await policyAt("a.one.test")]).toEqual([undefined, "sandbox"]);
});
