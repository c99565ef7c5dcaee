import { setTimeout as sleep } from "node:timers/promises";
import { Monitor } from "./clients/monitor.ts";
import type { Journal, Sent } from "./journal.ts";
import type { Runtime } from "./runtime.ts";
import type { StoredCrash } from "./schedule.ts";
import { crashing, type Stored } from "./stored.ts";

/** Longer than a server has any request. */
const LONGEST_WORK_MS = 4_000;

/** Crashes the object of one of the stored requests, if there is one of this kind, and wakes it later. */
export async function crashOne(
  { moment, pick, delayMs, wakeMs }: StoredCrash,
  journal: Journal,
  runtime: Runtime,
): Promise<void> {
  const candidates = [...journal.open].filter((sent) => is(sent, moment));
  const sent = candidates[Math.floor(pick * candidates.length)];
  if (!sent?.stored) return;
  if (moment === "ends") {
    await untilOver(sent, journal);
    await sleep(delayMs);
  }
  await crash(sent.stored, sent.plan.id, journal, runtime);
  await sleep(wakeMs);
  await new Monitor(runtime, sent.stored.id).status();
}

async function crash(stored: Stored, name: string, journal: Journal, runtime: Runtime): Promise<void> {
  journal.event(`the object of ${name} crashes`);
  await crashing(stored, journal, () => runtime.through((sluice) => sluice.crashDeferred(stored.id)));
}

function is({ jobs }: Sent, moment: StoredCrash["moment"]): boolean {
  if (moment === "any") return true;
  return moment === "waits" ? jobs.length === 0 : isAtWork(jobs.at(-1));
}

/** Its last server has answered, or has failed it. */
async function untilOver({ jobs }: Sent, journal: Journal): Promise<void> {
  const job = jobs.at(-1);
  for (const end = journal.now() + LONGEST_WORK_MS; isAtWork(job) && journal.now() < end; ) await sleep(1);
}

function isAtWork(job: Sent["jobs"][number] | undefined): boolean {
  return job !== undefined && [job.doneAt, job.brokeAt, job.cutAt, job.gaveUpAt].every((at) => at === null);
}
