import { describe, expect, test } from "vitest";
import { findingsOf, here, told, web } from "./support.ts";

const MINUTE = 60_000;

describe("queue_timeout is compared with the longest drain:", () => {
  test("two minutes, where nothing else is known", () => {
    expect(findingsOf(web('queue_timeout = "2m"'))).toEqual([]);
    const text = web('queue_timeout = "119s" # here');
    expect(findingsOf(text)).toMatchObject([
      {
        severity: "warning",
        key: "vars.POOLS.web.queue_timeout",
        line: here(text),
        message: expect.stringMatching(
          /^119s is shorter than what a deploy may well take, 2m: .* refused with 503$/,
        ),
      },
    ]);
  });

  test("drain_expires, where it is set", () => {
    expect(findingsOf(web('queue_timeout = "1m"\ndrain_expires = "60s"'))).toEqual([]);
    expect(told(web('queue_timeout = "1.5s"\ndrain_expires = "1h"'))).toEqual([
      expect.stringContaining("1500ms is shorter than drain_expires, 1h"),
    ]);
  });

  test("what the caller expects, above all", () => {
    const text = web('queue_timeout = "5m"\ndrain_expires = "1h"');
    expect(told(text, "toml", { longestDrainMs: 5 * MINUTE })).toEqual([]);
    expect(told(text, "toml", { longestDrainMs: 6 * MINUTE })).toEqual([
      expect.stringContaining("5m is shorter than the longest drain expected, 6m"),
    ]);
  });

  test("its default counts too, and is told at the pool", () => {
    const text = web("").replace("[vars.POOLS.web]", "[vars.POOLS.web] # here");
    expect(findingsOf(text, "toml", { longestDrainMs: 11 * MINUTE })).toMatchObject([{ line: here(text) }]);
    expect(findingsOf(text, "toml", { longestDrainMs: 10 * MINUTE })).toEqual([]);
  });
});
