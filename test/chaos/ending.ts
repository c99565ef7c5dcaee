import { setTimeout as sleep } from "node:timers/promises";
import { LEASE_TTL_MS } from "../../src/scheduler/leases.ts";
import type { Cast } from "./director.ts";
import type { Load } from "./load.ts";
import { lastPlan } from "./plans.ts";
import { QUARANTINE_MAX_MS } from "./pool.ts";

/** Some room for health checks to find every server up again, on a busy machine. */
const ROOM_MS = 10_000;

/** No fault any more, and every request and every slot must come back. */
export async function comeToRest(cast: Cast, load: Load): Promise<void> {
  const { sluice, journal, servers, operator } = cast;
  journal.event("the end begins");
  for (const server of servers) server.outages.over = true;
  while (servers.some((server) => !server.isOpen)) await sleep(10);
  for (const server of servers) await operator.change(server, { state: "ready" });
  await operator.resume("the end", true);
  await load.settled();
  try {
    await sluice.until(
      "web",
      (now) => now.inFlight === 0 && now.queued === 0 && now.servers.every(({ health }) => health !== "down"),
      LEASE_TTL_MS + QUARANTINE_MAX_MS + ROOM_MS,
    );
  } catch (error) {
    journal.break("slot", `the pool does not come to rest: ${(error as Error).message}`);
    return;
  }
  journal.event("the pool is at rest");
  await fillEverySlot(cast, load);
}

/** One request a slot at once: each slot of each server must have one. */
async function fillEverySlot({ journal, servers }: Cast, load: Load): Promise<void> {
  const slots = servers.flatMap(({ name, workload }) => Array<string>(workload.slots).fill(name));
  const plans = slots.map((_, index) => lastPlan(index));
  await Promise.all(plans.map((plan) => load.send(plan)));
  const jobs = plans.flatMap((plan) => journal.requests.get(plan.id)?.jobs ?? []);
  const used = jobs.map((job) => job.server).sort();
  if (used.join() !== slots.sort().join()) {
    journal.break("slot", `of the slots ${slots.join(", ")} only ${used.join(", ")} were used at once`);
  }
}
