import { reasonsIn } from "../src/cli/rehearse/tally.ts";
import { table } from "./report.ts";

export interface CrashOutcome {
  sent: number;
  /** With 202. */
  accepted: number;
  acceptMs: readonly number[];
  /** By a server, and just as that sent it. */
  answered: number;
  /** How many were not accepted, and how many were accepted and not answered, by the reason. */
  refused: ReadonlyMap<string, number>;
  lost: ReadonlyMap<string, number>;
  /** How many times a request was worked again. */
  repeated: number;
  rejected: number;
  beforeTurn: number;
}

export function survived(outcome: CrashOutcome): boolean {
  const { sent, accepted, repeated, rejected, beforeTurn } = outcome;
  return accepted === sent && lostOf(outcome) + repeated + rejected + beforeTurn === 0;
}

export function crashReportLines(outcome: CrashOutcome): string[] {
  const { accepted, answered, lost, repeated, rejected, beforeTurn } = outcome;
  return table([
    ["accepted", String(accepted), acceptedNote(outcome)],
    ["answered", String(answered), "byte for byte what its server sent"],
    ["lost", String(lostOf(outcome)), reasonsIn(lost) || "must be 0"],
    ["worked twice", String(repeated), "must be 0"],
    ["rejected by a server", String(rejected), "must be 0"],
    ["order kept", beforeTurn === 0 ? "yes" : "no", `${beforeTurn || "none"} began before its turn`],
  ]);
}

/** What was accepted and not answered, whatever the reasons add up to. */
function lostOf({ accepted, answered }: CrashOutcome): number {
  return accepted - answered;
}

function acceptedNote({ sent, acceptMs, refused }: CrashOutcome): string {
  const median = [...acceptMs].sort((a, b) => a - b)[acceptMs.length >> 1];
  const notes = [`of ${sent} sent`];
  if (median !== undefined) notes.push(`202 after ${median.toFixed(1)} ms (median)`);
  if (refused.size > 0) notes.push(reasonsIn(refused));
  return notes.join("; ");
}
