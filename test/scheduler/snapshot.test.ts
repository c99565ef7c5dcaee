import { expect, test } from "vitest";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { snapshotOf } from "../../src/scheduler/snapshot.ts";
import { settings } from "./settings.ts";

const at = (ms: number) => new Date(ms).toISOString();

test("a slot in quarantine says since when, which is not when its request began, and when it opens at the latest", () => {
  const scheduler = new Scheduler(settings({ quarantine: { max: "60s" } }), null, 0);
  scheduler.enter({ id: "long" }, 1_000);
  scheduler.enter({ id: "well" }, 2_000);
  scheduler.end("long", { how: "client" }, 31_000);
  const leases = snapshotOf("web", scheduler, 40_000).servers.flatMap((server) => server.leases);
  expect(leases).toEqual([
    { id: "long", since: at(1_000), quarantined: true, quarantinedSince: at(31_000), until: at(91_000) },
    { id: "well", since: at(2_000), quarantined: false },
  ]);
});
