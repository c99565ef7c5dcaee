import { expect, test } from "vitest";
import { markOf, sentence } from "../../src/dashboard/page/events.ts";
import type { Happening, PoolEvent } from "../../src/scheduler/record/events.ts";

const AT = "2026-11-21T09:00:00.000Z";
const UNTIL = "2026-11-21T09:00:07.000Z";
const time = (instant: string) => instant.slice(11, 19);

function said(happening: Happening, run: Partial<PoolEvent> = {}): string {
  return sentence({ id: 1, at: AT, ...happening, ...run } as PoolEvent, time);
}

const CASES: [Happening, string][] = [
  [
    { kind: "drain", owner: "deploy-42", by: "ci", reason: "release", expiresAt: UNTIL },
    "“deploy-42” (by “ci”) drains the pool (release), until 09:00:07 at the latest.",
  ],
  [
    { kind: "drain", owner: "admin", by: "admin", reason: null, expiresAt: UNTIL },
    "“admin” drains the pool, until 09:00:07 at the latest.",
  ],
  [{ kind: "drained" }, "Drained: nothing is waited for any more."],
  [
    { kind: "resume", owner: "admin", by: "admin", cause: "resumed" },
    "Running again: “admin” resumed the pool.",
  ],
  [
    { kind: "resume", owner: "deploy-42", by: "ci", cause: "resumed" },
    "Running again: “deploy-42” (by “ci”) resumed the pool.",
  ],
  [
    { kind: "resume", owner: "deploy-42", by: "jane", cause: "forced" },
    "Running again: “jane” ended the drain of “deploy-42” by force.",
  ],
  [
    { kind: "resume", owner: "deploy-42", by: null, cause: "expired" },
    "Running again: the drain of “deploy-42” ended by itself, its time was up.",
  ],
  [{ kind: "server-down", server: "web-1", cause: "checks" }, "web-1 is down: its health checks fail."],
  [{ kind: "server-down", server: "web-1", cause: "connections" }, "web-1 is down: connections to it fail."],
  [{ kind: "server-up", server: "web-1" }, "web-1 is up."],
  [
    { kind: "server-changed", server: "web-1", by: "jane", state: "maint", slots: 2, weight: 3 },
    "web-1 was set by “jane”: maintenance, 2 slots, weight 3.",
  ],
  [
    { kind: "quarantine", server: "web-1", lease: "a", cause: "client" },
    "A slot of web-1 went to quarantine: the client left.",
  ],
  [{ kind: "slot-freed", server: "web-1", lease: "a", by: "jane" }, "A slot of web-1 was freed by “jane”."],
  [{ kind: "refusal", code: "queue-full" }, "1 request refused (queue-full): the waiting list was full."],
  [
    { kind: "refusal", code: "deferred-full" },
    "1 request refused (deferred-full): as many as may be stored were waiting.",
  ],
  [
    { kind: "deferred-failed", code: "queue-timeout" },
    "1 deferred request failed (queue-timeout): no server became free before they expired.",
  ],
  [{ kind: "deferred-failed", code: "misconfigured" }, "1 deferred request failed (misconfigured)."],
  [{ kind: "restart" }, "The pool’s object restarted, and knows again what it had before."],
];

test.each(CASES)("%o is a sentence", (happening, words) => {
  expect(said(happening)).toBe(words);
  expect(markOf({ id: 1, at: AT, ...happening } as PoolEvent)).toMatch(/^(bad|warn|good|plain)$/);
});

test("a run says how often, and when last", () => {
  expect(said({ kind: "refusal", code: "no-server" }, { count: 12, until: UNTIL })).toBe(
    "12 requests refused (no-server): no server was available; the last at 09:00:07.",
  );
  expect(said({ kind: "deferred-failed", code: "bad-gateway" }, { count: 3, until: UNTIL })).toBe(
    "3 deferred requests failed (bad-gateway): the server could not be reached or broke off; the last at 09:00:07.",
  );
  expect(
    said({ kind: "quarantine", server: "web-1", lease: "a", cause: "lost" }, { count: 3, until: UNTIL }),
  ).toBe("Slots of web-1 went to quarantine 3 times: the Worker that served it is gone.");
});

test("of a pool of several shards an event that names no server says at which it was", () => {
  expect(said({ kind: "restart" }, { shard: 3 })).toBe(
    "Shard 3 restarted, and knows again what it had before.",
  );
  expect(said({ kind: "refusal", code: "queue-full" }, { shard: 3 })).toBe(
    "1 request refused at shard 3 (queue-full): the waiting list was full.",
  );
  expect(said({ kind: "deferred-failed", code: "misconfigured" }, { shard: 3 })).toBe(
    "1 deferred request failed at shard 3 (misconfigured).",
  );
  expect(said({ kind: "wake", got: "status 202" }, { shard: 3 })).toBe(
    "Servers were asked for at shard 3, as requests wait and none is up: status 202.",
  );
  expect(said({ kind: "server-up", server: "web-1" }, { shard: 3 })).toBe("web-1 is up.");
});

test("a kind that this page does not know yet is shown by its name", () => {
  expect(said({ kind: "brand-new" } as unknown as Happening)).toBe("brand-new");
});
