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
] as const satisfies CutOff[];

/** The request was cut off. `clientLeft`: before that, which says nothing of an answer that came early. */
export function cutOff(how: CutOff, clientLeft = false): LeaseEnd {
  if (how === "early") return { how, status: 413 };
  return clientLeft ? { how, clientLeft } : { how };
}
