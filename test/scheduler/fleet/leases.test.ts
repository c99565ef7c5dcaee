import * as fc from "fast-check";
import { expect, test } from "vitest";
import { SlotTimers } from "../../../src/scheduler/fleet/leases.ts";
import { Server } from "../../../src/scheduler/fleet/server.ts";
import type { Slot } from "../../../src/scheduler/fleet/slot.ts";
import { serverAt } from "../settings.ts";

const SLOTS = 5;

const newSlots = (): Slot[] => {
  const server = new Server({ ...serverAt("a"), slots: SLOTS, weight: 1, backup: false });
  return Array.from({ length: SLOTS }, (_, index) => server.restore(index));
};

const event = fc.oneof(
  fc.record({ what: fc.constant("set" as const), which: fc.nat(SLOTS - 1), inMs: fc.nat(60) }),
  // As leases do: all for the same time.
  fc.record({ what: fc.constant("set" as const), which: fc.nat(SLOTS - 1), inMs: fc.constant(30) }),
  fc.record({ what: fc.constant("clear" as const), which: fc.nat(SLOTS - 1) }),
  fc.record({ what: fc.constant("pass" as const), ms: fc.nat(20) }),
);

test("a slot's time comes at the last instant set for it, once, unless it was cleared", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 300, size: "max" }), (events) => {
      const timers = new SlotTimers();
      const slots = newSlots();
      const model = new Map<Slot, number>();
      let now = 0;
      for (const one of events) {
        const slot = "which" in one ? (slots[one.which] as Slot) : undefined;
        if (one.what === "set" && slot) {
          timers.set(slot, now + one.inMs);
          model.set(slot, now + one.inMs);
          expect(slot.until).toBe(now + one.inMs);
        } else if (slot) {
          timers.clear(slot);
          model.delete(slot);
        } else if (one.what === "pass") now += one.ms;
        while (timers.next() <= now) {
          const due = timers.takeDue(now) as Slot;
          expect(model.get(due)).toBe(Math.min(...model.values()));
          model.delete(due);
        }
        expect(timers.takeDue(now)).toBeUndefined();
        expect(timers.next()).toBe(Math.min(...model.values()));
      }
    }),
    { numRuns: 300 },
  );
});
