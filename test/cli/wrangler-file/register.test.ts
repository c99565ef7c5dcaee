import { describe, expect, test } from "vitest";
import { CHECK, told, toml } from "./support.ts";

const pool = (keys: string, more = "") => toml(`[vars.POOLS.web]\n${keys}\n${more}`);

describe("a pool in which servers register", () => {
  test("needs no server, and is warned of nothing where its servers are checked and its origins named", () => {
    expect(told(pool(`register = { urls = ["https://*.gpu.example.com"] }\n${CHECK}`))).toEqual([]);
  });

  test("is warned that a server may not be ready yet where there is no check", () => {
    expect(told(pool('register = { urls = ["https://*.gpu.example.com"] }'))).toEqual([
      expect.stringMatching(/^warning vars\.POOLS\.web\.register: the pool has no `check`/),
    ]);
  });

  test("is warned where any origin would get a secret", () => {
    const headers = 'headers = { "X-Key" = { secret = "KEY" }, "X-Open" = "to all" }';
    expect(told(pool(`register = { urls = ["*"] }\n${CHECK}\n${headers}`))).toEqual([
      expect.stringMatching(/^warning vars\.POOLS\.web\.register\.urls: "\*" .* the secret "KEY"/),
    ]);
    expect(told(pool(`register = { urls = ["*"] }\n${CHECK}\nheaders = { "X-Open" = "to all" }`))).toEqual(
      [],
    );
  });

  test("is warned that a VPC service is one server", () => {
    const services = '[[vpc_services]]\nbinding = "NET"\nservice_id = "6ff42ae2"';
    const register = 'register = { urls = ["http://10.0.*.*"], binding = "NET" }';
    expect(told(pool(`${register}\n${CHECK}`, services))).toEqual([
      expect.stringMatching(/^warning vars\.POOLS\.web\.register\.binding: "NET" is one VPC service/),
    ]);
    expect(told(pool(`${register}\n${CHECK}`))).toEqual([
      expect.stringMatching(/^error vars\.POOLS\.web\.register\.binding: "NET" is no binding/),
    ]);
  });
});
