import { setTimeout as sleep } from "node:timers/promises";
import { fineDuration } from "../../../words/times.ts";
import type { Rehearsal } from "../rehearsal.ts";
import { type Act, notRun, played } from "../report.ts";
import { until } from "../until.ts";
import { underLoad } from "./under-load.ts";

const NAME = "deploy";
const TITLE = "a deploy of Sluice under load";
const REVISION = "2";
const LONGEST_MS = 180_000;

export async function playDeploy(rehearsal: Rehearsal): Promise<Act> {
  const { stage, sizes, probe } = rehearsal;
  const { deployAgain } = stage;
  if (!deployAgain) {
    const why =
      stage.where === "local"
        ? "needs Cloudflare, where old Workers finish their requests"
        : "needs --deploy";
    return notRun(NAME, TITLE, why);
  }
  const broken: string[] = [];
  let seenMs: number | null = null;
  const load = await underLoad(rehearsal, NAME, LONGEST_MS, async (over) => {
    await sleep(sizes.pauseMs);
    await deployAgain(REVISION);
    rehearsal.show("deployed, and the load goes on");
    seenMs = await until(async () => (await probe.isolate()).revision === REVISION, LONGEST_MS / 2);
    if (seenMs === null) broken.push("the new version has not answered");
    await sleep(sizes.pauseMs);
    over();
  });
  const seen = seenMs === null ? "" : `; the new version answered ${fineDuration(seenMs)} after its deploy`;
  return played(NAME, TITLE, [...broken, ...load.broken], load.summary + seen, load.figures);
}
