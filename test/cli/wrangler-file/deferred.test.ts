import { describe, expect, test } from "vitest";
import { CHECK, findingsOf, here, told, web } from "./support.ts";

/** A pool that stores requests, with these keys. */
const storing = (keys: string) => web(`${CHECK}\ndeferred = { ${keys} } # here`);

describe("a pool that stores requests", () => {
  test.each([
    "",
    'when = "drained"',
    'when = "always", methods = ["POST"]',
    'webhooks = ["https://hooks.example.com", "http://hooks.corp.internal"]',
    'keep = "5m", expires = "1h"',
    'max_body = "95MiB", max_response = "512MiB"',
  ])("may have { %s }", (keys) => {
    expect(told(storing(keys))).toEqual([]);
  });

  test.each([
    [
      'when = "drained", methods = []',
      "methods",
      /without any, when = "drained" stores what asks for it by .*Prefer/,
    ],
    ['when = "always", methods = []', "methods", /without any, when = "always"/],
    ['methods = ["POST"]', "methods", /has no effect: when = "asked" stores requests of any method that ask/],
    [
      'webhooks = ["http://hooks.example.com"]',
      "webhooks[0]",
      /in the clear.* anybody can read the answers.*https:/,
    ],
    [
      'webhooks = ["https://a.com", "http://localhost:9"]',
      "webhooks[1]",
      /for wrangler dev and sluice serve only/,
    ],
    ['webhooks = ["https://192.0.2.7"]', "webhooks[0]", /for wrangler dev and sluice serve only/],
    ['keep = "1m"', "keep", /^1m, but .*Retry-After.* in 5m: by then its answer is forgotten/],
    [
      'expires = "90s"',
      "expires",
      /^90s is shorter than what a deploy may well take, 2m: .* at its beginning fail$/,
    ],
  ])("is warned of { %s }, at its line", (keys, key, message) => {
    const text = storing(keys);
    expect(findingsOf(text)).toMatchObject([
      {
        severity: "warning",
        key: `vars.POOLS.web.deferred.${key}`,
        line: here(text),
        message: expect.stringMatching(message),
      },
    ]);
  });

  test("has a note where bodies may be larger than some plans of Cloudflare's let through", () => {
    const text = storing('max_body = "100MiB"');
    expect(findingsOf(text)).toMatchObject([
      {
        severity: "note",
        key: "vars.POOLS.web.deferred.max_body",
        line: here(text),
        message: expect.stringMatching(/100 MB.*Free and Pro.*413/),
      },
    ]);
  });

  test.each([
    ["", /^without `check` no server is ever down: .* fails after its retries instead of waiting$/],
    ['when = "always", methods = ["POST"]', /instead of waiting$/],
    ['when = "drained"', /instead of waiting, and when = "drained" stores in drains only$/],
  ])("has a note with { %s } where no server can be down, for want of a check", (keys, message) => {
    const text = web(`deferred = { ${keys} } # here`);
    expect(findingsOf(text)).toMatchObject([
      {
        severity: "note",
        key: "vars.POOLS.web.deferred",
        line: here(text),
        message: expect.stringMatching(message),
      },
    ]);
  });

  test("is warned of an expiry that is shorter than the longest drain that is expected", () => {
    const text = web(`${CHECK}\nqueue_timeout = "1h"\ndeferred = { expires = "20m" } # here`);
    expect(findingsOf(text, "toml", { longestDrainMs: 1_800_000 })).toMatchObject([
      { severity: "warning", key: "vars.POOLS.web.deferred.expires", line: here(text) },
    ]);
    expect(findingsOf(text, "toml", { longestDrainMs: 1_200_000 })).toEqual([]);
  });
});
