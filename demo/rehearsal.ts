import { setTimeout as sleep } from "node:timers/promises";
import { overtaken } from "../src/cli/rehearse/order.ts";
import { queryNumber, Traffic } from "../src/cli/rehearse/traffic.ts";
import { deploy, type Stage } from "./deploy.ts";
import type { Fleet } from "./fleet.ts";
import type { Lines } from "./progress.ts";
import type { Outcome } from "./report.ts";
import { watch } from "./watch.ts";

const TRAFFIC_MS = 8000;
const DRAIN_AFTER_MS = 3000;
const DEPLOY_MS = 2000;

/** The first act: a deploy under traffic of so many requests a second. */
export async function rehearse(stage: Stage, perSecond: number, lines: Lines): Promise<Outcome> {
  const { gate, fleet } = stage;
  const traffic = new Traffic(gate.url);
  const over = new AbortController();
  const watching = watch(gate.admin, traffic, lines.show, over.signal);
  const finished = traffic.run(perSecond, TRAFFIC_MS);
  await sleep(DRAIN_AFTER_MS);
  await deploy(stage, lines, () => sleep(DEPLOY_MS));
  await finished;
  over.abort();
  await watching;
  lines.say("the last request is through");
  return outcomeOf(traffic, fleet);
}

function outcomeOf({ sent, sentAt, answered, dropped, longestMs }: Traffic, fleet: Fleet): Outcome {
  const begun = fleet.begun
    .map(queryNumber)
    .filter((number) => number !== null)
    .map((number) => ({ number, sentAt: sentAt[number] ?? 0 }));
  return {
    sent,
    answered,
    dropped,
    rejected: fleet.rejected,
    longestMs,
    overtaken: overtaken(begun),
  };
}
