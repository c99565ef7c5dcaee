import { setTimeout as sleep } from "node:timers/promises";
import { duration, fineDuration } from "../../../words/times.ts";
import { reasonOf, said, send } from "../http.ts";
import type { Rehearsal } from "../rehearsal.ts";
import { type Act, notRun, played } from "../report.ts";

/** Cloudflare closes a connection on which nothing has moved for so long (docs/limits-and-costs.md). */
export const IDLE_CLOSE_MS = 400_000;
const MARGIN_MS = 60_000;

/** All in one drain, which ends when each has waited as long as it should. */
export async function playHolds(rehearsal: Rehearsal): Promise<Act[]> {
  const { holdsMs } = rehearsal.plan;
  if (holdsMs.length === 0) {
    const why =
      rehearsal.stage.where === "local"
        ? "nothing closes an idle connection here; --holds 1m,5m,8m"
        : "--quick";
    return [notRun("hold", "requests held in a drain for minutes", why)];
  }
  const longest = Math.max(...holdsMs);
  const path = rehearsal.path("hold");
  const held = holdsMs.map(async (holdMs, number): Promise<Act> => {
    await sleep(longest - holdMs);
    const startedAt = performance.now();
    const call = { headers: rehearsal.headers, patienceMs: holdMs + MARGIN_MS };
    const failure = await send(`${rehearsal.stage.url}${path}${number}?ms=10`, call).then(
      (answer) => (answer.status === 200 ? null : said(answer)),
      reasonOf,
    );
    return actOf(holdMs, failure, performance.now() - startedAt);
  });
  const acts = Promise.all(held);
  await rehearsal.drained(async () => {
    rehearsal.say(`holding ${holdsMs.length} requests in a drain for up to ${duration(longest)}`);
    await sleep(longest);
  }, longest + MARGIN_MS);
  return acts;
}

/** Longer than the idle close, either end is fine: the report says which it was. */
function actOf(holdMs: number, failure: string | null, tookMs: number): Act {
  const name = `hold-${Math.round(holdMs / 1_000)}s`;
  const title = `a request held in a drain for ${duration(holdMs)}`;
  const figures = { holdMs, tookMs: Math.round(tookMs), answered: failure === null ? 1 : 0 };
  if (failure === null) return played(name, title, [], `answered after ${fineDuration(tookMs)}`, figures);
  const ended = `ended after ${fineDuration(tookMs)}: ${failure}`;
  return played(name, title, holdMs < IDLE_CLOSE_MS ? [ended] : [], ended, figures);
}
