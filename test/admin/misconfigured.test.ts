import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Sluice } from "../support/sluice.ts";
import { ask, CLOSED_ROUTES, problemOf, ROUTES_OF_POOLS } from "./support.ts";

const ON_WEB = "the-token-of-somebody-for-web";
const sha256 = createHash("sha256").update(ON_WEB).digest("hex");
const ADMIN_TOKENS = JSON.stringify({ "on-web": { sha256, may: ["*"], pools: ["web"] } });

const BROKEN = {
  web: { servers: [{ name: "web-1", url: "https://secret-name.example.com/path" }], slot: 2 },
  api: { servers: [], queue_timeout: "1 fortnight" },
};

describe.each([
  ["with problems", BROKEN, ["POOLS.web.servers[0].url", 'mean "slots"', "POOLS.api.servers", "1 fortnight"]],
  ["without a pool", {}, ["POOLS: {} has no pool", "[vars.POOLS.web]"]],
  ["that is no table", "web", ['POOLS: "web" is not a table']],
])("a configuration %s", (_, pools, problems) => {
  let sluice: Sluice;
  beforeAll(async () => {
    sluice = await Sluice.start({ pools, texts: { ADMIN_TOKENS } });
  });
  afterAll(() => sluice.stop());

  test.each(ROUTES_OF_POOLS)("is told in full to who shows the token: $method $path", async (route) => {
    const { detail } = await problemOf(await ask(sluice, route), 500, "misconfigured");
    for (const problem of problems) expect(detail).toContain(problem);
  });

  test("is not told to who may act on some pools only: it may be another pool's", async () => {
    const headers = { Authorization: `Bearer ${ON_WEB}` };
    for (const path of ["/_sluice/api/me", "/_sluice/api/pools", "/_sluice/api/pools/web"]) {
      const { detail } = await problemOf(
        await ask(sluice, { method: "GET", path }, headers),
        500,
        "misconfigured",
      );
      expect(detail).toBe(
        "Operators with a right for all pools find the details here, and others in the log.",
      );
    }
  });

  test.each(CLOSED_ROUTES)("is told to nobody else: $method $path", async (route) => {
    const { detail } = await problemOf(await ask(sluice, route, {}), 401, "unauthorized");
    expect(detail).not.toContain("POOLS");
  });

  test("is told to no client: it only learns that something is wrong", async () => {
    const response = await fetch(sluice.url);
    const problem = await problemOf(response, 500, "misconfigured");
    for (const word of ["POOLS", "secret-name", "fortnight", "slot"]) {
      expect(JSON.stringify(problem)).not.toContain(word);
    }
  });

  test("leaves healthz as it is: this Worker answers", async () => {
    const response = await ask(sluice, { method: "GET", path: "/_sluice/healthz" }, {});
    expect([response.status, await response.json()]).toEqual([200, { status: "ok" }]);
  });
});
