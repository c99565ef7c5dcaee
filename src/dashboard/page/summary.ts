import type { Snapshot } from "../../scheduler/snapshot.ts";
import type { Condition } from "../../words/condition.ts";
import { cutAhead, cutWords } from "../../words/drain.ts";
import { clockInWords, wholeSeconds } from "../../words/times.ts";
import type { Advice } from "./advice-causes.ts";
import { capacityWords } from "./capacity.ts";
import { button, byId, keyed, make, setAttributes, setText } from "./dom.ts";
import { allFiguresOf, drawFigures } from "./figures.ts";
import type { Offers } from "./offers.ts";
import { setSteadyText } from "./steady.ts";

/** A pool's state and drain, its figures, and the acts that are possible. */
export function drawSummary(
  pool: Snapshot,
  condition: Condition,
  offers: Offers,
  isLive: boolean,
  now: number,
): void {
  setText(byId("pool-title"), pool.name);
  setText(byId("state"), condition.words);
  setAttributes(byId("state"), { "data-state": pool.state, "data-gravity": condition.gravity });
  setSteadyText(byId("drain"), pool.drain ? drainWords(pool.drain, now) : "");
  setSteadyText(byId("capacity"), capacityWords(pool));
  setAttributes(byId("capacity"), { "data-drain": pool.drain && "" });
  drawFigures(byId("figures"), allFiguresOf(pool));
  drawAct("act-drain", offers.drain, isLive);
  drawAct("act-stop", offers.stop, isLive);
  drawAct("act-extend", offers.extend, isLive);
  drawAct("act-cut", offers.cut, isLive);
  drawAct("act-resume", offers.resume !== null, isLive);
  // Only what is asked about first has the dots.
  setText(byId("act-resume"), offers.resume === "by force" ? "Resume…" : "Resume");
}

/** Advice, or that there is none. */
type Line = Omit<Advice, "cause"> & { cause: Advice["cause"] | "none" };

const NOTHING: Line = { cause: "none", weight: "plain", text: "Nothing." };
/** Of a pool that was well when it was last seen, nobody knows whether there is something to do by now. */
const UNKNOWN: Line = { cause: "none", weight: "plain", text: "Not known at the moment." };

let drawn: readonly Line[] = [];

/**
 * The panel stays where there is nothing to do, so that what is below it keeps its place. `isHeld`: it gets no longer and
 * no shorter, because something below it is about to be pressed.
 */
export function drawAdvice(latest: readonly Advice[], isFresh: boolean, isHeld: boolean): void {
  const advice: readonly Line[] = latest.length > 0 ? latest : [isFresh ? NOTHING : UNKNOWN];
  drawn = isHeld ? drawn.map((old) => advice.find(({ cause }) => cause === old.cause) ?? old) : advice;
  keyed(
    byId("advice"),
    drawn,
    ({ cause }) => cause,
    () => make("li", "mark"),
    (item, { text, weight }) => {
      setSteadyText(item, text);
      setAttributes(item, { "data-mark": weight });
    },
  );
}

/** An act that is not possible leaves its place free: nothing else may come under a pointer that is about to press. */
function drawAct(id: string, isPossible: boolean, isLive: boolean): void {
  const act = button(id);
  // The focus would get lost with a button that disappears once it was used.
  const losesFocus = !isPossible && document.activeElement === act;
  act.classList.toggle("absent", !isPossible);
  setAttributes(act, { "aria-disabled": isLive ? null : "true" });
  if (losesFocus) byId("pool-title").focus();
}

function drainWords(
  { owner, by, reason, since, expiresAt, cut, stop }: NonNullable<Snapshot["drain"]>,
  now: number,
): string {
  const begun = by === owner ? "" : `, begun by “${by}”`;
  const why = (stop ? stop.message && `“${stop.message}”` : reason) ?? "";
  const cuts = cutAhead(cut, now) ?? cutWords(cut);
  const left = wholeSeconds(Date.parse(expiresAt) - now);
  return (
    `by “${owner}”${begun}${why === "" ? "" : `: ${why}`} · for ${wholeSeconds(now - Date.parse(since))} · ` +
    `ends by itself at ${clockInWords(expiresAt, now)}, in ${left}${cuts === null ? "" : ` · ${cuts}`}`
  );
}
