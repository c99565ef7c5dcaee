import { residentKiB } from "../../measure/process-use.ts";
import { median } from "../../measure/statistics.ts";
import { now } from "../../servers/clock.ts";
import type { Servers } from "../../servers/servers.ts";
import { type SluiceSubject, startSluice } from "../../subjects/sluice.ts";
import { type Context, warmUp } from "../scenario.ts";
import { BATCH, joinPool, overtaken, served, type Waiting } from "./clients.ts";
import { Leavers } from "./leavers.ts";

/** How many leave at each end of the list. */
const LEAVERS = 5;

export interface Kept {
  memoryKiB: number;
  enqueueMs: number;
  firstLeavesMs: number;
  lastLeavesMs: number;
  dispatchMs: number;
  refused: number;
  overtaken: number;
}

/** Drains a pool, lets so many requests (whole batches) wait, some of them leave, and resumes. */
export async function holdInPool(count: number, servers: Servers, context: Context): Promise<Kept> {
  const sluice = await startSluice(servers.urls, context.gear.bundles);
  await warmUp(sluice, context);
  await sluice.untilIdle();
  await sluice.drain();
  const leavers = await Leavers.start(sluice);
  await leavers.join("first", LEAVERS);

  const [memoryBefore, start] = [residentKiB(sluice.pid), now()];
  const clients = await enqueue(count, sluice, LEAVERS);
  const enqueueMs = now() - start;
  const memoryKiB = (residentKiB(sluice.pid) - memoryBefore) / count;

  await leavers.join("last", LEAVERS);
  const lastLeavesMs = median(await leavers.leave("last"));
  const firstLeavesMs = median(await leavers.leave("first"));
  await leavers.stop();

  await servers.arrivals();
  const resumed = now();
  await sluice.resume();
  const answered = await served(clients);
  const dispatchMs = now() - resumed;
  const { order } = await servers.arrivals();
  if (order.length !== count) throw new Error(`${count} requests waited, ${order.length} reached a server`);
  await sluice.stop();
  return {
    memoryKiB,
    enqueueMs,
    firstLeavesMs,
    lastLeavesMs,
    dispatchMs,
    refused: count - answered,
    overtaken: overtaken(order, servers.urls.length),
  };
}

async function enqueue(count: number, sluice: SluiceSubject, before: number): Promise<Waiting[]> {
  const clients: Waiting[] = [];
  for (let from = 0; from < count; from += BATCH) {
    clients.push(...joinPool(sluice, from));
    await sluice.untilQueued(before + from + BATCH);
  }
  return clients;
}
