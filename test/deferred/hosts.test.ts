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
])("what was asked of %s is found at hosts of its pool only", async (host, same, others) => {
  const id = await client.defer("/", { headers: { Host: host } });
  (await origin.arrival()).response.end("<script>alert(1)</script>");
  await client.ended(id);
  for (const other of others) {
    const headers = { Host: other };
    for (const view of ["", "/response"]) expect((await client.get(id, view, headers)).status).toBe(404);
    expect((await client.get(id, "", { ...headers, Accept: "text/event-stream" })).status).toBe(404);
    expect((await client.get(id, "/response", { ...headers, Prefer: "wait=1" })).status).toBe(404);
    expect((await client.cancel(id, other)).status).toBe(404);
  }
  for (const known of same) expect((await client.response(id, { Host: known })).status).toBe(200);
  expect((await client.cancel(id, same[0])).status).toBe(204);
});

test("what was asked of a path's pool is found at that pool's host", async () => {
  const id = await client.defer("/docs/x", { headers: { Host: "one.test" } });
  (await origin.arrival()).response.end("done");
  await client.ended(id);
  expect((await client.response(id)).status).toBe(200);
  expect((await client.response(id, { Host: "a.one.test" })).status).toBe(404);
});
