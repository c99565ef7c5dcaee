import { wholeSeconds } from "../../words/times.ts";
import type { Problem } from "./api.ts";
import { byId, setAttributes, setText } from "./dom.ts";
import type { Connection } from "./model.ts";
import { setSteadyText } from "./steady.ts";

/** `trouble`: why the pool is not reached although Sluice answers; `null`: it is reached. */
export function drawConnection({ state, lastSeen, problem }: Connection, trouble: string | null): void {
  const isLost = state === "lost";
  const seen = lastSeen === null ? "" : `last seen ${wholeSeconds(Date.now() - lastSeen)} ago`;
  const words = { connecting: "Connecting…", live: "Live", lost: seen || "Nothing seen yet" }[state];
  const isStale = isLost || trouble !== null;
  setText(
    byId("connection"),
    isStale && !isLost ? "Pool not reached" : words.charAt(0).toUpperCase() + words.slice(1),
  );
  setAttributes(byId("connection"), { "data-state": isStale ? "lost" : state });
  setAttributes(document.body, { "data-stale": isStale ? "" : null });
  byId("lost").hidden = !isStale;
  byId("sign-in").hidden = problem?.status !== 401;
  if (isLost) setSteadyText(byId("lost-words"), lostWords(problem, seen));
  else if (trouble !== null) setSteadyText(byId("lost-words"), trouble);
}

function lostWords(problem: Problem | null, seen: string): string {
  const old = seen ? `; what you see is from then (${seen})` : "";
  return `${problemWords(problem)}${old}.${problem?.status === 401 ? "" : " Trying again…"}`;
}

export function problemWords(problem: Problem | null): string {
  if (problem === null || problem.status === 0) return "The connection to Sluice is lost";
  if (problem.status === 401) return "You are signed out: Sluice does not take this browser’s token any more";
  return problem.message.replace(/\.$/, "");
}
