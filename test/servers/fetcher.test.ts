import { expect, test } from "vitest";
import type { Bindings } from "../../src/config/bindings.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { identityOf } from "../../src/config/server-identity.ts";
import type { PoolConfig } from "../../src/config/types.ts";
import { addedHeaders, fetchOf, NoSecret } from "../../src/servers/fetcher.ts";
import { poolOf } from "../config/support.ts";

const ALL: Bindings = {
  kindOf: () => "fetcher",
  secretOf: () => "there",
  variableOf: () => undefined,
};

test("a probe of a retired server comes to its own object, though it is called by its identity by then", async () => {
  const getByName = (object: string) => ({ fetch: async () => new Response(object) });
  const askedOf = async (name: string) => {
    const send = fetchOf({ BOXES: { getByName } }, { name, url: "http://old", binding: "BOXES" });
    return (await send("http://old/idle", {})).text();
  };
  expect(await askedOf("box-1")).toBe("box-1");
  const identity = identityOf({ name: "box-1", url: "http://old", binding: "BOXES" }, true);
  expect(await askedOf(identity)).toBe("box-1");
});

test("a server gets its own headers, and not those of the one that has had its name", () => {
  const servers = [{ name: "a", url: "https://a.example", headers: { "X-Key": "of a" } }];
  const pool = poolOf({ web: { servers, headers: { "X-Key": "of all" } } }, "web");
  const at = (url: string) => addedHeaders({}, pool, { name: "a", url, binding: null });
  expect(at("https://a.example")).toEqual([["x-key", "of a"]]);
  expect(at("https://b.example")).toEqual([["x-key", "of all"]]);
});

test("a server that has registered gets the secrets only where the configuration lets it register now", () => {
  const headers = { "X-Key": { secret: "KEY" }, "X-Open": "to all" };
  const register = { urls: ["https://*.gpu.example"], binding: "NET" };
  const pool = parseConfig({ POOLS: { web: { register, headers } } }, ALL).pools.get("web") as PoolConfig;
  const sentTo = (url: string, binding: string | null, registered?: true) =>
    addedHeaders({ KEY: "open-sesame" }, pool, { name: "a", url, binding, registered });
  const all = [
    ["x-key", "open-sesame"],
    ["x-open", "to all"],
  ];
  const open = [["x-open", "to all"]];
  expect(sentTo("https://a.gpu.example", "NET", true)).toEqual(all);
  expect(sentTo("https://a.gpu.example", null, true)).toEqual(open);
  expect(sentTo("https://a.else.example", "NET", true)).toEqual(open);
  const closed = { ...pool, register: null };
  expect(
    addedHeaders({ KEY: "open-sesame" }, closed, {
      ...{ name: "a", url: "https://a.gpu.example", binding: "NET", registered: true },
    }),
  ).toEqual(open);
});

test.each([undefined, { open: "sesame" }])(
  "a secret that is %j is in no request, and neither is its name",
  (secret) => {
    const headers = { "X-Key": { secret: "KEY" } };
    const servers = [{ name: "a", url: "https://a.example" }];
    const pool = parseConfig({ POOLS: { web: { servers, headers } } }, ALL).pools.get("web") as PoolConfig;
    const retired = { name: "b", url: "https://b.example", binding: null };
    expect(() => addedHeaders({ KEY: secret }, pool, retired)).toThrow(NoSecret);
    expect(addedHeaders({ KEY: "open-sesame" }, pool, retired)).toEqual([["x-key", "open-sesame"]]);
  },
);
