/** One line of a haproxy.cfg, split into words by HAProxy's rules (its configuration manual, 2.2 "Quoting and escaping"). */

const ESCAPED: Record<string, string> = { n: "\n", r: "\r", t: "\t" };

/** Never throws: a quote that is not closed ends with the line. */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote: '"' | "'" | null = null;
  for (let at = 0; at < line.length; at++) {
    const char = line[at] as string;
    if (char === "\\" && quote !== "'" && at + 1 < line.length) {
      const next = line[++at] as string;
      word = (word ?? "") + (ESCAPED[next] ?? next);
    } else if (quote !== null) {
      if (char === quote) quote = null;
      else word = (word ?? "") + char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= "";
    } else if (char === "#") break;
    else if (/\s/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? "") + char;
  }
  return word === null ? words : [...words, word];
}
