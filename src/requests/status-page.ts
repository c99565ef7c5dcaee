import type { DeferredStatus } from "../link/deferred-calls.ts";
import { responseUrl } from "../link/deferred-id.ts";
import { Refusal } from "../refusals/refusal.ts";
import { escapeHtml, ownPage } from "../refusals/response.ts";
import { inWords } from "./estimate.ts";

const HEADINGS: Record<DeferredStatus["state"], string> = {
  queued: "Your request is stored and waits for its turn",
  running: "Your request is being worked on",
  answered: "Your request is answered",
  failed: "Your request has failed",
  canceled: "Your request was canceled",
};

/** What becomes of a deferred request, for people. It reloads itself by its `Refresh` header. */
export function statusPage(status: DeferredStatus, origin: string, now: number): string {
  const heading = HEADINGS[status.state];
  return ownPage(heading, heading, [
    ...words(status, origin, now),
    `<small>Accepted at ${instant(status.acceptedAt)}. This address is the only key to your request: keep it to yourself.</small>`,
  ]);
}

function words(status: DeferredStatus, origin: string, now: number): string[] {
  const { id, state, place, startsInMs, problem } = status;
  if (state === "queued") {
    const ahead = place === null ? "" : `Place in line: <strong>${place}</strong>.`;
    const start =
      startsInMs === null ? "When it is your turn is not known yet." : `Your turn is ${inWords(startsInMs)}.`;
    return [
      `${ahead} ${start}`.trim(),
      "You may close this page and come back: the request keeps its place. The page reloads itself.",
    ];
  }
  if (state === "running") return ["The answer appears here by itself."];
  if (state === "answered")
    return [
      `<a href="${escapeHtml(responseUrl(origin, id))}">Open the answer</a>`,
      `It is kept until ${instant(status.expiresAt)}.`,
    ];
  if (problem) {
    const { title } = new Refusal(problem.code, problem.detail);
    return [`${escapeHtml(title)}.`, `${escapeHtml(problem.detail)} <small>(${problem.code})</small>`];
  }
  return [`It ended at ${instant(status.endedAt ?? now)}.`];
}

function instant(ms: number): string {
  const text = new Date(ms).toISOString();
  return `<time datetime="${text}">${text.slice(0, 16).replace("T", " ")} UTC</time>`;
}
