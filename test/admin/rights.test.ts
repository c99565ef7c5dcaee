import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DeferredList } from "../../src/admin/deferred.ts";
import { RIGHTS, type Right } from "../../src/config/rights.ts";
import { read } from "../docs/documents.ts";
import { codeIn, tableBelow } from "../docs/markdown.ts";
import { Sluice, TOKEN } from "../support/sluice.ts";
import { OPERATIONS } from "./openapi-judge.ts";
import { ask, BEARER, CLOSED_ROUTES, problemOf } from "./support.ts";

const servers = [{ name: "web-1", url: "http://127.0.0.1:9" }];
const POOLS = {
  web: { servers, register: { urls: ["*"] }, deferred: {} },
  other: { hosts: ["other.test"], servers: [{ name: "other-1", url: "http://127.0.0.1:8" }] },
};

const tokenOf = (name: string) => `the-token-of-${name}-which-is-long`;
const sha256 = (token: string) => createHash("sha256").update(token).digest("hex");
const entry = (name: string, may: readonly string[], pools?: string[]) => [
  name,
  { sha256: sha256(tokenOf(name)), may, ...(pools ? { pools } : {}) },
];

/** `only-look` may do nothing else, `no-look` everything else. */
const TOKENS = Object.fromEntries([
  ...RIGHTS.flatMap((right) => [
    entry(`only-${right}`, [right]),
    entry(
      `no-${right}`,
      RIGHTS.filter((one) => one !== right),
    ),
  ]),
  entry("all", ["*"]),
  entry("on-web", ["*"], ["web"]),
  entry("on-none", ["*"], ["gone"]),
]);

let sluice: Sluice;
beforeAll(async () => {
  sluice = await Sluice.start({ pools: POOLS, texts: { ADMIN_TOKENS: JSON.stringify(TOKENS) } });
});
afterAll(() => sluice.stop());

const bearer = (name: string) => ({ Authorization: `Bearer ${tokenOf(name)}` });

/** What an answer is to the right, and to nothing behind it. */
async function isForbidden(response: Response): Promise<boolean> {
  await response.body?.cancel();
  return response.status === 403;
}

