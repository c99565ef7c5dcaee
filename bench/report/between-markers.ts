import { readFileSync, writeFileSync } from "node:fs";

/** Replaces what stands between `<!-- name -->` and `<!-- /name -->` of a file. */
export function writeBetweenMarkers(file: string, name: string, content: string): void {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const whole = readFileSync(file, "utf8");
  const [start, end] = [whole.indexOf(open), whole.indexOf(close)];
  if (start < 0 || end < start) throw new Error(`${file} has no ${open} … ${close}`);
  writeFileSync(file, `${whole.slice(0, start + open.length)}\n${content}\n${whole.slice(end)}`);
}
