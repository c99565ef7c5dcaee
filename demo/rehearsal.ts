import { setTimeout as sleep } from "node:timers/promises";
import type { Admin } from "./admin.ts";
import type { Fleet } from "./fleet.ts";
import { overtaken } from "./order.ts";
import type { Progress } from "./progress.ts";
import type { Outcome } from "./report.ts";
import { queryNumber, Traffic } from "./traffic.ts";
import { seconds, watch } from "./watch.ts";

const TRAFFIC_MS = 8000;
const DRAIN_AFTER_MS = 3000;
const DEPLOY_MS = 2000;
const OWNER = "rehearsal";

export interface Stage {
  url: string;
  admin: Admin;
  fleet: Fleet;
  /** Requests a second. */
  rate: number;
  progress: Progress;
}

/** A deploy of all servers under traffic that exceeds them: drain, servers down and up again, resume. */
export async function rehearse({ url, admin, fleet, rate, progress }: Stage): Promise<Outcome> {
  const start = performance.now();
  const stamped = (text: string) => `${seconds(performance.now() - start)}  ${text}`;
  const say = (text: string) => progress.say(stamped(text));
  const traffic = new Traffic(url);
  const over = new AbortController();
  const watching = watch(admin, traffic, (line) => progress.show(stamped(line)), over.signal);
  const finished = traffic.run(rate, TRAFFIC_MS);
  await sleep(DRAIN_AFTER_MS);
  await deploy(admin, fleet, say);
  await finished;
  over.abort();
  await watching;
  say("the last request is through");
  return outcomeOf(traffic, fleet);
}

async function deploy(admin: Admin, fleet: Fleet, say: (text: string) => void): Promise<void> {
  const before = await admin.snapshot();
  say("draining…");
  const after = await admin.drain({ wait: "30s", owner: OWNER, reason: "rehearsal of a deploy" });
  if (after.state !== "drained") throw new Error(`Not drained in 30 s: ${after.inFlight} still in flight.`);
  if (fleet.busy > 0) throw new Error(`Drained, and yet ${fleet.busy} servers are at work.`);
  say(`drained: in flight ${before.inFlight} → ${after.inFlight}, ${after.queued} waiting`);
  await fleet.stop();
  say("deploy: servers down");
  await sleep(DEPLOY_MS);
  await fleet.start();
  say("deploy: servers up");
  await admin.resume({ owner: OWNER });
  say("resumed");
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
