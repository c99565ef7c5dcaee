import { setTimeout as sleep } from "node:timers/promises";
import { shardName } from "../../src/link/shards.ts";
import type { Guest } from "./guest.ts";
import type { Journal } from "./journal.ts";
import type { Operator } from "./operator.ts";
import type { PoolName } from "./pool.ts";
import type { Runtime } from "./runtime.ts";
import type { Happening, Loss, Scheduled } from "./schedule.ts";
import type { ChaosServer } from "./servers/server.ts";
import { crashOne } from "./stored-crash.ts";
import { retryOne } from "./stored-retry.ts";

export interface Cast {
  pool: PoolName;
  runtime: Runtime;
  /** How many of them there are. */
  isolates: number;
  journal: Journal;
  servers: ChaosServer[];
  guest: Guest;
  operator: Operator;
}

/** Lets everything happen when it is due, whatever is still under way; resolves when all of it is over. */
export async function direct(cast: Cast, schedule: Scheduled[]): Promise<void> {
  const start = cast.journal.now();
  const underWay: Promise<void>[] = [];
  for (const next of schedule) {
    const earlyMs = start + next.atMs - cast.journal.now();
    if (earlyMs > 0) await sleep(earlyMs);
    cast.journal.operation(next.what, `schedule: ${JSON.stringify(next)}`);
    underWay.push(
      happen(cast, next).catch((error) => cast.journal.break("lost", `${next.what} failed: ${error}`)),
    );
  }
  await Promise.all(underWay);
}

async function happen(
  { pool, runtime, journal, servers, guest, operator }: Cast,
  next: Happening,
): Promise<void> {
  const server = (index: number) => servers[index % servers.length] as ChaosServer;
  switch (next.what) {
    case "crash":
    case "crash at a hand-over": {
      const askedAt = journal.now();
      const { shard = 0 } = next;
      const name = shardName(pool, shard);
      if (next.what === "crash") await runtime.through((sluice) => sluice.crash(name));
      else if (!(await crashAtHandOver(runtime, name, next.when))) break;
      journal.crashed(askedAt, shard);
      for (const { sickness } of servers) sickness.interrupted(askedAt);
      break;
    }
    case "lose":
      await lose(next, journal, runtime, servers);
      break;
    case "crash deferred":
      await crashOne(next, journal, runtime);
      break;
    case "retry deferred":
      await retryOne(next, journal, runtime);
      break;
    case "refuse":
      for (const one of new Set(next.servers.map(server))) one.outages.refuse(next.forMs);
      break;
    case "reset":
      server(next.server).outages.resetNext(next.connections);
      break;
    case "front":
      server(next.server).outages.frontNext(next.status, next.requests);
      break;
    case "sick":
      await beSick(server(next.server), next.status, next.forMs);
      break;
    case "deploy":
      await operator.deploy(next);
      break;
    case "stop":
      await operator.stop(next);
      break;
    case "visit":
      await guest.visit(next);
      break;
    case "state":
      await operator.takeOut(server(next.server), next.state, next.cutMs);
      await sleep(next.forMs);
      await operator.change(server(next.server), { state: "ready" });
      break;
    case "weight":
      await operator.change(server(next.server), { weight: next.weight });
      break;
    case "slots":
      await operator.resize(server(next.server), next.slots);
  }
}

/** A kill finds it again. */
async function lose(
  { shard = 0, forMs }: Loss,
  journal: Journal,
  runtime: Runtime,
  servers: ChaosServer[],
): Promise<void> {
  if (journal.isLost(shard)) return;
  const loss = journal.beginLoss(shard);
  const name = shardName(journal.settings.pool, shard);
  await runtime.throughEach((sluice) => sluice.stopReaching(name));
  const askedAt = journal.now();
  // Who has reached it already would go on.
  await runtime.through((sluice) => sluice.crash(name));
  journal.crashed(askedAt, shard);
  for (const { sickness } of servers) sickness.interrupted(askedAt);
  await sleep(forMs);
  await runtime.throughEach((sluice) => sluice.findPool(name));
  loss.to = journal.now();
  journal.event(`${name} is within reach again`);
}

function crashAtHandOver(runtime: Runtime, pool: string, when: "before" | "after"): Promise<boolean> {
  return runtime.through(async (sluice) => {
    const hasCrashed = await sluice.planCrashAtHandOver(pool, when);
    return hasCrashed();
  });
}

async function beSick({ outages, sickness }: ChaosServer, status: number, forMs: number): Promise<void> {
  if (outages.sickStatus !== null) return;
  outages.sicken(status);
  sickness.begin();
  await sleep(forMs);
  outages.recover();
  sickness.end();
}
