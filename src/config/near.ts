/** The word that was probably meant: `queue_timout` and `queueTimeout` both mean `queue_timeout`. */
export function nearest(given: string, words: readonly string[]): string | undefined {
  const typed = plain(given);
  // Longer than any key could be with two typing errors; also bounds the work on a hostile key.
  if (typed.length > 40) return undefined;
  let best: string | undefined;
  let least = Math.min(2, Math.floor(typed.length / 3)) + 1;
  for (const word of words) {
    const distance = edits(typed, plain(word));
    if (distance < least) [best, least] = [word, distance];
  }
  return best;
}

/** Spelling habits are not typing errors: camelCase, kebab-case and snake_case are the same word. */
function plain(word: string): string {
  return word.toLowerCase().replace(/[-_ ]/g, "");
}

/** Levenshtein's distance: letters added, left out or mistaken. */
function edits(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, j) => j);
  for (let i = 1; i <= from.length; i++) {
    const above = row;
    row = [i];
    for (let j = 1; j <= to.length; j++) {
      const mistaken = at(above, j - 1) + (from[i - 1] === to[j - 1] ? 0 : 1);
      row.push(Math.min(mistaken, at(above, j) + 1, at(row, j - 1) + 1));
    }
  }
  return at(row, to.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] as number;
}
