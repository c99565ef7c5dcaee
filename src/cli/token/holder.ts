/** Whose a token is, found without asking anybody. */
import { SHORTEST_TOKEN } from "../../config/perhaps-token.ts";
import { type Grant, RIGHTS } from "../../config/rights.ts";
import { quoted } from "../terminal/output.ts";
import { tableOf } from "../wrangler-file/tree.ts";
import type { TokenFile } from "./entries-text.ts";
import { digestOf } from "./token.ts";

interface Rights {
  may: ReadonlySet<string>;
  /** `null`: all. */
  pools: ReadonlySet<string> | null;
}

export interface Holder {
  name: string;
  /** Which of the name's tokens it is. */
  which: "only" | "older" | "newer";
  /** `null`: the entry has a mistake, so that the token opens nothing. */
  grant: Grant | null;
}

/** `null`: the token is nobody's. */
export function holderIn({ tables, tokens }: TokenFile, token: string): Holder | null {
  const digest = digestOf(token);
  for (const [name, table] of tables) {
    const digests = [tableOf(table).sha256].flat().map((one) => String(one).toLowerCase());
    const index = digests.indexOf(digest);
    if (index < 0) continue;
    const which = digests.length === 1 ? "only" : index === 0 ? "older" : "newer";
    return { name, which, grant: tokens.find((one) => one.name === name)?.grant ?? null };
  }
  return null;
}

export function holderWords({ name, which, grant }: Holder): string {
  const among = which === "only" ? "" : `, the ${which} of two`;
  const whose = `the token is that of ${quoted(name)}${among}`;
  return grant === null
    ? `${whose}, and opens nothing: its entry has a mistake`
    : `${whose}: ${grantWords(grant)}`;
}

/** `it may look, drain for web`, `it may do everything for all pools`. */
export function grantWords({ may, pools }: Rights): string {
  const rights = may.size === RIGHTS.length ? "do everything" : [...may].join(", ");
  return `it may ${rights} for ${pools === null ? "all pools" : [...pools].join(", ")}`;
}

/** Why no Worker takes this token, whatever is stored of it; `null`: it may. */
export function tokenTooShort(token: string): string | null {
  return token.length >= SHORTEST_TOKEN
    ? null
    : `the token has fewer than ${SHORTEST_TOKEN} characters, and opens nothing`;
}
