import type { CheckReport } from "../../src/scheduler/fleet/check-report.ts";
import type { CheckResult } from "../../src/scheduler/fleet/health.ts";
import type { CutOff, LeaseEnd } from "../../src/scheduler/terms/lease-end.ts";

/** The server has answered to its last byte. */
export const DONE = { how: "done", status: 200 } as const satisfies LeaseEnd;

/** Each way in which a request ends before its server's last byte. */
export const CUT_OFFS = [
  "broken",
  "unreachable",
  "timeout",
  "longest",
  "client",
  "stalled",
  "early",
  "lost",
  "cut",
] as const satisfies CutOff[];

/** The request was cut off. `clientLeft`: before that, which says nothing of an answer that came early. */
export function cutOff(how: CutOff, clientLeft = false): LeaseEnd {
  if (how === "early") return { how, status: 413 };
  return clientLeft ? { how, clientLeft } : { how };
}

/** A check or a probe was answered so. `cutOff`: not to the end. */
export function reported(result: CheckResult, cutOff = false): CheckReport {
  return { result, got: result, cutOff };
}
