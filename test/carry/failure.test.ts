import { expect, test } from "vitest";
import type { CarriedRequest } from "../../src/carry/carried-request.ts";
import { Connection } from "../../src/carry/connection.ts";
import { failureOf } from "../../src/carry/failure.ts";
import { fetchOf, isReachedBy, NoSecret } from "../../src/servers/fetcher.ts";

test("a server behind a binding that only a newer version has is not the client's fault, and frees its slot", () => {
  const server = { name: "a", url: "http://a.example", binding: "NEW_NETWORK" };
  expect(isReachedBy({}, server)).toBe(false);
  let thrown: unknown;
  try {
    fetchOf({}, server);
  } catch (error) {
    thrown = error;
  }
  const carried = { pool: { name: "web", retries: 3 } } as CarriedRequest;
  expect(failureOf(thrown, new Connection(), carried, 0)).toMatchObject({
    end: { how: "unused" },
    error: { code: "pool-unavailable", status: 503, pool: "web" },
  });
});

test("a secret that the Worker does not have is not the client's fault, and frees its slot", () => {
  const carried = { pool: { name: "web", retries: 3 } } as CarriedRequest;
  expect(failureOf(new NoSecret(), new Connection(), carried, 0)).toMatchObject({
    end: { how: "unused" },
    error: { code: "misconfigured", status: 500, pool: "web" },
  });
});
