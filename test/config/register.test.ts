import { describe, expect, test } from "vitest";
import type { Bindings } from "../../src/config/bindings.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { mayRegister } from "../../src/config/register.ts";
import { parseWeb, problemsOf, SERVERS, web } from "./support.ts";

const PATTERN_ALLOWED =
  'an origin, "https://*.gpu.example.com" for any subdomain, "http://10.0.*.*:8000" for any number of an IPv4 address, or "*"';
const LIST_ALLOWED = 'a list of 1 to 1000 tables like { name = "web-1", url = "https://web-1.example.com" }';

describe("register", () => {
  test("is closed when it is left out", () => {
    expect(parseWeb().register).toBeNull();
    expect(mayRegister(null, { url: "https://a.example", binding: null })).toBe(false);
  });

  test("has no binding, and takes at most a hundred servers, unless it says so", () => {
    expect(parseWeb({ register: { urls: ["*"] } }).register).toEqual({
      urls: ["*"],
      binding: null,
      max: 100,
    });
    expect(parseWeb({ register: { urls: ["*"], max: 7 } }).register?.max).toBe(7);
  });

  test.each([undefined, []])("lets servers be %j", (servers) => {
    expect(parseWeb({ servers, register: { urls: ["*"] } }).servers).toEqual([]);
    const given = servers === undefined ? "missing" : "[] is not a list of servers";
    expect(problemsOf({ web: { servers } })).toEqual([
      `POOLS.web.servers: ${given}; allowed: ${LIST_ALLOWED}`,
    ]);
  });

  test.each([
    ["https://a.example.com", "https://a.example.com"],
    ["HTTPS://A.example.com:443/", "https://a.example.com"],
    ["https://*.GPU.example.com", "https://*.gpu.example.com"],
    ["https://*.gpu.example.com:443", "https://*.gpu.example.com"],
    ["http://10.0.*.*:8000/", "http://10.0.*.*:8000"],
    ["http://*.*.*.*", "http://*.*.*.*"],
    ["*", "*"],
  ])("takes %s", (given, becomes) => {
    expect(parseWeb({ register: { urls: [given] } }).register?.urls).toEqual([becomes]);
  });

  test.each([
    "",
    "10.0.0.7:8000",
    "ftp://a.example",
    "https://",
    "https://*",
    "https://a.*.example.com",
    "https://a*.example.com",
    "https://*.*.example.com",
    "https://*.7",
    "http://10.*",
    "http://10.0.*.256",
    "http://10.0.*.07",
    "http://10.0.*.*:99999",
    "https://*.example.com/path",
    7,
  ])("refuses %j", (given) => {
    expect(problemsOf(web({ register: { urls: [given] } }))).toEqual([
      `POOLS.web.register.urls[0]: ${JSON.stringify(given)} is not an origin, nor a pattern of such; allowed: ${PATTERN_ALLOWED}`,
    ]);
  });

  test.each([
    [
      "https://a.example.com",
      ["https://a.example.com"],
      ["http://a.example.com", "https://a.example.com:8443"],
    ],
    [
      "https://*.gpu.example.com",
      ["https://a.gpu.example.com", "https://b.a.gpu.example.com"],
      [
        "https://gpu.example.com",
        "https://agpu.example.com",
        "https://a.gpuxexample.com",
        "https://a.gpu.example.com:1",
      ],
    ],
    [
      "http://10.0.*.*:8000",
      ["http://10.0.0.7:8000", "http://10.0.255.255:8000"],
      [
        "http://10.1.0.7:8000",
        "http://10.0.0.7",
        "http://10.0.0.7:80001",
        "http://10.0.a.b:8000",
        "http://1.10.0.0.7:8000",
      ],
    ],
    ["*", ["https://a.example", "http://[::1]:8000"], []],
  ])("%s lets those register that it means, and no others", (pattern, allowed, others) => {
    const { register } = parseWeb({ register: { urls: [pattern] } });
    const may = (url: string) => mayRegister(register, { url, binding: null });
    expect(allowed.filter((url) => !may(url))).toEqual([]);
    expect(others.filter(may)).toEqual([]);
  });

  test("has a binding of the Worker's through which servers are reached, and no namespace", () => {
    const kinds: Bindings = {
      kindOf: (name) => (name === "NET" ? "fetcher" : name === "BOXES" ? "namespace" : null),
      secretOf: () => "missing",
      variableOf: () => undefined,
    };
    const of = (binding: string) =>
      parseConfig({ POOLS: { web: { register: { urls: ["*"], binding } } } }, kinds).pools.get("web")
        ?.register;
    const register = of("NET") ?? null;
    expect(mayRegister(register, { url: "http://a", binding: "NET" })).toBe(true);
    expect(mayRegister(register, { url: "http://a", binding: null })).toBe(false);
    for (const binding of ["BOXES", "POOL", "NONE"])
      expect(() => of(binding)).toThrow(
        `POOLS.web.register.binding: "${binding}" is no binding of this Worker`,
      );
  });
});

describe("wake", () => {
  test("asks nobody when it is left out; otherwise every 30 s, unless it says so", () => {
    expect(parseWeb().wake).toBeNull();
    const url = "https://scale.example.com/up?pool=web";
    expect(parseWeb({ wake: { url } }).wake).toEqual({ url, headers: [], everyMs: 30_000 });
    expect(parseWeb({ wake: { url, every: "5s" } }).wake?.everyMs).toBe(5_000);
  });

  test.each(["scale.example.com", "ftp://a", "https://a.example/#top", 7])("refuses the URL %j", (url) => {
    expect(problemsOf(web({ wake: { url } }))).toEqual([
      `POOLS.web.wake.url: ${JSON.stringify(url)} is not a URL; allowed: "https://" or "http://", a host, and perhaps a port, a path and a query, without user or password`,
    ]);
  });

  test("is refused with a time that is too short, and without the secret that its headers take", () => {
    expect(problemsOf(web({ wake: { url: "https://a.example", every: "1ms" } }))[0]).toContain(
      'POOLS.web.wake.every: "1ms" is too short',
    );
    const wake = { url: "https://a.example", headers: { authorization: { secret: "WAKE_TOKEN" } } };
    expect(problemsOf({ web: { servers: SERVERS, wake } })[0]).toContain(
      'POOLS.web.wake.headers.authorization: there is no secret "WAKE_TOKEN"',
    );
  });
});
