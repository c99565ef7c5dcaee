import type { Snapshot } from "../../scheduler/snapshot.ts";
import { POOL_STATES } from "../../words/phrases.ts";
import { clockInWords, wholeSeconds } from "../../words/times.ts";
import { OWNER } from "./acts.ts";
import type { Advice } from "./advice-servers.ts";
import { button, byId, keyed, make, setAttributes, setText } from "./dom.ts";
import { allFiguresOf, drawFigures } from "./figures.ts";
import { setSteadyText } from "./steady.ts";

/** A pool's state and drain, its figures, and the acts that are possible. */
export function drawSummary(pool: Snapshot, isLive: boolean, now: number): void {
  setText(byId("pool-title"), pool.name);
  setText(byId("state"), POOL_STATES[pool.state]);
  setAttributes(byId("state"), { "data-state": pool.state });
  setSteadyText(byId("drain"), pool.drain ? drainWords(pool.drain, now) : "");
  drawFigures(byId("figures"), allFiguresOf(pool));
  drawAct("act-drain", pool.drain === null, isLive);
  drawAct("act-extend", pool.drain?.owner === OWNER, isLive);
  drawAct("act-resume", pool.drain !== null, isLive);
}

export function drawAdvice(advice: readonly Advice[]): void {
  byId("attention").hidden = advice.length === 0;
  keyed(
    byId("advice"),
    advice,
    ({ key }) => key,
    () => make("li", "mark"),
    (item, { text, weight }) => {
      setSteadyText(item, text);
      setAttributes(item, { "data-mark": weight });
    },
  );
}

function drawAct(id: string, isPossible: boolean, isLive: boolean): void {
  const act = button(id);
  // The focus would get lost with a button that disappears once it was used.
  const losesFocus = !isPossible && document.activeElement === act;
  act.hidden = !isPossible;
  setAttributes(act, { "aria-disabled": isLive ? null : "true" });
  if (losesFocus) byId("pool-title").focus();
}

function drainWords(
  { owner, reason, since, expiresAt }: NonNullable<Snapshot["drain"]>,
  now: number,
): string {
  const left = wholeSeconds(Date.parse(expiresAt) - now);
  return (
    `by “${owner}”${reason === null ? "" : `: ${reason}`} · for ${wholeSeconds(now - Date.parse(since))} · ` +
    `ends by itself at ${clockInWords(expiresAt, now)}, in ${left}`
  );
}
