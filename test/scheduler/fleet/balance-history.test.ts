import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PoolConfig } from "../../../src/config/types.ts";
import { Balance } from "../../../src/scheduler/fleet/balance.ts";
import { Server } from "../../../src/scheduler/fleet/server.ts";
import type { Slot } from "../../../src/scheduler/fleet/slot.ts";
import { FailedServer } from "../../../src/scheduler/waiting/failed-server.ts";
import { serverAt } from "../settings.ts";
import { BalanceModel, type CameUp, shareOf } from "./balance-model.ts";

function failedServer({ name, rests, avoided }: { name: string; rests: boolean; avoided: boolean }) {
  const failed = new FailedServer({ server: name, restMs: rests ? 1 : 0, avoid: avoided }, 0);
  failed.tick(0);
  return failed;
}

describe("whatever is taken, comes free and changes", () => {
  const config = fc.record({
    slots: fc.integer({ min: 1, max: 3 }),
    weight: fc.integer({ min: 0, max: 5 }),
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
        hashKey: fc.option(fc.maxSafeNat(), { freq: 4 }),
        roll: fc.double({ min: 0, max: 0.999, noNaN: true }),
      }),
    },
    { weight: 4, arbitrary: fc.record({ what: fc.constant("free" as const), which: fc.nat() }) },
    { weight: 2, arbitrary: fc.record({ what: fc.constant("wait" as const), ms: fc.nat(3_000) }) },
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
            weight: fc.integer({ min: 0, max: 5 }),
          },
          { requiredKeys: [] },
        ),
      }),
    },
  );
  const histories = fc.record({
    configs: fc.array(config, { minLength: 1, maxLength: 5 }),
    slowStartMs: fc.constantFrom(0, 5_000),
    events: fc.array(event, { maxLength: 100, size: "max" }),
  });

  const policies: [string, PoolConfig["balance"]][] = [
    ["roundrobin", "roundrobin"],
    ["leastconn", "leastconn"],
    ["first", "first"],
    ["random", "random"],
    ["hash", { part: "path", name: "" }],
  ];
  test.each(policies)("%s chooses as if it asked every server everything each time", (_name, policy) => {
    fc.assert(
      fc.property(histories, ({ configs, slowStartMs, events }) => {
        const health = { rise: 1, fall: 1 };
        const servers = configs.map((keys, n) => {
          return new Server({ ...serverAt(`s${n}`), ...keys }, health);
        });
        const cameUp = new Map(
          servers.map((one): [Server, CameUp] => [one, { setAt: null, passedAt: null, cameAt: null }]),
        );
        const balance = new Balance({ balance: policy, slowStartMs });
        const model = new BalanceModel(servers, policy);
        balance.serversChanged(servers);
        const taken: Slot<Server>[] = [];
        let now = 0;
        const share = (one: Server) => shareOf(one, cameUp.get(one) as CameUp, slowStartMs, now);
        for (const event of events) {
          expect(balance.hasFreeSlot).toBe(model.usable.some((one) => one.hasFreeSlot));
          if (event.what === "pick") {
            const asked = { failed: event.failed && failedServer(event.failed), hashKey: event.hashKey };
            const expected = model.pick(asked, share, event.roll);
            const server = balance.pick(asked, now, () => event.roll);
            expect(server?.name).toBe(expected?.name);
            const slot = server?.take();
            if (slot) taken.push(slot);
            continue;
          }
          if (event.what === "wait") {
            now += event.ms;
            continue;
          }
          if (event.what === "free") {
            const [slot] = taken.splice(event.which % (taken.length || 1), 1);
            slot?.server.give(slot);
            if (slot) balance.slotFreed(slot.server);
            continue;
          }
          const server = servers[event.which % servers.length] as Server;
          const times = cameUp.get(server) as CameUp;
          if (event.what === "change") {
            const before = server.state;
            server.change(event.patch, "me", now);
            if (server.state === "ready" && before !== "ready") times.setAt = now;
          } else {
            server.healthSince = now;
            if (server.health.status !== "down") server.health.requestFailed(now);
            else {
              server.health.checkPassed();
              times.passedAt = now;
            }
          }
          balance.serversChanged(servers);
        }
      }),
      { numRuns: 500 },
    );
  });
});
