import { describe, expect, test } from "vitest";
import { findingsOf, here, told, web } from "./support.ts";

const CHECK = 'check = { path = "/healthz" }';

describe("retry_on", () => {
  test("is warned of where any answer of that status counts and nothing takes a server out that always gives it", () => {
    const text = web('queue_timeout = "20m"\nretry_on = [503, "429 busy"] # here');
    expect(findingsOf(text)).toMatchObject([
      {
        severity: "warning",
        key: "vars.POOLS.web.retry_on",
        line: here(text),
        message: expect.stringMatching(/^503 .*until queue_timeout, 20m.*check/),
      },
    ]);
  });

  test.each([`retry_on = [503]\n${CHECK}`, 'retry_on = ["503 already processing"]', "retry_on = []"])(
    "may be %j",
    (keys) => {
      expect(told(web(keys))).toEqual([]);
    },
  );
});

describe('on_client_abort = "cancel"', () => {
  test("is warned of where the slot opens before the server can have stopped", () => {
    const text = web('on_client_abort = "cancel" # here\nquarantine = { cancel = "0s" }');
    expect(findingsOf(text)).toMatchObject([
      {
        severity: "warning",
        key: "vars.POOLS.web.quarantine.cancel",
        message: expect.stringMatching(/at once .* still .*"1s".* probe/),
      },
    ]);
  });

  test.each([
    'on_client_abort = "cancel"',
    'on_client_abort = "cancel"\nquarantine = { cancel = "0s", probe = "/idle" }',
    'on_client_abort = "cancel"\nquarantine = { cancel = "0s" }\ncooldown = "1s"',
    'quarantine = { cancel = "0s" }',
  ])("may be with %j", (keys) => {
    expect(told(web(keys))).toEqual([]);
  });
});
