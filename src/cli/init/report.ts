/** What `sluice init` tells. */
import { counted } from "../../words/phrases.ts";
import { findingLine } from "../terminal/finding.ts";
import { inShell, printable, type Style } from "../terminal/output.ts";
import type { Finding } from "../wrangler-file/report.ts";
import type { Remark, Verdict } from "./haproxy/remarks.ts";
import { WRANGLER_FILE } from "./project.ts";
import type { WrittenFile } from "./write-project.ts";

export interface Outcome {
  folder: string;
  /** None if there is no pool. */
  files: WrittenFile[];
  /** On the lines of a haproxy.cfg. */
  remarks: Remark[];
  /** Of `sluice check`. */
  findings: Finding[];
}

/** In blocks, with an empty line between. `from`: the haproxy.cfg. */
export function outcomeLines(
  { folder, files, remarks, findings }: Outcome,
  from: string,
  style: Style,
): string[] {
  const blocks = [
    remarks.length > 0 ? remarkLines(from, remarks, style) : [],
    files.length > 0 ? fileLines(folder, files) : [],
    findings.map((finding) => findingLine(WRANGLER_FILE, finding, style)),
    files.length > 0 ? nextLines(folder) : [],
  ];
  return blocks.filter((block) => block.length > 0).flatMap((block, n) => (n === 0 ? block : ["", ...block]));
}

const VERDICTS = {
  became: { word: "became", colour: "green" },
  changed: { word: "changed", colour: "yellow" },
  unneeded: { word: "not needed", colour: "dim" },
  lost: { word: "lost", colour: "red" },
} as const satisfies Record<Verdict, { word: string; colour: string }>;

/** A line for each remark, as `sluice check` has them; then how many lines there are of each kind. */
function remarkLines(file: string, remarks: readonly Remark[], style: Style): string[] {
  const lines = remarks.map(({ line, verdict, message }) => {
    const { word, colour } = VERDICTS[verdict];
    return `${printable(`${file}:${line}`)}: ${style(colour, word)}: ${printable(message)}`;
  });
  const counts = Object.entries(VERDICTS).map(([verdict, { word }]) => {
    const count = remarks.filter((remark) => remark.verdict === verdict).length;
    return count === 0 ? [] : [`${count} ${word}`];
  });
  return [...lines, `${printable(file)}: ${counted(remarks.length, "remark")}: ${counts.flat().join(", ")}`];
}

function fileLines(folder: string, files: readonly WrittenFile[]): string[] {
  const widest = Math.max(...files.map(({ name }) => name.length));
  return [
    `In ${printable(folder)}:`,
    ...files.map(
      ({ name, fate, note }) => `  ${name.padEnd(widest)}  ${fate.padEnd("completed".length)}  ${note}`,
    ),
  ];
}

/** The commands that come next. */
function nextLines(folder: string): string[] {
  return [
    "Next:",
    ...(folder === "." ? [] : [`  cd ${inShell(folder)}`]),
    "  npm install",
    "  npx --no sluice check    # once wrangler.toml names your hosts and servers",
    "Then, on Cloudflare:",
    "  npx wrangler deploy",
    "  openssl rand -hex 32     # the operator's token: keep it, the next command asks for it",
    "  npx wrangler secret put ADMIN_TOKEN",
    "Or on a machine of your own:",
    "  npx --no sluice serve",
    "More people and programs get tokens of their own, each for what it is for:",
    "  npx --no sluice token new ci --may look,drain --into admin-tokens.json",
  ];
}
