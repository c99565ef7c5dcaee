import { describe, expect, test } from "vitest";
import { NAME_ALLOWED } from "../../src/config/names.ts";
import { parseWeb, problemsOf, web } from "./support.ts";

const ORIGIN_ALLOWED =
  '"http://" or "https://", a host and perhaps a port, without path, query, fragment, user or password';
const LIST_ALLOWED = 'a list of 1 to 1000 tables like { name = "web-1", url = "https://web-1.example.com" }';

const server = (keys: Record<string, unknown> = {}) => ({ name: "a", url: "http://a.example.com", ...keys });

/** What nobody says of a server on the public internet. */
const HERE = { binding: null, identity: "http://a.example.com", headers: [], shared: false };

describe("a server", () => {
  test("has one slot, weight 1 and is no backup unless it says so", () => {
    expect(parseWeb({ servers: [server()] }).servers).toEqual([
      { ...HERE, name: "a", url: "http://a.example.com", slots: 1, weight: 1, backup: false },
    ]);
  });

  test("has its pool's slots, or its own", () => {
    const servers = [server(), server({ name: "b", url: "http://b.example.com", slots: 2 })];
    expect(parseWeb({ slots: 7, servers }).servers.map(({ slots }) => slots)).toEqual([7, 2]);
  });

  test("takes each of its keys", () => {
    const given = server({ slots: 1000, weight: 256, backup: true, shared: true });
    expect(parseWeb({ servers: [given] }).servers).toEqual([{ ...HERE, ...given }]);
  });

  test.each([
    ["http://127.0.0.1:8080", "http://127.0.0.1:8080"],
    ["http://[::1]:8080/", "http://[::1]:8080"],
    ["HTTPS://Web.Example.com/", "https://web.example.com"],
    ["https://web.example.com:443", "https://web.example.com"],
    ["https://bücher.example", "https://xn--bcher-kva.example"],
  ])("at %s has the origin %s", (url, origin) => {
    expect(parseWeb({ servers: [server({ url })] }).servers[0]?.url).toBe(origin);
  });

  test.each([
    "web.example.com",
    "ftp://web.example.com",
    "https:web.example.com",
    "https://",
    "https://web.example.com/app",
    "https://web.example.com?",
    "https://web.example.com/#top",
    " https://web.example.com",
    "https://web.example.com:99999",
    42,
  ])("is not at %j: its url is an origin and nothing more", (url) => {
    expect(problemsOf(web({ servers: [server({ url })] }))).toEqual([
      `POOLS.web.servers[0].url: ${JSON.stringify(url)} is not an origin; allowed: ${ORIGIN_ALLOWED}`,
    ]);
  });

  test.each(["https://*.example.com", "https://*", "http://web-%2A.example.com:8080/"])(
    "is not at %j: it is one host",
    (url) => {
      expect(problemsOf(web({ servers: [server({ url })] }))).toEqual([
        `POOLS.web.servers[0].url: "${url}" has a wildcard, which would match nothing: name each host; allowed: ${ORIGIN_ALLOWED}`,
      ]);
    },
  );

  test("with a password in its url is refused, and the password is not repeated", () => {
    expect(problemsOf(web({ servers: [server({ url: "https://me:secret@web.example.com" })] }))).toEqual([
      `POOLS.web.servers[0].url: "https://…@web.example.com" is not an origin; allowed: ${ORIGIN_ALLOWED}`,
    ]);
  });

  test.each(["", "-a", ".a", "a b", "a/b", "ä", "x".repeat(64)])("is not called %j", (name) => {
    expect(problemsOf(web({ servers: [server({ name })] }))).toEqual([
      `POOLS.web.servers[0].name: ${JSON.stringify(name)} is not a server name; allowed: ${NAME_ALLOWED}`,
    ]);
  });

  test.each([
    ["slots", 0, "0 is out of range; allowed: 1 to 1000"],
    ["slots", 1001, "1001 is out of range; allowed: 1 to 1000"],
    ["weight", -1, "-1 is out of range; allowed: 0 to 256"],
    ["weight", 257, "257 is out of range; allowed: 0 to 256"],
    ["backup", 1, "1 is neither true nor false; allowed: true, false"],
    ["shared", "yes", '"yes" is neither true nor false; allowed: true, false'],
  ])("does not have %s = %j", (key, given, says) => {
    expect(problemsOf(web({ servers: [server({ [key]: given })] }))).toEqual([
      `POOLS.web.servers[0].${key}: ${says}`,
    ]);
  });

  test("must say its name and its url", () => {
    expect(problemsOf(web({ servers: [{}] }))).toEqual([
      `POOLS.web.servers[0].name: missing; allowed: ${NAME_ALLOWED}`,
      `POOLS.web.servers[0].url: missing; allowed: ${ORIGIN_ALLOWED}`,
    ]);
  });

  test("is a table, not its url alone", () => {
    expect(problemsOf(web({ servers: ["https://web.example.com"] }))).toEqual([
      'POOLS.web.servers[0]: "https://web.example.com" is not a table; ' +
        "allowed: a table of name, url, binding, headers, slots, weight, backup, shared",
    ]);
  });
});

describe("the servers of a pool", () => {
  test("have names of their own", () => {
    const servers = [server(), server({ url: "http://b.example.com" })];
    expect(problemsOf(web({ servers }))).toEqual([
      'POOLS.web.servers[1].name: "a" is that of servers[0] already; allowed: another name',
    ]);
  });

  test("have origins of their own, however these are written", () => {
    const servers = [server(), server({ name: "b", url: "HTTP://A.example.com:80/" })];
    expect(problemsOf(web({ servers }))).toEqual([
      'POOLS.web.servers[1].url: "http://a.example.com" is that of servers[0] already; ' +
        "allowed: one entry for each origin, with `slots` for more requests at once",
    ]);
  });

  test("are compared even where other things are wrong with them", () => {
    const servers = [server({ weight: -1 }), server({ url: "nowhere" }), server({ url: "nowhere" })];
    expect(problemsOf(web({ servers })).map((problem) => problem.replace(/ .*/, ""))).toEqual([
      "POOLS.web.servers[0].weight:",
      "POOLS.web.servers[1].url:",
      "POOLS.web.servers[2].url:",
      "POOLS.web.servers[1].name:",
      "POOLS.web.servers[2].name:",
    ]);
  });

  test("are at least one", () => {
    expect(problemsOf(web({ servers: [] }))).toEqual([
      `POOLS.web.servers: [] is not a list of servers; allowed: ${LIST_ALLOWED}`,
    ]);
  });

  test("are at most 1000", () => {
    const servers = Array.from({ length: 1001 }, (_, i) => ({
      name: `s${i}`,
      url: `http://s${i}.example.com`,
    }));
    expect(problemsOf(web({ servers: servers.slice(1) }))).toEqual([]);
    expect(problemsOf(web({ servers }))).toEqual([
      expect.stringContaining(`… is not a list of servers; allowed: ${LIST_ALLOWED}`),
    ]);
  });

  test("may all be backups", () => {
    expect(problemsOf(web({ servers: [server({ backup: true })] }))).toEqual([]);
  });

  test("are a list, not a table", () => {
    expect(problemsOf(web({ servers: { a: "x" } }))).toEqual([
      `POOLS.web.servers: {"a":"x"} is not a list of servers; allowed: ${LIST_ALLOWED}`,
    ]);
  });
});
