import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { PoolConfig } from "../../src/config/types.ts";
import { pickShard } from "../../src/link/shard-choice.ts";
import type { Cast } from "./director.ts";
import type { Journal } from "./journal.ts";
import type { Load } from "./load.ts";
import { lastPlan } from "./plans.ts";
import { CHECK_TIMEOUT_MS, hasHomes, longestLeaseMs, longestLostMs, QUARANTINE_MAX_MS } from "./pool.ts";
import type { Runtime } from "./runtime.ts";
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
        [now.inFlight, now.queued, now.deferred?.running ?? 0].every((count) => count === 0) &&
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
  await fillEverySlot(others, cast, load);
  if (backups.length === 0) return;
  for (const server of others) await operator.change(server, { state: "drain" });
  await fillEverySlot(backups, cast, load);
}

/** One request a slot at once: each slot of each of these servers must have one. */
async function fillEverySlot(
  servers: ChaosServer[],
  { journal, runtime }: Pick<Cast, "journal" | "runtime">,
  load: Load,
): Promise<void> {
  const slots = servers.flatMap(({ name, workload }) => Array<string>(workload.slots).fill(name)).sort();
  for (const end = journal.now() + LATE_CHECK_MS; ; ) {
    const shardOf = await shards(journal, runtime);
    const plans = slots.map((server) =>
      lastPlan(journal.settings.pool, (client) => isAt(client, shardOf.get(server), journal)),
    );
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

/** Returns at which shard each server is. */
async function shards({ settings }: Journal, runtime: Runtime): Promise<Map<string, number | undefined>> {
  const { servers } = await runtime.through((sluice) => sluice.snapshot(settings.pool));
  return new Map(servers.map(({ name, shard }) => [name, shard]));
}

/** True if this client's requests come to this shard's servers: where its limits ask for that, they come to no other's. */
function isAt(client: string, shard: number | undefined, { settings, shards }: Journal): boolean {
  if (!hasHomes(settings) || shard === undefined) return true;
  const [maxQueuePerFlow = null, maxInFlightPerFlow = null] = [
    settings.max_queue_per_flow,
    settings.max_in_flight_per_flow,
  ];
  const pool = { name: settings.pool, shards, maxQueuePerFlow, maxInFlightPerFlow } as PoolConfig;
  // As `flowOf` does.
  const flow = createHash("sha256").update(client).digest("hex").slice(0, 16);
  return pickShard(pool, { flow }) === shard;
}