/** The documented right of each route, as `GET /_sluice/api/pools/:pool`. */
const DOCUMENTED = new Map<string, Right>(
  tableBelow(read("docs/operators.md"), "## Rights").flatMap(([right = "", routes = ""]) =>
    codeIn(routes)
      .filter((code) => /^[A-Z]+ \//.test(code))
      .map((route) => [route, codeIn(right)[0] as Right]),
  ),
);

const filled = (path: string) =>
  path
    .replace(":pool", "web")
    .replace(":server", "web-1")
    .replace(":lease", "none")
    .replace(":id", "none")
    .replace(":name", "style.css");

const ME = "/_sluice/api/me";

/** Mounted beside the others where the Worker is put together. */
const DASHBOARD = ["/_sluice/", "/_sluice/assets/style.css"].map((path) => ({ method: "GET", path }));

const NEEDED = [...CLOSED_ROUTES.filter(({ path }) => path !== ME), ...DASHBOARD].map((route) => {
  const [, right] = [...DOCUMENTED].find(([one]) => filled(one) === `${route.method} ${route.path}`) ?? [];
  return { ...route, right };
});

describe("every route", () => {
  test("that needs somebody who has signed in is in the documents with its right", () => {
    expect(NEEDED.filter(({ right }) => right === undefined)).toEqual([]);
    expect([...DOCUMENTED].length).toBe(NEEDED.length);
  });

  test.each(NEEDED)("$method $path is open to $right alone, and to nobody without it", async (route) => {
    for (const right of RIGHTS) {
      const isRight = right === route.right;
      expect.soft(await isForbidden(await ask(sluice, route, bearer(`only-${right}`))), right).toBe(!isRight);
      expect
        .soft(await isForbidden(await ask(sluice, route, bearer(`no-${right}`))), `all but ${right}`)
        .toBe(isRight);
    }
  });

  test.each(NEEDED)(
    "$method $path says which right is missing, before it looks at anything else",
    async (route) => {
      const body = route.method === "GET" ? undefined : "no JSON";
      const response = await ask(
        sluice,
        route,
        { ...bearer(`no-${route.right}`), Accept: "application/json" },
        body,
      );
      const problem = await problemOf(response, 403, "forbidden");
      expect(problem).toMatchObject({ right: route.right });
      expect(problem.detail).toContain(`"no-${route.right}" does not have the right "${route.right}"`);
    },
  );

  test("has the documented right in OpenAPI too", () => {
    const told = [...OPERATIONS].flatMap(([route, { description }]) => {
      const right = /Needs the right `(\w+)`/.exec(String(description))?.[1];
      return right === undefined ? [] : [[route, right]];
    });
    const documented = [...DOCUMENTED].map(
      ([route, right]) => [route.replaceAll(/:(\w+)/g, "{$1}"), right] as const,
    );
    expect(told.sort()).toEqual(
      documented.filter(([route = ""]) => !/_sluice\/(assets.*)?$/.test(route)).sort(),
    );
  });
});

describe("a deferred request's address, with which anybody reads its answer and cancels it,", () => {
  async function addressesFor(name: string): Promise<unknown[]> {
    const route = { method: "GET", path: "/_sluice/api/pools/web/deferred" };
    const { requests } = (await (await ask(sluice, route, bearer(name))).json()) as DeferredList;
    return requests.map(({ id }) => id);
  }

  test("is told to those only who may cancel it", async () => {
    await sluice.drain("web");
    const headers = { Prefer: "respond-async" };
    const deferred = await fetch(`${sluice.url}/job`, { method: "POST", headers });
    const address = String(deferred.headers.get("location"));
    const [id] = await addressesFor("all");
    expect([deferred.status, address]).toEqual([202, `${sluice.url}/_sluice/requests/${id}`]);
    expect(await addressesFor("only-look")).toEqual([null]);
    expect(await addressesFor("no-deferred")).toEqual([null]);
    expect((await fetch(address, { method: "DELETE" })).status).toBe(204);
    await sluice.resume("web");
  });
});

describe("a token for some pools", () => {
  test("sees these in lists and metrics, and no other", async () => {
    const list = await ask(sluice, { method: "GET", path: "/_sluice/api/pools" }, bearer("on-web"));
    const { pools } = (await list.json()) as { pools: { name: string }[] };
    expect(pools.map(({ name }) => name)).toEqual(["web"]);
    const metrics = await ask(sluice, { method: "GET", path: "/_sluice/metrics" }, bearer("on-web"));
    const text = await metrics.text();
    expect([text.includes('pool="web"'), text.includes('pool="other"')]).toEqual([true, false]);
  });

  test.each(["other", "nothing"])("is told nothing about %s, not even whether it exists", async (pool) => {
    const route = { method: "GET", path: `/_sluice/api/pools/${pool}` };
    const { detail } = await problemOf(await ask(sluice, route, bearer("on-web")), 403, "forbidden");
    expect(detail).toBe(`"on-web" does not have the right "look" for the pool "${pool}".`);
    const all = await ask(sluice, route, bearer("all"));
    expect(all.status).toBe(pool === "other" ? 200 : 404);
  });

  test("sees an empty list where none of its pools is left", async () => {
    const list = await ask(sluice, { method: "GET", path: "/_sluice/api/pools" }, bearer("on-none"));
    expect([list.status, await list.json()]).toEqual([200, { pools: [], unreachable: [] }]);
  });
});

describe("whoever has signed in", () => {
  test.each([
    ["on-web", { name: "on-web", via: "token", pools: { web: RIGHTS } }],
    ["only-drain", { name: "only-drain", via: "token", pools: { web: ["drain"], other: ["drain"] } }],
    ["on-none", { name: "on-none", via: "token", pools: {} }],
  ])("is told what they may do: %s", async (name, me) => {
    const response = await ask(sluice, { method: "GET", path: ME }, bearer(name));
    expect([response.status, await response.json()]).toEqual([200, me]);
  });

  test("with ADMIN_TOKEN may do everything, under the user's name if the browser has one", async () => {
    const all = { web: RIGHTS, other: RIGHTS };
    const basic = (user: string) => ({
      Authorization: `Basic ${Buffer.from(`${user}:${TOKEN}`).toString("base64")}`,
    });
    for (const [headers, name] of [
      [BEARER, "admin"],
      [basic("jane"), "jane"],
      [basic(""), "admin"],
      [basic("\u0007"), "admin"],
      [basic("\u200b jane \u2028"), "jane"],
      [basic("ja\u2028ne"), "jane"],
      [basic("x".repeat(65)), "admin"],
    ] as const) {
      const response = await ask(sluice, { method: "GET", path: ME }, headers);
      expect(await response.json()).toEqual({ name, via: "admin-token", pools: all });
    }
    const named = Buffer.from(`jane:${tokenOf("on-web")}`).toString("base64");
    const response = await ask(sluice, { method: "GET", path: ME }, { Authorization: `Basic ${named}` });
    expect(await response.json()).toMatchObject({ name: "on-web", via: "token" });
  });
});
