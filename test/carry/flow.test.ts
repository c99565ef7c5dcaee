import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { aheadOf, flowOf } from "../../src/carry/flow.ts";
import { settings } from "../scheduler/settings.ts";

interface Given {
  headers?: Record<string, string>;
  url?: string;
}

/** The flow of a request to a pool with this `flow`. */
function flow(key: string | undefined, { headers = {}, url = "/" }: Given): Promise<string | null> {
  const path = url.split("?", 1)[0] ?? "/";
  return flowOf(settings({ flow: key }), new Headers(headers), { path, pathAndQuery: url });
}

const from = (address: string) => ({ headers: { "CF-Connecting-IP": address } });
const cookies = (text: string) => ({ headers: { Cookie: text } });

test("without the key no request has a flow", async () => {
  expect(
    await flow(undefined, { headers: { "X-Api-Key": "a", "CF-Connecting-IP": "192.0.2.1" } }),
  ).toBeNull();
});

describe("a request without it, or with an empty one, is of the flow of all such requests:", () => {
  test.each<[string, Given]>([
    ["address", {}],
    ["address", from("")],
    ["header:x-api-key", {}],
    ["header:x-api-key", { headers: { "X-Api-Key": "" } }],
    ["cookie:sid", {}],
    ["cookie:sid", cookies("sid=; SID=a; xsid=b")],
    ["query:key", { url: "/a" }],
    ["query:key", { url: "/key=1?key=&KEY=2" }],
  ])("%s of %j", async (key, request) => {
    expect(await flow(key, request)).toBeNull();
  });
});

describe("the same client has one flow, whatever else is in its requests:", () => {
  test.each<[string, Given[]]>([
    ["header:X-Api-Key", [{ headers: { "x-api-key": "a" } }, { headers: { "X-API-KEY": " a ", Y: "b" } }]],
    ["cookie:sid", [cookies("sid=a"), cookies("x=1; sid=a; y=2"), cookies("x=1, sid=a")]],
    [
      "header:Authorization",
      ["Bearer a", "bearer a", "BEARER \t  a "].map((authorization) => ({ headers: { authorization } })),
    ],
    ["query:key", [{ url: "/?key=a%20b" }, { url: "/other?x=1&key=a+b" }]],
    ["address", [from("192.0.2.1"), { ...from("192.0.2.1"), url: "/b?c=d" }, from("::ffff:192.0.2.1")]],
    ["address", [from("192.0.2.1"), from("::FFFF:192.0.2.1"), from("0:0:0:0:0:ffff:192.0.2.1")]],
  ])("%s", async (key, requests) => {
    const flows = await Promise.all(requests.map((request) => flow(key, request)));
    expect(flows[0]).toMatch(/^[0-9a-f]{16}$/);
    expect(new Set(flows).size).toBe(1);
  });
});

describe("an IPv6 address counts by its /64, as one subscriber has all addresses in that:", () => {
  test.each([
    [
      [
        "2001:db8:1:2::1",
        "2001:db8:1:2:ffff:ffff:ffff:ffff",
        "2001:0DB8:0001:0002::",
        "2001:db8:1:2:0:0:0:1",
      ],
    ],
    [["2001:db8::1", "2001:db8:0:0::2", "2001:db8::", "2001:db8:0:0:1:2:3:4"]],
    [["::1", "::", "0:0:0:0:1:2:3:4", "::1:2:3:4"]],
    [["1:2:3::4:5:6:7", "1:2:3:0:4:5:6:7"]],
  ])("%j are one", async (addresses) => {
    expect(new Set(await Promise.all(addresses.map((one) => flow("address", from(one))))).size).toBe(1);
  });

  test("its neighbours are others", async () => {
    const addresses = [
      "2001:db8:1:2::1",
      "2001:db8:1:3::1",
      "2001:db8:1::1",
      "2001:db8:2:2::1",
      "2001:db80::1",
    ];
    const flows = await Promise.all(addresses.map((one) => flow("address", from(one))));
    expect(new Set(flows).size).toBe(addresses.length);
  });
});

test("other clients have other flows", async () => {
  const values = ["a", "b", "A", "aa", "a b", "ü"];
  const flows = values.map((value) => flow("query:key", { url: `/?key=${encodeURIComponent(value)}` }));
  expect(new Set(await Promise.all(flows)).size).toBe(values.length);
  const addresses = ["192.0.2.1", "192.0.2.2", "192.0.3.1", "::ffff:192.0.2.3"];
  expect(new Set(await Promise.all(addresses.map((one) => flow("address", from(one))))).size).toBe(4);
});

