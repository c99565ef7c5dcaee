import { Deferred } from "../src/cli/rehearse/deferred.ts";
import { beforeTheirTurn } from "../src/cli/rehearse/order.ts";
import type { CrashOutcome } from "./crash-report.ts";
import { deploy, type Stage } from "./deploy.ts";
import type { Lines } from "./progress.ts";

/**
 * The second act: requests are accepted during a deploy, to be answered later, and Sluice is killed before any of them
 * has got to a server.
 */
export async function rehearseCrash(stage: Stage, requests: number, lines: Lines): Promise<CrashOutcome> {
  const { gate, fleet } = stage;
  const rejectedBefore = fleet.rejected;
  const deferred = new Deferred(gate.url);
  await deploy(stage, lines, async () => {
    await deferred.submit(requests, () => lines.show(`accepted ${deferred.accepted.length}`));
    lines.say(`${deferred.accepted.length} requests accepted (202), their clients have left`);
    await crash(stage, lines);
  });
  await deferred.collect(fleet.answers, () => lines.show(`answered ${deferred.answered}`));
  lines.say("the clients have come back for their answers");
  const places = deferred.placesOf(fleet.begun);
  return {
    sent: requests,
    accepted: deferred.accepted.length,
    acceptMs: deferred.acceptMs,
    answered: deferred.answered,
    refused: deferred.refused,
    lost: deferred.lost,
    repeated: places.length - new Set(places).size,
    rejected: fleet.rejected - rejectedBefore,
    beforeTurn: beforeTheirTurn(places, fleet.servers.length),
  };
}

async function crash({ gate }: Stage, { say }: Lines): Promise<void> {
  say(`crash: Sluice killed (SIGKILL, process ${await gate.kill()})`);
  await gate.startAgain();
  const { state, queued } = await gate.admin.snapshot();
  say(`crash: Sluice up again, from what was on disk: ${state}, ${queued} waiting`);
  if (state !== "drained") throw new Error(`The crash has ended the drain: the pool is ${state}.`);
}
