/** The word that was probably meant: `queue_timeout` for `queue_timout` and for `queueTimeout`. */
export function nearest(given: string, words: readonly string[]): string | undefined {
  const typed = plain(given);
  // No key is that long, even with two typing errors. It also bounds the work on a hostile key.
  if (typed.length > 40) return undefined;
  let best: string | undefined;
  let least = Math.min(2, Math.floor(typed.length / 3)) + 1;
  for (const word of words) {
    const distance = edits(typed, plain(word));
    if (distance < least) [best, least] = [word, distance];
  }
  return best;
}

/** The same for camelCase, kebab-case and snake_case, which are no typing errors. */
function plain(word: string): string {
  return word.toLowerCase().replace(/[-_ ]/g, "");
}

/** Levenshtein distance: the number of letters inserted, deleted or substituted. */
function edits(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, j) => j);
  for (let i = 1; i <= from.length; i++) {
    const above = row;
    row = [i];
    for (let j = 1; j <= to.length; j++) {
      const substituted = at(above, j - 1) + (from[i - 1] === to[j - 1] ? 0 : 1);
      row.push(Math.min(substituted, at(above, j) + 1, at(row, j - 1) + 1));
    }
  }
  return at(row, to.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] as number;
}
