import type { DeferredStatus } from "../link/deferred-calls.ts";
import { responseUrl } from "../link/deferred-id.ts";
import { Refusal } from "../refusals/refusal.ts";
import type { RequestStatus } from "./request-status.ts";

/** Bounds of `Retry-After`, in seconds, and what it is where nobody knows. */
const [SOONEST_S, LATEST_S, UNKNOWN_S] = [1, 300, 10];

/** `origin`: the client's, with which the URLs begin. */
export function requestStatus(status: DeferredStatus, origin: string, now: number): RequestStatus {
  const { id, state, place, startsInMs, attempts, answer, problem } = status;
  return {
    id,
    state,
    place,
    estimatedStartAt: startsInMs === null ? null : iso(now + startsInMs),
    acceptedAt: iso(status.acceptedAt),
    startedAt: status.startedAt === null ? null : iso(status.startedAt),
    endedAt: status.endedAt === null ? null : iso(status.endedAt),
    attempts,
    expiresAt: iso(status.expiresAt),
    response: answer === null ? null : { status: answer, url: responseUrl(origin, id) },
    problem: problem && problemOf(problem),
  };
}

/** When it is worth asking again, in seconds; `null`: it has ended. */
export function retryAfterS({ state, startsInMs }: DeferredStatus): number | null {
  if (state === "running") return SOONEST_S;
  if (state !== "queued") return null;
  if (startsInMs === null) return UNKNOWN_S;
  return Math.min(LATEST_S, Math.max(SOONEST_S, Math.ceil(startsInMs / 1_000)));
}

function problemOf({ code, detail }: NonNullable<DeferredStatus["problem"]>): RequestStatus["problem"] {
  const { title, status } = new Refusal(code, detail);
  return { type: "about:blank", title, status, detail, code };
}

const iso = (ms: number) => new Date(ms).toISOString();
