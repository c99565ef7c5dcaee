import { describe, expect, test } from "vitest";
import { dropVisitCookies } from "../../src/carry/visit-cookies.ts";
import { isVisit, VisitCookie } from "../../src/proxy/visit.ts";
import { parseWeb } from "../config/support.ts";
import { NAVIGATION } from "../support/visitor.ts";

const POOL = parseWeb({ waiting_page: "5s", deferred: {} });

describe("a visit", () => {
  const visits = (headers: Record<string, string>, method = "GET", pool = POOL) =>
    isVisit(new Request("http://app.test/", { method, headers: { ...NAVIGATION, ...headers } }), pool);

  test.each<[string, Record<string, string>, string?]>([
    ["a browser's navigation", {}],
    ["one that was only looked up before", { "Sec-Purpose": "" }],
  ])("is %s", (_, headers, method) => expect(visits(headers, method)).toBe(true));

  test.each<[string, Record<string, string>, string?]>([
    ["a script's request", { "Sec-Fetch-Mode": "cors" }],
    ["a frame", { "Sec-Fetch-Dest": "iframe" }],
    ["an object in a page", { "Sec-Fetch-Dest": "object" }],
    ["a prefetch", { "Sec-Purpose": "prefetch" }],
    ["a prerendering", { "Sec-Purpose": "prefetch;prerender" }],
    ["a prefetch of an older browser", { Purpose: "prefetch" }],
    ["a part of a file", { Range: "bytes=0-" }],
    ["a WebSocket", { Upgrade: "websocket" }],
    ["one for JSON", { Accept: "application/json" }],
    ["a POST", {}, "POST"],
    ["a HEAD", {}, "HEAD"],
  ])("is not %s", (_, headers, method) => expect(visits(headers, method)).toBe(false));

  test("is none where the pool has no page", () => {
    expect(visits({}, "GET", parseWeb({ deferred: {} }))).toBe(false);
  });
});

describe("its cookie", () => {
  const cookieOf = async (path: string, origin = "https://app.test") => {
    const target = { origin, host: "app.test", path: path.split("?")[0] as string, pathAndQuery: path };
    return VisitCookie.of({ target });
  };

  test("is for one address: a query of its own has a cookie of its own", async () => {
    const [name, other] = [await cookieOf("/x?a"), await cookieOf("/x?b")].map(
      (cookie) => cookie.forgotten.split("=")[0],
    );
    expect(name).toMatch(/^__Host-sluice-wait-[\da-f]{16}$/);
    expect(other).not.toBe(name);
  });

  test("over TLS can be set by nobody but this very host, and goes over TLS only", async () => {
    const rest = "HttpOnly; SameSite=Lax";
    expect((await cookieOf("/x")).keeping("id", 1_500)).toMatch(
      new RegExp(`^__Host-sluice-wait-[\\da-f]{16}=id; Max-Age=2; Path=/; Secure; ${rest}$`),
    );
    expect((await cookieOf("/x", "http://app.test")).forgotten).toMatch(
      new RegExp(`^sluice-wait-[\\da-f]{16}=; Max-Age=0; Path=/x; ${rest}$`),
    );
  });

  test("is not one that a neighbour's page, or somebody on the way, could have set", async () => {
    const cookie = await cookieOf("/x");
    const name = cookie.forgotten.split("=")[0] as string;
    const set = `${name.replace("__Host-", "")}=theirs`;
    expect(cookie.idIn(new Headers({ Cookie: set }))).toBeNull();
    expect(cookie.idIn(new Headers({ Cookie: `${set}; ${name}=own` }))).toBe("own");
  });

  test.each([
    ["/", "/"],
    ["/a/b;c/d;e", "/a/"],
    [";", "/"],
    ["/a/;b", "/a/"],
  ])("of %s is for %s", async (path, cookiePath) => {
    expect((await cookieOf(path.startsWith("/") ? path : `/${path}`, "http://app.test")).forgotten).toContain(
      `; Path=${cookiePath};`,
    );
  });

  test("is found among others, and not in what others may have set", async () => {
    const cookie = await cookieOf("/x");
    const pair = cookie.keeping("the-id", 1).split(";")[0] as string;
    const idIn = (text: string) => cookie.idIn(new Headers({ Cookie: text }));
    expect([`a=b; ${pair}; c=d`, `a=b;${pair}`, pair].map(idIn)).toEqual(["the-id", "the-id", "the-id"]);
    // Browsers hold these for cookies of other names, which need not be this host's.
    const others = [`a=b, ${pair}`, `\u00a0${pair}`, `a=${pair}`, "a=b", pair.replace("=", " =")];
    expect(others.map(idIn)).toEqual(others.map(() => null));
    expect(cookie.idIn(new Headers())).toBeNull();
  });
});

describe("cookies of visits are taken out of a request's", () => {
  const left = (cookie?: string) => {
    const headers = new Headers(cookie === undefined ? {} : { Cookie: cookie });
    dropVisitCookies(headers);
    return headers.get("cookie");
  };

  test.each([
    ["sluice-wait-1=a; b=c; sluice-wait-2=d", "b=c"],
    ["b=c; sluice-wait-1=a", "b=c"],
    ["sluice-wait-1=a", null],
    ["b=c; __Host-sluice-wait-1=a; __Host-d=e", "b=c; __Host-d=e"],
    ["b=c, sluice-wait-1=a, d=e", "b=c, d=e"],
    ['b={"c":1,"d":2};sluice-wait-1=a', 'b={"c":1,"d":2}'],
    // Only the name counts.
    ["b=sluice-wait-1; c=d", "b=sluice-wait-1; c=d"],
    ["b=c,d;e", "b=c,d;e"],
    [undefined, null],
  ])("%s: %s", (cookie, rest) => expect(left(cookie)).toBe(rest));
});
