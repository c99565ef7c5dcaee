import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Sluice, TOKEN } from "../support/sluice.ts";
import { ask, BEARER, CLOSED_ROUTES, IDLE_POOLS, problemOf } from "./support.ts";

let sluice: Sluice;
beforeAll(async () => {
  sluice = await Sluice.start({ pools: IDLE_POOLS });
});
afterAll(() => sluice.stop());

/** Credentials that a signed-in browser adds by itself. */
const SIGNED_IN = { Authorization: `Basic ${btoa(`me:${TOKEN}`)}` };
const CHANGES = CLOSED_ROUTES.filter(({ method }) => method !== "GET");
const READS = CLOSED_ROUTES.filter(({ method }) => method === "GET");

describe.each(["cross-site", "same-site", "something-new"])("Sec-Fetch-Site: %s", (site) => {
  const headers = { ...SIGNED_IN, "Sec-Fetch-Site": site };

  test.each(CHANGES)("$method $path is refused", async (route) => {
    await problemOf(await ask(sluice, route, headers), 403, "forbidden");
  });

  test("a form that another site submits is refused", async () => {
    const form = { ...headers, "Content-Type": "application/x-www-form-urlencoded" };
    const drain = { method: "POST", path: "/_sluice/api/pools/web/drain" };
    await problemOf(await ask(sluice, drain, form, ""), 403, "forbidden");
  });

  test("a bearer token does not make it trusted", async () => {
    const drain = { method: "POST", path: "/_sluice/api/pools/web/drain" };
    await problemOf(await ask(sluice, drain, { ...BEARER, "Sec-Fetch-Site": site }), 403, "forbidden");
  });

  test.each(READS)("$method $path is unaffected", async (route) => {
    expect((await ask(sluice, route, headers)).status).toBe(200);
  });

  test("who is not signed in is told so first", async () => {
    for (const route of CHANGES) {
      await problemOf(await ask(sluice, route, { "Sec-Fetch-Site": site }), 401, "unauthorized");
    }
  });

  test("nothing has changed", async () => {
    expect(await sluice.snapshot("web")).toMatchObject({ state: "running", drain: null });
  });
});

/** Over plain HTTP, except to localhost, browsers send no `Sec-Fetch-Site`, but with a change the `Origin`. */
describe.each(["http://evil.example", "https://127.0.0.1", "http://127.0.0.1:1", "null"])(
  "Origin: %j",
  (origin) => {
    const headers = { ...SIGNED_IN, Origin: origin, "Content-Type": "text/plain" };

    test.each(CHANGES)("$method $path is refused", async (route) => {
      await problemOf(await ask(sluice, route, headers), 403, "forbidden");
    });

    test("nothing has changed, and reading is unaffected", async () => {
      const read = await ask(sluice, { method: "GET", path: "/_sluice/api/pools/web" }, headers);
      expect([read.status, await read.json()]).toMatchObject([200, { state: "running", drain: null }]);
    });
  },
);

test("the page's own changes are taken over plain HTTP too", async () => {
  const headers = { ...SIGNED_IN, Origin: sluice.url };
  const resume = { method: "POST", path: "/_sluice/api/pools/web/resume" };
  expect((await ask(sluice, resume, headers)).status).toBe(200);
});

test.each(["same-origin", "none", undefined])("Sec-Fetch-Site: %s may change things", async (site) => {
  const headers = site === undefined ? SIGNED_IN : { ...SIGNED_IN, "Sec-Fetch-Site": site };
  const drain = { method: "POST", path: "/_sluice/api/pools/web/drain" };
  const resume = { method: "POST", path: "/_sluice/api/pools/web/resume" };
  expect((await ask(sluice, drain, headers)).status).toBe(200);
  expect((await ask(sluice, resume, headers)).status).toBe(200);
});
