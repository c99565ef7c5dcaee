import { playCrash } from "./acts/crash.ts";
import { playDeploy } from "./acts/deploy.ts";
import { playDrain } from "./acts/drain.ts";
import { playHolds } from "./acts/holds.ts";
import { playLeaveAtWork, playLeaveWaiting, playLongAnswer } from "./acts/leave.ts";
import { judge } from "./assumptions.ts";
import { measure } from "./measure.ts";
import type { Rehearsal } from "./rehearsal.ts";
import type { Act, Report } from "./report.ts";

/** Plays all acts, one after another. */
export async function play(rehearsal: Rehearsal): Promise<Report> {
  const { where, url } = rehearsal.stage;
  await rehearsal.begin();
  const acts: Act[] = [];
  const playing = async (what: string, act: () => Promise<Act | Act[]>) => {
    rehearsal.say(what);
    acts.push(...[await act()].flat());
  };
  let gaps: number[] = [];
  await playing("load, with a drain in the middle", async () => {
    const drain = await playDrain(rehearsal);
    gaps = drain.gaps;
    return drain.act;
  });
  await playing("a deploy of Sluice under load", () => playDeploy(rehearsal));
  await playing("clients that leave", async () => [
    await playLeaveWaiting(rehearsal, "reset"),
    await playLeaveWaiting(rehearsal, "close"),
    await playLeaveAtWork(rehearsal, "before the headers", "reset"),
    await playLeaveAtWork(rehearsal, "before the headers", "close"),
    await playLeaveAtWork(rehearsal, "after the headers", "close"),
    await playLongAnswer(rehearsal),
  ]);
  await playing("requests held in a drain", () => playHolds(rehearsal));
  rehearsal.say("measuring");
  const measured = await measure(rehearsal, gaps);
  // Last, as it ends what the servers remember.
  await playing("a crash of Sluice", () => playCrash(rehearsal));
  const held = acts.every(({ result }) => result !== "did not hold");
  return { where, url, held, acts, measured, assumptions: judge(where, measured, acts) };
}
