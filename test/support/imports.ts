import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

/** What a text imports: a path or the name of a package, as it is written. */
export interface Specifier {
  /** `null`: it is computed, so that nobody can tell. */
  path: string | null;
  /** Gone once the types are checked. */
  isType: boolean;
}

/** One file's import of another. Paths are relative to the root. */
export interface Import {
  from: string;
  to: string;
  isType: boolean;
}

/** By whatever means; in comments as well, where JSDoc has its own. */
export function specifiersIn(text: string): Specifier[] {
  return [
    ...fromClauses(text),
    ...all(text, /\bimport\s*["']([^"'\n]+)["']/g, false),
    ...all(text, /(typeof\s+|\{\s*)?\b(?:import|require)\s*\(\s*(?:["'`]([^"'`\n$]+)["'`])?/g),
    ...all(text, /\bimport\.meta\.resolve\s*\(\s*["']([^"'\n]+)["']/g, false),
    ...all(text, /\bnew\s+URL\s*\(\s*["'`]([^"'`\n]+)["'`]\s*,\s*import\.meta\.url/g, false),
    ...all(text, /^\/\/\/\s*<reference\s+path="([^"\n]+)"/gm, true),
    ...all(text, /\burl\(\s*["']?([^"')\s]+)["']?\s*\)/g, false),
  ];
}

/** All imports of files by files under this folder, and those that lead nowhere, each in words. */
export function importsUnder(root: string): { files: string[]; imports: Import[]; broken: string[] } {
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) =>
    /\.(?:ts|js|css)$/.test(name),
  );
  const imports: Import[] = [];
  const broken: string[] = [];
  for (const from of files) {
    const file = join(root, from);
    for (const { path, isType } of specifiersIn(readFileSync(file, "utf8"))) {
      if (path !== null && !/^[./#]/.test(path)) continue;
      const target = resolve(dirname(file), path ?? "");
      const to = relative(root, target);
      if (path === null) broken.push(`${from} imports what it computes`);
      else if (!path.startsWith(".") || !existsSync(target)) broken.push(`${from} imports ${path}`);
      else imports.push({ from, to, isType });
    }
  }
  return { files, imports, broken };
}

/** One circle for each file where one closes, as `a → b → a`. */
export function circles(imports: readonly Import[]): string[] {
  const targets = new Map<string, Set<string>>();
  for (const { from, to } of imports) targets.set(from, (targets.get(from) ?? new Set()).add(to));
  const found: string[] = [];
  const finished = new Set<string>();
  const visit = (file: string, path: string[]) => {
    const before = path.indexOf(file);
    if (before >= 0) found.push([...path.slice(before), file].join(" → "));
    if (before >= 0 || finished.has(file)) return;
    for (const target of targets.get(file) ?? []) visit(target, [...path, file]);
    finished.add(file);
  };
  for (const file of targets.keys()) visit(file, []);
  return found;
}

/** `import … from`, `export … from`, each with or without `type`, and JSDoc's `@import`. */
function fromClauses(text: string): Specifier[] {
  return [...text.matchAll(/\bfrom\s*["']([^"'\n]+)["']/g)].map(({ 1: path = "", index }) => {
    const [statement] = /(?:@import|\bimport|\bexport)\b[^;"']*$/.exec(text.slice(0, index)) ?? [""];
    return { path, isType: /^(?:@import|(?:import|export)\s+type\s+(?!from\b))/.test(`${statement}from`) };
  });
}

/** The last group of the pattern is the path; another one before it tells a type. */
function all(text: string, pattern: RegExp, isType?: boolean): Specifier[] {
  return [...text.matchAll(pattern)].map((match) => ({
    path: match.at(-1) ?? null,
    isType: isType ?? match[1] !== undefined,
  }));
}
