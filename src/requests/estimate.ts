import type { DeferredStatus } from "../link/deferred-calls.ts";

/** When it is a request's turn, in words that follow "Your turn:". */
export function estimateOf({ state, startsInMs }: Pick<DeferredStatus, "state" | "startsInMs">): string {
  if (state !== "queued") return "now";
  return startsInMs === null ? "not known yet" : inWords(startsInMs);
}

export function inWords(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  if (seconds <= 1) return "next";
  if (seconds < 90) return `in about ${seconds} seconds`;
  return seconds < 5_400
    ? `in about ${Math.round(seconds / 60)} minutes`
    : `in about ${Math.round(seconds / 3_600)} hours`;
}
