import { describe, expect, test } from "vitest";
import { findingsOf, here, serving, told, web } from "./support.ts";

describe("a silence of 120 s, at which Cloudflare's own proxy answers for the server,", () => {
  test.each(['server_timeout = "120s"', 'server_timeout = "1h"', 'server_timeout = { first_byte = "2m" }'])(
    "is warned of where the server is given as long: %s",
    (key) => {
      const text = web(`${key} # here`);
      const [finding, ...more] = findingsOf(text);
      expect(finding).toMatchObject({ severity: "warning", line: here(text) });
      expect(finding?.key).toMatch(/^vars\.POOLS\.web\.server_timeout(\.first_byte)?$/);
      expect(finding?.message).toMatch(/120 s .* 524 .*Enterprise.*DNS-only/);
      expect(more).toEqual([]);
    },
  );

  test.each([
    "",
    'server_timeout = "119s"',
    'server_timeout = { first_byte = "30s", between = "5m" }',
    'server_timeout = { between = "30s" }',
  ])("is not warned of with %j", (key) => {
    expect(findingsOf(web(key))).toEqual([]);
  });

  test.each(["http://web-1", "https://web-1.corp.internal"])(
    "is nothing to %s, which no proxy stands for",
    (url) => {
      const found = findingsOf(serving(url, "").replace("}]", '}]\nserver_timeout = "1h"'));
      expect(found.map(({ key }) => key)).toEqual(["vars.POOLS.web.servers[0].url"]);
    },
  );
});

describe("a limit that another one is always before is warned of:", () => {
  test.each([
    ["connect_timeout", 'connect_timeout = "30s" # here\nserver_timeout = "30s"', "server_timeout"],
    [
      "connect_timeout",
      'connect_timeout = "1m" # here\nserver_timeout = { first_byte = "30s" }',
      "server_timeout",
    ],
    ["connect_timeout", 'connect_timeout = "1m" # here\nlongest = "50s"', "longest"],
    ["server_timeout", 'server_timeout = "90s" # here\nlongest = "1m"', "longest"],
    ["websocket_idle", 'websocket_idle = "1h" # here\nlongest = "1h"', "longest"],
  ])("%s, %s", (key, keys, before) => {
    const text = web(keys);
    expect(findingsOf(text)).toMatchObject([
      {
        severity: "warning",
        key: `vars.POOLS.web.${key}`,
        line: here(text),
        message: expect.stringMatching(new RegExp(`never .*${before}`)),
      },
    ]);
  });

  test.each([
    'server_timeout = "5s"',
    'longest = "5s"',
    'connect_timeout = "5s"\nserver_timeout = "30s"\nlongest = "10m"\nwebsocket_idle = "1m"',
  ])("not a default that nobody has written, nor one that can come first: %j", (keys) => {
    expect(told(web(keys))).toEqual([]);
  });
});
