import { setTimeout as sleep } from "node:timers/promises";
import type { Cast } from "./director.ts";
import type { Journal } from "./journal.ts";
import type { Load } from "./load.ts";
import { lastPlan } from "./plans.ts";
import { CHECK_TIMEOUT_MS, longestLeaseMs, longestLostMs, QUARANTINE_MAX_MS } from "./pool.ts";
import type { ChaosServer } from "./servers/server.ts";

/** Some room for health checks to find every server up again, on a busy machine. */
const ROOM_MS = 10_000;
/** A slot of a late health check is closed for no longer than this. */
const LATE_CHECK_MS = CHECK_TIMEOUT_MS + 1_000 + QUARANTINE_MAX_MS;

/** No fault any more, and every request and every slot must come back. */
export async function comeToRest(cast: Cast, load: Load): Promise<void> {
  const { pool, runtime, journal, servers, guest, operator } = cast;
  journal.event("the end begins");
  for (const server of [...servers, guest.server]) server.outages.over = true;
  while (servers.some((server) => !server.isOpen)) await sleep(10);
  for (const server of servers) await operator.change(server, { state: "ready", weight: 1 });
  await operator.resume("the end", true);
  await load.settled();
  try {
    const sluice = await runtime.sluice();
    await sluice.until(
      pool,
      (now) =>
        [now.inFlight, now.queued, now.deferred?.running].every((count) => count === 0) &&
        now.servers.every(({ health }) => health !== "down"),
      Math.max(longestLeaseMs(journal.settings), longestLostMs(journal.settings)) + ROOM_MS,
    );
  } catch (error) {
    journal.break("slot", `the pool does not come to rest: ${(error as Error).message}`);
    return;
  }
  journal.event("the pool is at rest");
  const backups = servers.filter((server) => server.backup);
  const others = servers.filter((server) => !server.backup);
  await fillEverySlot(others, journal, load);
  if (backups.length === 0) return;
  for (const server of others) await operator.change(server, { state: "drain" });
  await fillEverySlot(backups, journal, load);
}

/** One request a slot at once: each slot of each of these servers must have one. */
async function fillEverySlot(servers: ChaosServer[], journal: Journal, load: Load): Promise<void> {
  const slots = servers.flatMap(({ name, workload }) => Array<string>(workload.slots).fill(name)).sort();
  for (const end = journal.now() + LATE_CHECK_MS; ; ) {
    const plans = slots.map(() => lastPlan(journal.settings.pool));
    await Promise.all(plans.map((plan) => load.send(plan)));
    const jobs = plans.flatMap((plan) => journal.requests.get(plan.id)?.jobs ?? []);
    const used = jobs.map((job) => job.server).sort();
    if (used.join() === slots.join()) return;
    if (journal.now() < end) continue;
    return journal.break(
      "slot",
      `of the slots ${slots.join(", ")} only ${used.join(", ")} were used at once`,
    );
  }
}
