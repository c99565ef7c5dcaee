/**
 * Counts since the pool was created; a crash of its object may lose the last few seconds of them. Accepted =
 * completed + abandoned + what was refused after acceptance + what is still here.
 */
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
