import { describe, expect, test } from "vitest";
import { CHECK, findingsOf, here, told, toml, web } from "./support.ts";

/** A whole file with a single pool `web` of so many servers and these keys. */
function pool(servers: number, keys: string): string {
  const list = Array.from(
    { length: servers },
    (_, n) => `{ name = "web-${n}", url = "https://web-${n}.example.com" }`,
  );
  return toml(`[vars.POOLS.web]\nservers = [${list.join(", ")}]\n${keys}`);
}

describe("a pool of more shards than servers", () => {
  test("is told what the others are good for", () => {
    const text = pool(2, "shards = 3 # here");
    expect(findingsOf(text)).toEqual([
      {
        severity: "note",
        line: here(text),
        key: "vars.POOLS.web.shards",
        message: "3 for 2 servers: a shard without a server only sends its requests on to others",
        environment: null,
      },
    ]);
    expect(told(web("shards = 2"))).toEqual([expect.stringContaining("2 for 1 server: ")]);
  });

  test("is right where servers register", () => {
    expect(told(pool(1, `shards = 4\nregister = { urls = ["https://a.example.com"] }\n${CHECK}`))).toEqual(
      [],
    );
  });

  test.each([1, 3])("is none with %i for 3 servers", (shards) => {
    expect(told(pool(3, `shards = ${shards}`))).toEqual([]);
  });
});

describe("by the service times that are given, a pool", () => {
  const toldAt = (ms: number, text: string, name = "web") =>
    told(text, "toml", { serviceMs: new Map([[name, ms]]) });

  test("needs another object from the 40th single-flight server of 100 ms on", () => {
    expect(toldAt(100, pool(39, ""))).toEqual([]);
    expect(toldAt(100, pool(40, ""))).toEqual([
      "note vars.POOLS.web.shards: 40 slots of 100ms a request could take some 351 requests a second, and one object grants some 350 on Cloudflare: set shards = 2",
    ]);
    expect(toldAt(100, pool(40, "shards = 2"))).toEqual([]);
  });

  test("may have several, and need more", () => {
    expect(toldAt(10, pool(40, "shards = 2"))).toEqual([
      "note vars.POOLS.web.shards: 40 slots of 10ms a request could take some 1,667 requests a second, and 2 objects grant some 700 on Cloudflare: set shards = 5",
    ]);
  });

  test("is not told to have more shards than servers", () => {
    expect(toldAt(10, pool(3, "slots = 40"))).toEqual([expect.stringContaining("set shards = 3")]);
    expect(toldAt(10, web("slots = 40"))).toEqual([
      expect.stringContaining("more shards would not help, as each needs a server of its own"),
    ]);
  });

  test("is not taken to have shards without servers at work", () => {
    expect(toldAt(10, pool(2, "slots = 40\nshards = 4"))).toEqual([
      expect.stringContaining("4 for 2 servers: "),
      expect.stringContaining("and 2 objects grant some 700 on Cloudflare: more shards would not help"),
    ]);
  });

  test("is taken to have all servers that may register, and no backups", () => {
    const register = `register = { urls = ["https://a.example.com"], max = 40 }\n${CHECK}`;
    expect(toldAt(100, pool(0, register))).toEqual([expect.stringContaining(": 40 slots of 100ms")]);
    const backup = pool(40, "").replace('"https://web-0.example.com"', "$&, backup = true");
    expect(toldAt(100, backup)).toEqual([]);
  });

  test("is left alone if it is another one's time", () => {
    expect(toldAt(1, pool(40, ""), "api")).toEqual([]);
  });
});
