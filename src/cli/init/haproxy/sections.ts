/** The sections of a haproxy.cfg with their lines, and what a proxy inherits from `defaults`. */
import { wordsOf } from "./words.ts";

export interface Line {
  /** From 1. */
  number: number;
  /** As it stands there, without the blanks around it. */
  text: string;
  /** At least one. */
  words: string[];
}

export interface Section {
  kind: string;
  /** Empty if it has none. */
  name: string;
  head: Line;
  lines: Line[];
  /** The lines of its `defaults`, and of what that inherits from in turn; they count before its own. */
  inherited: Line[];
}

/** Of HAProxy 3.5. */
const KINDS = new Set([
  "global",
  "defaults",
  "frontend",
  "backend",
  "listen",
  "peers",
  "resolvers",
  "mailers",
  "userlist",
  "program",
  "http-errors",
  "cache",
  "ring",
  "log-forward",
  "log-profile",
  "fcgi-app",
  "crt-store",
  "traces",
  "acme",
  "healthcheck",
]);
const PROXIES = new Set(["frontend", "backend", "listen"]);

/** The last line that says it, as a backend's own line replaces that of its defaults. By its first words. */
export function last(lines: readonly Line[], ...names: string[]): Line | undefined {
  return lines.findLast(({ words: [first = "", second = ""] }) =>
    names.some((name) => name === first || name === `${first} ${second}`),
  );
}

/** `stray`: lines before the first section. */
export function readSections(text: string): { sections: Section[]; stray: Line[] } {
  const sections: Section[] = [];
  const stray: Line[] = [];
  let last: Section | undefined;
  const named = new Map<string, Section>();
  for (const line of linesOf(text)) {
    const [kind = "", name = ""] = line.words;
    if (KINDS.has(kind)) {
      const section: Section = {
        kind,
        name: name === "from" ? "" : name,
        head: line,
        lines: [],
        inherited: [],
      };
      const base = baseOf(section, sections, named);
      if (base) section.inherited = [...base.inherited, ...base.lines];
      if (kind === "defaults" && section.name !== "") named.set(section.name, section);
      sections.push(section);
      last = section;
    } else (last?.lines ?? stray).push(line);
  }
  return { sections, stray };
}

/** The `defaults` that a section inherits from: the one it names, and a proxy otherwise the last one before it. */
function baseOf(
  section: Section,
  before: readonly Section[],
  named: Map<string, Section>,
): Section | undefined {
  const from = section.head.words.indexOf("from");
  if (from > 0) return named.get(section.head.words[from + 1] ?? "");
  return PROXIES.has(section.kind) ? before.findLast(({ kind }) => kind === "defaults") : undefined;
}

function linesOf(text: string): Line[] {
  return text.split(/\r?\n/).flatMap((whole, index) => {
    const words = wordsOf(whole);
    return words.length === 0 ? [] : [{ number: index + 1, text: whole.trim(), words }];
  });
}
