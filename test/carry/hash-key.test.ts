import { describe, expect, test } from "vitest";
import { hashKeyOf } from "../../src/carry/hash-key.ts";
import { settings } from "../scheduler/settings.ts";

/** The key of a request to a pool with this `balance`. */
function keyOf(balance: string, { headers = {}, url = "/" }: { headers?: HeadersInit; url?: string }) {
  const path = url.split("?", 1)[0] ?? "/";
  return hashKeyOf(settings({ balance }), new Headers(headers), { path, pathAndQuery: url });
}

const cookies = (text: string) => ({ headers: { Cookie: text } });

test.each(["roundrobin", "leastconn", "first", "random"])("with %s no request has a key", (balance) => {
  expect(keyOf(balance, { headers: { "X-Session": "a", Cookie: "sid=a" }, url: "/a?k=a" })).toBeNull();
});

describe("a request without it, or with an empty one, has no key:", () => {
  test.each([
    ["hash:header:x-session", {}],
    ["hash:header:x-session", { headers: { "X-Session": "" } }],
    ["hash:cookie:sid", {}],
    ["hash:cookie:sid", cookies("")],
    ["hash:cookie:sid", cookies("sid")],
    ["hash:cookie:sid", cookies("sid=")],
    ["hash:cookie:sid", cookies("=a; xsid=b; sid2=c; SID=d")],
    ["hash:cookie:sid", cookies("x=sid=a")],
    ["hash:query:k", { url: "/a" }],
    ["hash:query:k", { url: "/a?" }],
    ["hash:query:k", { url: "/a?k" }],
    ["hash:query:k", { url: "/a?k=" }],
    ["hash:query:k", { url: "/a?kk=1&K=2" }],
    ["hash:query:k", { url: "/k=1" }],
  ])("%s of %j", (balance, request) => {
    expect(keyOf(balance, request)).toBeNull();
  });
});

describe("requests have the same key whatever else is in them:", () => {
  test.each([
    [
      "hash:header:X-Session",
      [{ headers: { "x-session": "a" } }, { headers: { "X-SESSION": " a ", Y: "b" } }],
    ],
    [
      "hash:cookie:sid",
      [
        cookies("sid=a"),
        cookies("x=1; sid=a; y=2"),
        cookies("x=1;sid=a"),
        cookies("x=1, sid=a"),
        cookies("sid=a; sid=b"),
      ],
    ],
    [
      "hash:query:k",
      [
        { url: "/?k=a%20b" },
        { url: "/other?x=1&k=a+b" },
        { url: "/?%6B=a b" },
        { url: "/?k=a b&k=c" },
        { url: "/?a?b&k=a b" },
      ],
    ],
    ["hash:query:user[id]", [{ url: "/?user[id]=7" }, { url: "/?user%5Bid%5D=7" }]],
    ["hash:path", [{ url: "/a/b" }, { url: "/a/b?x=1" }]],
  ])("%s", (balance, requests) => {
    const keys = requests.map((request) => keyOf(balance, request));
    expect(keys[0]).not.toBeNull();
    expect(new Set(keys).size).toBe(1);
  });
});

test("other values have other keys", () => {
  const values = ["a", "b", "A", "aa", "a b", "ü"];
  const keys = values.map((value) => keyOf("hash:query:k", { url: `/?k=${encodeURIComponent(value)}` }));
  expect(new Set(keys).size).toBe(values.length);
  expect(keyOf("hash:path", { url: "/a" })).not.toBe(keyOf("hash:path", { url: "/b" }));
});
