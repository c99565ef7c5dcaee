import { setTimeout as sleep } from "node:timers/promises";
import type { Rehearsal } from "../rehearsal.ts";
import { type Act, type HandOvers, played } from "../report.ts";
import { gapsOf } from "../servers.ts";
import { type ShardsReport, shardsReport } from "../shards.ts";
import { POOL } from "../stage.ts";
import { until } from "../until.ts";
import { underLoad } from "./under-load.ts";

const NAME = "drain";
const TITLE = "requests under load, with a drain and resume in the middle";

/** How long what was held in the drain may take to get to its servers. */
const PATIENCE_MS = 60_000;

/** What is seen of the slots while requests wait. */
export interface Slots {
  /** How long servers had nothing to do between two requests, in ms. */
  gaps: number[];
  /** `null`: none were seen. */
  handOvers: HandOvers | null;
  /** `null`: the pool is one object. */
  shards: ShardsReport | null;
}

export async function playDrain(rehearsal: Rehearsal): Promise<{ act: Act; slots: Slots }> {
  const { sizes, admin, probe } = rehearsal;
  const broken: string[] = [];
  let [held, beforeDrain] = [0, 0];
  let handedOver = { all: 0, passedOn: 0 };
  const load = await underLoad(rehearsal, NAME, sizes.loadMs, async () => {
    await sleep(sizes.drainAfterMs);
    await rehearsal.drained(async () => {
      const before = (await probe.servers()).works(rehearsal.path(NAME));
      beforeDrain = before.length;
      const atWork = before.filter(({ endedAt }) => endedAt === null).length;
      if (atWork > 0) broken.push(`${atWork} servers at work in the drained pool`);
      rehearsal.show("drained, and the load goes on");
      await sleep(sizes.pauseMs);
      held = (await admin.pool(POOL)).queued;
      const begun = (await probe.servers()).works(rehearsal.path(NAME)).length - before.length;
      if (begun > 0) broken.push(`${begun} begun in the drained pool`);
    });
    rehearsal.show("resumed");
    handedOver = await whileSomeWait(rehearsal);
  });
  const figures = { ...load.figures, held };
  const summary = `${load.summary}; ${held} held in the drain`;
  // From the resume on, those held are more than the servers can take until the load is over.
  const works = load.works.slice(beforeDrain);
  const shards = rehearsal.shardCount > 1 ? shardsReport({ ...load, works }) : null;
  const handOvers = handedOver.all > 0 ? { ...handedOver, isolates: load.isolates } : null;
  return {
    act: played(NAME, TITLE, [...broken, ...load.broken], summary, figures),
    slots: { gaps: gapsOf(works), handOvers, shards },
  };
}

/** Counts, from now until none waits: each request that ends hands its slot over to another. */
async function whileSomeWait({ admin }: Rehearsal): Promise<Omit<HandOvers, "isolates">> {
  const before = (await admin.pool(POOL)).totals;
  let latest = before;
  await until(async () => {
    const { queued, totals } = await admin.pool(POOL);
    if (queued === 0) return true;
    latest = totals;
    return false;
  }, PATIENCE_MS);
  return { all: latest.completed - before.completed, passedOn: latest.passedOn - before.passedOn };
}