test("every Worker of every version makes the same of it: the first half of a quarter of its SHA-256", async () => {
  const key = "sk-live-5f0c";
  const digest = createHash("sha256").update(key).digest("hex").slice(0, 16);
  expect(await flow("header:x-api-key", { headers: { "X-Api-Key": key } })).toBe(digest);
  // What a pool has on disk from before a deploy.
  expect(await flow("query:key", { url: "/?key=abc" })).toBe("ba7816bf8f01cfea");
  expect(await flow("address", from("2001:db8:1:2::7"))).toBe(
    await flow("query:key", { url: "/?key=2001:db8:1:2::/64" }),
  );
});

/** A request's time ahead, in ms, in a pool with these `priorities`. */
function ahead(
  priorities: object[],
  {
    method = "GET",
    headers = {},
    path = "/",
  }: { method?: string; headers?: Record<string, string>; path?: string },
): number {
  return aheadOf(settings({ priorities }), { method, headers: new Headers(headers) }, { path });
}

describe("a request goes ahead", () => {
  test("by nothing without priorities, or if none is its own", () => {
    expect(ahead([], {})).toBe(0);
    expect(ahead([{ method: "POST", ahead: "1m" }], {})).toBe(0);
  });

  test("by the first priority that matches, and by no other", () => {
    const list = [
      { path_prefix: "/api/free", ahead: "0s" },
      { path_prefix: "/api", ahead: "10s" },
      { method: "GET", ahead: "-1m" },
    ];
    expect(ahead(list, { path: "/api/free/a" })).toBe(0);
    expect(ahead(list, { path: "/api/a", method: "POST" })).toBe(10_000);
    expect(ahead(list, { path: "/b" })).toBe(-60_000);
    expect(ahead(list, { path: "/b", method: "POST" })).toBe(0);
  });

  test("only if all conditions of an entry hold", () => {
    const all = [{ method: "POST", path_prefix: "/chat/", header: "x-plan", value: "gold", ahead: "30s" }];
    const right = { method: "POST", path: "/chat/1", headers: { "X-Plan": "gold" } };
    expect(ahead(all, right)).toBe(30_000);
    expect(ahead(all, { ...right, method: "GET" })).toBe(0);
    expect(ahead(all, { ...right, path: "/chat" })).toBe(0);
    expect(ahead(all, { ...right, headers: { "X-Plan": "silver" } })).toBe(0);
    expect(ahead(all, { ...right, headers: {} })).toBe(0);
  });

  test.each<[string, object, Record<string, string>, boolean]>([
    ["a header of any value", { header: "X-Plan" }, { "x-plan": "a" }, true],
    ["a header of any value, an empty one too", { header: "x-plan" }, { "X-PLAN": "" }, true],
    ["no such header", { header: "x-plan" }, { "x-plans": "a" }, false],
    ["the whole value of a header", { header: "x-plan", value: "gold" }, { "X-Plan": "  gold " }, true],
    ["a part of its value", { header: "x-plan", value: "gold" }, { "X-Plan": "gold, b" }, false],
    ["its value in another case", { header: "x-plan", value: "gold" }, { "X-Plan": "Gold" }, false],
    ["a cookie of any value", { cookie: "plan" }, { Cookie: "a=b; plan=x" }, true],
    ["a cookie of that value", { cookie: "plan", value: "gold" }, { Cookie: "a=b; plan=gold" }, true],
    [
      "a cookie with quotes, which are part of its value",
      { cookie: "plan", value: '"gold"' },
      { Cookie: 'plan="gold"' },
      true,
    ],
    [
      "a cookie whose value lacks the quotes",
      { cookie: "plan", value: "gold" },
      { Cookie: 'plan="gold"' },
      false,
    ],
    ["a cookie whose name differs in case", { cookie: "plan" }, { Cookie: "Plan=gold" }, false],
    ["no cookie at all", { cookie: "plan" }, {}, false],
  ])("or not, by %s", (_, entry, headers, isMet) => {
    expect(ahead([{ ...entry, ahead: "1s" }], { headers })).toBe(isMet ? 1_000 : 0);
  });

  test("by the beginning of its path, as plain text", () => {
    const list = [{ path_prefix: "/api", ahead: "1s" }];
    expect(["/api", "/api/v2", "/apis"].map((path) => ahead(list, { path }))).toEqual([1_000, 1_000, 1_000]);
    expect(["/", "/a/api", "/API"].map((path) => ahead(list, { path }))).toEqual([0, 0, 0]);
  });
});
