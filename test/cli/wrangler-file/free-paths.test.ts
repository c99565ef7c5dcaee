import { expect, test } from "vitest";
import { told, web } from "./support.ts";

test("a free path that no request of the pool has is warned of", () => {
  const keys = 'path_prefix = "/api/"\nfree_paths = ["/healthz", "/api/up", "OPTIONS /", "/api"]';
  expect(told(web(keys))).toEqual([
    'warning vars.POOLS.web.free_paths[0]: "/healthz" is never asked for: this pool gets only requests whose path begins with "/api/"',
  ]);
});

test("free paths in drains are warned of where there are none", () => {
  expect(told(web("free_paths_in_drain = true"))).toEqual([
    "warning vars.POOLS.web.free_paths_in_drain: does nothing without free_paths",
  ]);
  expect(told(web('free_paths = ["/healthz"]\nfree_paths_in_drain = true'))).toEqual([]);
});
