import { Monitor, statusIn } from "./clients/monitor.ts";
import { fateOf, summaryOf } from "./fate.ts";
import type { Journal, Sent } from "./journal.ts";
import type { Runtime } from "./runtime.ts";
import type { StoredRetry } from "./schedule.ts";
import { parsed, refusalFault, settle } from "./verdict.ts";

/** Longer than any waits and is worked. */
const LONGEST_LIFE_MS = 60_000;

/** An operator has one of the stored requests tried again that have failed, and looks what becomes of it. */
export async function retryOne({ pick }: StoredRetry, journal: Journal, runtime: Runtime): Promise<void> {
  const failed = [...journal.requests.values()].filter(hasFailed);
  const sent = failed[Math.floor(pick * failed.length)];
  if (!sent?.stored) return;
  const monitor = new Monitor(runtime, sent.stored.id);
  const before = statusIn(await monitor.status());
  if (!hasFailed(sent)) return;
  const takeBack = journal.beginAnew(sent);
  const { status, body } = await retry(sent, journal, runtime);
  const after = status === 202 ? null : statusIn(await monitor.status());
  // A kill may have come between the retry and its answer.
  const isRetried = status === 202 || (after !== null && after.endedAt !== before?.endedAt);
  if (!isRetried) {
    const fault = refusalFault(String(parsed(body)?.code), status, sent, journal);
    takeBack();
    if (fault !== null)
      journal.break("lost", `${sent.plan.id} is not tried again: ${status} ${body}`, [sent]);
    return;
  }
  journal.event(`operator: ${sent.plan.id} is tried again`);
  journal.begunAnew(sent);
  const told = await monitor.untilEnded(LONGEST_LIFE_MS);
  sent.stored.end = summaryOf(told);
  settle(sent, fateOf(sent, told, journal), journal);
}

/** Its client has been told so, and has not had it forgotten. */
function hasFailed({ outcome, stored }: Sent): boolean {
  return stored?.stoppedAt === null && outcome !== null && outcome.startsWith("deferred failed");
}

async function retry(
  { stored }: Sent,
  { settings }: Journal,
  runtime: Runtime,
): Promise<{ status: number; body: string }> {
  const path = `/api/pools/${settings.pool}/deferred/${stored?.id}/retry`;
  return runtime.through(async (sluice) => {
    const response = await sluice.admin("POST", path, {});
    return { status: response.status, body: await response.text() };
  });
}
