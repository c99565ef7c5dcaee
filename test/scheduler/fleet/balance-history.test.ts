import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Balance } from "../../../src/scheduler/fleet/balance.ts";
import { Server } from "../../../src/scheduler/fleet/server.ts";
import type { Slot } from "../../../src/scheduler/fleet/slot.ts";
import { FailedServer } from "../../../src/scheduler/waiting/failed-server.ts";
import { serverAt } from "../settings.ts";

function naiveUsable(servers: Server[]): Server[] {
  const regular = servers.filter((one) => one.available && !one.backup);
  return regular.length > 0 ? regular : servers.filter((one) => one.available);
}

function naiveAfter(failed: FailedServer | null, usable: Server[], servers: Server[]): Server[] {
  const isOther = (one: Server) => one.name !== failed?.name;
  if (failed?.avoided && servers.some((one) => isOther(one) && one.available)) {
    return usable.some(isOther)
      ? usable.filter(isOther)
      : servers.filter((one) => isOther(one) && one.available);
  }
  return failed?.rests ? usable.filter(isOther) : usable;
}

/** The same rules at their plainest: all servers are asked everything, each time. */
function naivePick(
  servers: Server[],
  balance: string,
  roll: number,
  failed: FailedServer | null,
  credits: number[],
) {
  const usable = naiveUsable(servers);
  const free = naiveAfter(failed, usable, servers).filter((one) => one.hasFreeSlot);
  const total = free.reduce((sum, one) => sum + one.weight, 0);
  if (balance === "first") return free[0];
  if (balance === "random") {
    let left = roll * total;
    return free.find((one) => {
      left -= one.weight;
      return left < 0;
    });
  }
  if (balance === "leastconn") {
    return free.toSorted(
      (a, b) => a.occupied * b.weight - b.occupied * a.weight || a.lastGrant - b.lastGrant,
    )[0];
  }
  const credit = (one: Server) => credits[servers.indexOf(one)] ?? 0;
  for (const one of free) credits[servers.indexOf(one)] = credit(one) + one.weight;
  const best = free.toSorted((a, b) => credit(b) - credit(a))[0];
  if (best) credits[servers.indexOf(best)] = credit(best) - total;
  return best;
}

function failedServer({ name, rests, avoided }: { name: string; rests: boolean; avoided: boolean }) {
  const failed = new FailedServer({ server: name, restMs: rests ? 1 : 0, avoid: avoided }, 0);
  failed.tick(0);
  return failed;
}

describe("whatever is taken, comes free and changes", () => {
  const config = fc.record({
    slots: fc.integer({ min: 1, max: 3 }),
    weight: fc.integer({ min: 1, max: 5 }),
    backup: fc.boolean(),
  });
  const event = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        what: fc.constant("pick" as const),
        failed: fc.option(
          fc.record({ name: fc.constantFrom("s0", "s1"), rests: fc.boolean(), avoided: fc.boolean() }),
        ),
        roll: fc.double({ min: 0, max: 0.999, noNaN: true }),
      }),
    },
    { weight: 4, arbitrary: fc.record({ what: fc.constant("free" as const), which: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ what: fc.constant("health" as const), which: fc.nat() }) },
    {
      weight: 1,
      arbitrary: fc.record({
        what: fc.constant("change" as const),
        which: fc.nat(),
        patch: fc.record(
          {
            state: fc.constantFrom("ready" as const, "ready" as const, "drain" as const),
            slots: fc.integer({ min: 1, max: 4 }),
            weight: fc.integer({ min: 1, max: 5 }),
          },
          { requiredKeys: [] },
        ),
      }),
    },
  );
  const histories = fc.record({
    configs: fc.array(config, { minLength: 1, maxLength: 5 }),
    events: fc.array(event, { maxLength: 100, size: "max" }),
  });

  test.each(["roundrobin", "leastconn", "first", "random"] as const)(
    "%s chooses as if it asked every server everything each time",
    (policy) => {
      fc.assert(
        fc.property(histories, ({ configs, events }) => {
          const health = { rise: 1, fall: 1 };
          const servers = configs.map((keys, n) => {
            return new Server({ ...serverAt(`s${n}`), ...keys }, health);
          });
          const balance = new Balance(policy);
          balance.serversChanged(servers);
          const credits = servers.map(() => 0);
          const taken: Slot<Server>[] = [];
          events.forEach((event, time) => {
            expect(balance.hasFreeSlot).toBe(naiveUsable(servers).some((one) => one.hasFreeSlot));
            if (event.what === "pick") {
              const failed = event.failed && failedServer(event.failed);
              const expected = naivePick(servers, policy, event.roll, failed, credits);
              const server = balance.pick(() => event.roll, failed);
              expect(server?.name).toBe(expected?.name);
              const slot = server?.take();
              if (!server || !slot) return;
              server.lastGrant = time + 1;
              taken.push(slot);
              return;
            }
            if (event.what === "free") {
              const [slot] = taken.splice(event.which % (taken.length || 1), 1);
              slot?.server.give(slot);
              if (slot) balance.slotFreed(slot.server);
              return;
            }
            const server = servers[event.which % servers.length];
            if (event.what === "change") server?.change(event.patch, "me", time);
            else if (server?.health.status === "down") server.health.checkPassed();
            else server?.health.requestFailed(0);
            balance.serversChanged(servers);
          });
        }),
        { numRuns: 500 },
      );
    },
  );
});
