import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parsedTargetOf, plainTargetOf, targetOf } from "../../src/carry/target.ts";

const headersOf = (host: string | undefined) => new Headers(host === undefined ? {} : { host });
const asked = (url: string, host?: string, method = "GET") =>
  targetOf({ url, method, headers: headersOf(host) });
const hostOf = (url: string) => /^[a-z]+:\/\/([!-.0-~]*)/.exec(url)?.[1];
const hostHeader = fc.constantFrom(
  undefined,
  "its own",
  "its own",
  "other.example",
  "a.test/evil?",
  "APP.example",
);
const method = fc.constantFrom("GET", "GET", "OPTIONS");

/** Mostly such as need not be parsed. */
const mostly = (plain: readonly string[], odd: readonly string[]) =>
  fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...plain) },
    { weight: 1, arbitrary: fc.constantFrom(...odd) },
  );
const label = mostly(
  ["app", "a-b", "10", "a1"],
  [
    "0x7f",
    "xn--mnchen-3ya",
    "xn--a",
    "ex--ample",
    "-a",
    "a-",
    "EXAMPLE",
    "127",
    "01",
    "256",
    "a_b",
    "l".repeat(80),
  ],
);
const ODD_HOSTS = [
  "127.1",
  "127.0.0.01",
  "256.0.0.1",
  "1.2.3.4.5",
  "[::1]",
  "[::0:1]",
  "app.",
  "münchen.example",
];
const hostname = fc.oneof(
  fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join(".")),
  mostly(["127.0.0.1", "10.255.99.1"], ODD_HOSTS),
);
const port = mostly(["", ":8080", ":49152"], [":", ":80", ":443", ":08080", ":60001", ":65536"]);
const piece = mostly(
  [..."abz09/.%~!$&'()*+,;=:@_-?", "%41"],
  [...'\\"`{}|^# é<>[]\t', "%2e", "%2E", "..", "/.", "%zz"],
);
const path = fc.array(piece, { maxLength: 8 }).map((pieces) => `/${pieces.join("")}`);
const address = fc
  .tuple(fc.constantFrom("http://", "https://"), hostname, port, path)
  .map((parts) => parts.join(""));

describe("the address of a request", () => {
  test("is what the URL standard makes of it", () => {
    fc.assert(
      fc.property(address, (text) => {
        const target = asked(text);
        if (!target) return;
        const { origin, host, pathname } = new URL(text);
        expect(target).toMatchObject({ origin, host, path: pathname });
        // The server gets that path too.
        expect(new URL(origin + target.pathAndQuery).pathname).toBe(pathname);
      }),
      { numRuns: 3_000 },
    );
  });

  test("is the same where it need not be parsed, to the byte, whatever the Host header and the method", () => {
    let plain = 0;
    fc.assert(
      fc.property(address, hostHeader, method, (url, host, method) => {
        const request = { url, method, headers: headersOf(host === "its own" ? hostOf(url) : host) };
        const target = plainTargetOf(request);
        if (!target) return;
        plain++;
        expect(target).toEqual(parsedTargetOf(request));
      }),
      { numRuns: 10_000 },
    );
    expect(plain).toBeGreaterThan(1_000);
  });

  test("has not to be parsed where it is like most", () => {
    for (const url of [
      "http://app.example/",
      "https://a-b.10.app.example:8443/reports/2026%20a.pdf?q=%2e%2e/../x'\"",
      "http://127.0.0.1:49152/v1/chat/completions",
    ])
      expect(plainTargetOf({ url, method: "GET", headers: new Headers() })).not.toBeNull();
  });

  test.each([
    ["http://app.example/a/b?c=d&e", "app.example", "/a/b", "/a/b?c=d&e"],
    ["https://app.example:8443/", "app.example:8443", "/", "/"],
    ["http://127.0.0.1:49152/x?q='\"{}", "127.0.0.1:49152", "/x", "/x?q='\"{}"],
    ["http://app.example/%41%zz//b/", "app.example", "/%41%zz//b/", "/%41%zz//b/"],
    ["http://app.example/a/../b", "app.example", "/b", "/b"],
    ["http://app.example/a/%2E%2e/b", "app.example", "/b", "/b"],
    ["http://app.example/.well-known/x", "app.example", "/.well-known/x", "/.well-known/x"],
    ['http://app.example/"{}', "app.example", "/%22%7B%7D", '/"{}'],
    ["http://APP.example:80/a", "app.example", "/a", "/a"],
    ["http://127.1/a", "127.0.0.1", "/a", "/a"],
  ])("of %j is taken apart", (text, host, pathname, pathAndQuery) => {
    expect(asked(text)).toMatchObject({ host, path: pathname, pathAndQuery });
  });

  test.each([
    ["http://a.test/x", "a.test/evil?"],
    ["http://a.test/x", "a.test\\evil"],
    ["http://me@a.test/x", undefined],
    ["http://a..test/x", undefined],
  ])("is none: %j with the Host header %j", (text, host) => {
    expect(asked(text, host)).toBeNull();
  });

  test("of OPTIONS * is the root", () => {
    expect(asked("http://app.example*", "app.example", "OPTIONS")).toMatchObject({ path: "/" });
  });
});
