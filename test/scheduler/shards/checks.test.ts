import { expect, test } from "vitest";
import { ATTENTION_MS } from "../../../src/scheduler/fleet/checks.ts";
import { Scheduler } from "../../../src/scheduler/scheduler.ts";
import { settings } from "../settings.ts";

test("the servers of an object that has nothing to do are checked while requests wait at another one", () => {
  let now = 1_000_000;
  const one = new Scheduler(settings({ check: { path: "/up" } }), null, now, () => 0.5);
  const checks = (forMs: number) => {
    const until = now + forMs;
    let count = 0;
    for (let at = one.nextTick(); at <= until; at = one.nextTick()) {
      now = Math.max(now, at);
      one.tick(now);
      for (const question of one.takeChanges().questions) {
        if (question.kind !== "check") continue;
        count++;
        one.checked(question.id, { result: "refused", got: "no connection", cutOff: false }, now);
      }
    }
    now = until;
    return count;
  };
  checks(2 * ATTENTION_MS);
  expect(checks(ATTENTION_MS)).toBe(0);
  one.othersWantRoom(now);
  expect(checks(ATTENTION_MS)).toBeGreaterThan(1);
});
