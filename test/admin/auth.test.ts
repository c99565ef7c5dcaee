import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Sluice, TOKEN } from "../support/sluice.ts";
import { ask, CLOSED_ROUTES, IDLE_POOLS, problemOf, type Route } from "./support.ts";

let sluice: Sluice;
beforeAll(async () => {
  sluice = await Sluice.start({ pools: IDLE_POOLS });
});
afterAll(() => sluice.stop());

const basic = (credentials: string | Uint8Array) => `Basic ${Buffer.from(credentials).toString("base64")}`;

/** Values of `Authorization`. */
const WRONG = {
  "a wrong token": "Bearer test-token-7f3a-c2d8",
  "an empty token": "Bearer ",
  "a longer token": `Bearer ${TOKEN}a`,
  "a shorter token": `Bearer ${TOKEN.slice(0, -1)}`,
  "the token in capitals": `Bearer ${TOKEN.toUpperCase()}`,
  "the token twice": `Bearer ${TOKEN} ${TOKEN}`,
  "a token of 10 KB": `Bearer ${"a".repeat(10_240)}`,
  "the token without a scheme": TOKEN,
  "a scheme without a token": "Bearer",
  "an unknown scheme": `Digest ${TOKEN}`,
  "a wrong password": basic("admin:wrong"),
  "an empty password": basic("admin:"),
  "the token as the user's name": basic(`${TOKEN}:`),
  "no colon in Basic": basic(TOKEN),
  "the token in Basic as it is": `Basic ${TOKEN}`,
  "no base64 in Basic": "Basic %%%",
  "no UTF-8 in Basic": basic(Uint8Array.of(0x61, 0x3a, 0xff, 0xfe)),
};

const STRANGE: Route[] = [
  { method: "GET", path: "/_sluice/" },
  { method: "GET", path: "/_sluice/api/nothing" },
  { method: "GET", path: "/_sluice/api/pools/unknown" },
  { method: "PUT", path: "/_sluice/api/pools/web" },
  { method: "GET", path: "/_sluice/api/pools/web/drain" },
  { method: "POST", path: "/_sluice/healthz" },
  { method: "GET", path: "/_sluice/healthz/" },
  { method: "OPTIONS", path: "/_sluice/api/pools" },
];

async function expectUnauthorized(response: Response): Promise<void> {
  const problem = await problemOf(response, 401, "unauthorized");
  expect(response.headers.get("www-authenticate")).toBe('Basic realm="Sluice", charset="UTF-8"');
  expect(Object.keys(problem).sort()).toEqual(["code", "detail", "instance", "status", "title", "type"]);
  expect(JSON.stringify([problem, ...response.headers])).not.toContain(TOKEN);
}

describe("without the token", () => {
  test.each([...CLOSED_ROUTES, ...STRANGE])("$method $path answers 401 and nothing else", async (route) => {
    // A call of the unreachable pool, or a look into the wrong body, would change the answer.
    await expectUnauthorized(await ask(sluice, route, { "x-test-pool": "overloaded" }));
    const body = route.method === "GET" ? undefined : "no JSON";
    await expectUnauthorized(await ask(sluice, route, { Authorization: WRONG["a wrong token"] }, body));
  });

  test("HEAD answers 401 without a body", async () => {
    const response = await ask(sluice, { method: "HEAD", path: "/_sluice/api/pools" }, {});
    expect([response.status, await response.text()]).toEqual([401, ""]);
  });

  test.each(Object.entries(WRONG))("%s does not open", async (_, Authorization) => {
    await expectUnauthorized(
      await ask(sluice, { method: "GET", path: "/_sluice/api/pools" }, { Authorization }),
    );
  });

  test("nothing has changed", async () => {
    const snapshot = await sluice.snapshot("web");
    expect(snapshot).toMatchObject({ state: "running", drain: null, totals: { accepted: 0 } });
  });
});

describe("with the token", () => {
  test.each([
    ["Bearer", `Bearer ${TOKEN}`],
    ["bearer in small letters", `bearer ${TOKEN}`],
    ["Bearer with more spaces", `Bearer   ${TOKEN}`],
    ["Basic with a user's name", basic(`somebody:${TOKEN}`)],
    ["Basic without a user's name", basic(`:${TOKEN}`)],
    ["Basic with a name in UTF-8", basic(`Zoë ☂:${TOKEN}`)],
  ])("%s opens", async (_, Authorization) => {
    const response = await ask(sluice, { method: "GET", path: "/_sluice/api/pools" }, { Authorization });
    expect(response.status).toBe(200);
    expect(response.headers.has("www-authenticate")).toBe(false);
  });

  test.each(CLOSED_ROUTES)("$method $path is a route", async (route) => {
    const response = await ask(sluice, route);
    expect(response.status).not.toBe(401);
    // A stream does not end.
    if (response.headers.get("content-type") === "text/event-stream") await response.body?.cancel();
    else expect(await response.text()).not.toContain("unknown-route");
  });

  test("a password with colons and UTF-8 works in Basic", async () => {
    const token = "pä:ss::wörd-密-☂:";
    const other = await Sluice.start({ pools: IDLE_POOLS, token });
    try {
      const route = { method: "GET", path: "/_sluice/api/pools" };
      expect((await ask(other, route, { Authorization: basic(`me:${token}`) })).status).toBe(200);
      await expectUnauthorized(await ask(other, route, { Authorization: basic(`me:${token.slice(0, -1)}`) }));
      await expectUnauthorized(await ask(other, route, { Authorization: basic("me:ss::wörd-密-☂:") }));
    } finally {
      await other.stop();
    }
  });
});

test("the token is in nothing that Sluice has printed", () => {
  expect(sluice.output.join("\n")).not.toContain(TOKEN);
});
