/** `sluice token check`. */
import { counted } from "../../words/phrases.ts";
import type { AdminClient } from "../client/admin-client.ts";
import { type Context, printJson, printLines } from "../context.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import { findingLine } from "../terminal/finding.ts";
import { meView } from "../terminal/me-view.ts";
import { printable, styleOf, widthOf } from "../terminal/output.ts";
import { readEntries } from "./entries-text.ts";
import { holderIn, holderWords, tokenTooShort } from "./holder.ts";
import { existingTokenFileText } from "./token-file.ts";

/** As the Worker sees it. */
export async function checkTokenThere({ out, json }: Context, client: AdminClient): Promise<void> {
  const me = await client.me();
  if (json) printJson(out, me);
  else printLines(out, meView(me, styleOf(out), widthOf(out)));
}

/** `token`: empty if only the file is to be judged. */
export async function checkTokenFile({ out, json }: Context, file: string, token: string): Promise<void> {
  const content = readEntries(await existingTokenFileText(file));
  const { findings, tables } = content;
  const holder = token === "" ? null : holderIn(content, token);
  const ok = findings.length === 0;
  if (json) {
    const { name, which, grant } = holder ?? { name: null, which: null, grant: null };
    const rights = grant && { may: [...grant.may], pools: grant.pools && [...grant.pools] };
    printJson(out, {
      file,
      ok,
      findings,
      ...(token === "" ? {} : { token: holder && { name, which, rights } }),
    });
  } else {
    const style = styleOf(out);
    const sum = ok ? `${counted(tables.size, "name")}, no problem found` : counted(findings.length, "error");
    printLines(out, [
      ...findings.map((finding) => findingLine(file, finding, style)),
      `${printable(file)}: ${sum}`,
      ...(holder === null ? [] : [holderWords(holder)]),
    ]);
  }
  if (!ok) process.exitCode = EXIT.invalid;
  const why = token === "" ? null : (tokenTooShort(token) ?? whyNobodys(holder !== null, file));
  if (why !== null) throw new CliError(EXIT.unauthorised, why);
}

function whyNobodys(isSomebodys: boolean, file: string): string | null {
  return isSomebodys ? null : `the token is nobody's in ${printable(file)}`;
}
