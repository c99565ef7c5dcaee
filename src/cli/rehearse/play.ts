import { CliError } from "../exit-codes.ts";
import { playCrash } from "./acts/crash.ts";
import { playDeploy } from "./acts/deploy.ts";
import { playDrain, type Slots } from "./acts/drain.ts";
import { playHolds } from "./acts/holds.ts";
import { playLeaveAtWork, playLeaveWaiting, playLongAnswer } from "./acts/leave.ts";
import { judge } from "./assumptions.ts";
import { measure } from "./measure.ts";
import type { Rehearsal } from "./rehearsal.ts";
import { type Act, played, type Report } from "./report.ts";

/** Plays all acts, one after another. */
export async function play(rehearsal: Rehearsal): Promise<Report> {
  const { where, url } = rehearsal.stage;
  await rehearsal.begin();
  const acts: Act[] = [];
  const playing = async (name: string, what: string, act: () => Promise<Act | Act[]>) => {
    rehearsal.say(what);
    acts.push(...[await act().catch((error) => brokenOff(name, what, error))].flat());
  };
  let slots: Slots = { gaps: [], handOvers: null, shards: null };
  await playing("drain", "load, with a drain in the middle", async () => {
    const drain = await playDrain(rehearsal);
    slots = drain.slots;
    return drain.act;
  });
  await playing("deploy", "a deploy of Sluice under load", () => playDeploy(rehearsal));
  for (const way of ["reset", "close"] as const) {
    const leaving = `clients that leave by a ${way}`;
    await playing(`leave-waiting-${way}`, `${leaving}, while they wait`, () =>
      playLeaveWaiting(rehearsal, way),
    );
    await playing(`leave-server-${way}`, `${leaving}, while servers work`, () =>
      playLeaveAtWork(rehearsal, "before the headers", way),
    );
  }
  await playing("leave-answer-close", "clients that leave in the answer", () =>
    playLeaveAtWork(rehearsal, "after the headers", "close"),
  );
  await playing("long-answer", "a long answer whose client left", () => playLongAnswer(rehearsal));
  await playing("hold", "requests held in a drain", () => playHolds(rehearsal));
  rehearsal.say("measuring");
  const measured = await measure(rehearsal, slots);
  // Last, as it ends what the servers remember.
  await playing("crash", "a crash of Sluice", () => playCrash(rehearsal));
  const held = acts.every(({ result }) => result !== "did not hold");
  return { where, url, held, acts, measured, assumptions: judge(where, measured, acts) };
}

/** An act that cannot go on has not held; the others may. */
function brokenOff(name: string, title: string, error: unknown): Act {
  const isNetworks = error instanceof Error && "code" in error;
  if (!(error instanceof CliError) && !isNetworks) throw error;
  return played(name, title, [error.message], "broken off", {});
}
