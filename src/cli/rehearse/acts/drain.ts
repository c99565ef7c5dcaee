import { setTimeout as sleep } from "node:timers/promises";
import type { Rehearsal } from "../rehearsal.ts";
import { type Act, played } from "../report.ts";
import { gapsOf } from "../servers.ts";
import { POOL } from "../stage.ts";
import { underLoad } from "./under-load.ts";

const NAME = "drain";
const TITLE = "requests under load, with a drain and resume in the middle";

/** `gaps`: how long servers had nothing to do between two requests, while others waited, in ms. */
export async function playDrain(rehearsal: Rehearsal): Promise<{ act: Act; gaps: number[] }> {
  const { sizes, admin, probe } = rehearsal;
  const broken: string[] = [];
  let [held, beforeDrain] = [0, 0];
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
  });
  const figures = { ...load.figures, held };
  const summary = `${load.summary}; ${held} held in the drain`;
  // From the resume on, those held are more than the servers can take until the load is over.
  const gaps = gapsOf(load.works.slice(beforeDrain));
  return { act: played(NAME, TITLE, [...broken, ...load.broken], summary, figures), gaps };
}
