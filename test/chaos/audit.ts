import { inTurns } from "../deferred/support.ts";
import { Monitor } from "./clients/monitor.ts";
import { fateOf, summaryOf } from "./fate.ts";
import type { Journal, Sent } from "./journal.ts";
import type { Runtime } from "./runtime.ts";
import { settle } from "./verdict.ts";

/** Longer than all that wait at the end of a run can take. */
const PATIENCE_MS = 30_000;
const AT_ONCE = 10;

/** At the end, every stored request has ended, whether its client has asked or not, and says what it has always said. */
export async function audit(journal: Journal, runtime: Runtime): Promise<void> {
  const end = journal.now() + PATIENCE_MS;
  const stored = [...journal.requests.values()].filter((sent) => sent.stored !== null);
  await inTurns(stored, AT_ONCE, async (sent) => {
    const { id, end: before } = sent.stored as NonNullable<Sent["stored"]>;
    const told = await new Monitor(runtime, id).untilEnded(end - journal.now());
    if (sent.endedAt === null) settle(sent, fateOf(sent, told, journal), journal);
    else if (before !== null && before !== summaryOf(told))
      journal.break("lost", `${sent.plan.id} ended as ${before}, and later as ${summaryOf(told)}`, [sent]);
  });
}
