import type { CutOff } from "./cut-off.ts";

/** Counts since the pool was created; a crash of its object may lose the last few seconds of them. */
export interface Totals {
  accepted: number;
  completed: number;
  refused: Record<string, number>;
  retried: number;
  abandoned: number;
}

export function noTotals(): Totals {
  return { accepted: 0, completed: 0, refused: {}, retried: 0, abandoned: 0 };
}

export function countRefusal(totals: Totals, code: string): void {
  totals.refused[code] = (totals.refused[code] ?? 0) + 1;
}

/** So that accepted = completed + abandoned + what was refused after acceptance + what is still here. */
export function countCutOff(totals: Totals, cause: CutOff): void {
  if (cause === "broken") countRefusal(totals, "bad-gateway");
  else if (cause === "timeout") countRefusal(totals, "server-timeout");
  else totals.abandoned++;
}
