/** `sluice token new` and `revoke`. */
import { nameProblem } from "../../config/admin-tokens.ts";
import { ALL, RIGHTS } from "../../config/rights.ts";
import { knownPools } from "../completion/names.ts";
import { type Context, printJson, printLines } from "../context.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import { inShell, printable, quoted } from "../terminal/output.ts";
import { noSuchPools } from "../wrangler-file/operators.ts";
import { digestsOf, type Entries, type Entry, withoutToken, withToken } from "./entries.ts";
import { textOf } from "./entries-text.ts";
import { grantWords } from "./holder.ts";
import { sizeWarning, storingLines, USUAL_FILE } from "./storing.ts";
import { digestOf, newToken } from "./token.ts";
import { changeTokenFile, existingTokenFileText } from "./token-file.ts";

interface NewOptions {
  name: string;
  may: string[] | undefined;
  pools: string[] | undefined;
  /** `null`: none. */
  into: string | null;
  replace: boolean;
}

/** Writes the file before it prints the token: one of which nothing is stored would be of no use. */
export async function makeToken({ out, err, json }: Context, options: NewOptions): Promise<void> {
  const { name, may, pools, into, replace } = options;
  const problem = nameProblem(name);
  if (problem !== null) throw new CliError(EXIT.usage, `${problem}.`);
  const token = newToken();
  const add = (entries: Entries) =>
    withToken(entries, { name, digest: digestOf(token), may, pools, replace }, into ?? USUAL_FILE);
  const entries = into === null ? add(new Map()) : await changeTokenFile(into, add);
  const entry = entries.get(name) as Entry;
  for (const warning of warningsOf(entry, entries)) err.write(`sluice: warning: ${warning}\n`);
  if (json) {
    printJson(out, { name, token, entry, file: into });
    return;
  }
  out.write(`${token}\n`);
  printLines(err, [
    `sluice: the token of ${quoted(name)}, shown this once: ${grantWords(grantOf(entry))}`,
    ...(into === null ? loneLines(entries) : fileLines(name, entry, into)),
  ]);
}

function grantOf({ may, pools }: Entry): { may: Set<string>; pools: Set<string> | null } {
  return {
    may: new Set(may.includes(ALL) ? RIGHTS : may),
    pools: pools === undefined ? null : new Set(pools),
  };
}

/** Where there is a file of wrangler's, its pools are those that there will be. */
function warningsOf({ pools = [] }: Entry, entries: Entries): string[] {
  const known = knownPools(process.cwd());
  const unknown = known.size === 0 ? [] : noSuchPools({ pools: new Set(pools) }, known);
  const tooLarge = sizeWarning(textOf(entries));
  return [...unknown, ...(tooLarge === null ? [] : [tooLarge])];
}

function loneLines(entries: Entries): string[] {
  return [
    "The secret ADMIN_TOKENS is one JSON with all names, each with its digest and no token. Add to it:",
    `  ${textOf(entries).replaceAll(/\n */g, " ").trim()}`,
    `With --into ${USUAL_FILE} a file has all of them, and git may keep it. Store it:`,
    ...storingLines(USUAL_FILE),
  ];
}

function fileLines(name: string, entry: Entry, file: string): string[] {
  const rotates = digestsOf(entry).length > 1;
  return [
    `${printable(file)} has its digest and no token, so that git may keep it. Store it:`,
    ...storingLines(file),
    ...(rotates
      ? [
          `${quoted(name)} has two valid tokens then. Once the new one is in use everywhere:`,
          `  sluice token revoke ${name} --old --from ${inShell(file)}`,
        ]
      : []),
  ];
}

interface RevokeOptions {
  name: string;
  from: string;
  /** The newer of two tokens stays. */
  onlyOld: boolean;
}

export async function revokeToken({ out, json }: Context, options: RevokeOptions): Promise<void> {
  const { name, from, onlyOld } = options;
  await existingTokenFileText(from);
  const entries = await changeTokenFile(from, (before) => withoutToken(before, name, onlyOld, from));
  const entry = entries.get(name) ?? null;
  if (json) {
    printJson(out, { name, entry, file: from });
    return;
  }
  const left = entry === null ? "nobody of that name is left" : "the newer token stays";
  printLines(out, [
    `${quoted(name)}: ${left} in ${printable(from)}. Until that is stored, all goes on as it was:`,
    ...storingLines(from),
  ]);
}
