/** The names in ADMIN_TOKENS and their tokens: how they change. Pure. */
import { MOST_DIGESTS } from "../../config/admin-tokens.ts";
import { nearest } from "../../config/did-you-mean.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import { printable, quoted } from "../terminal/output.ts";
import { RIGHTS_ALLOWED } from "./rights-options.ts";

/** What is stored under a name, as in the secret. */
export interface Entry {
  /** Of one token, or of two: first the older. */
  sha256: string | string[];
  may: string[];
  pools?: string[];
}

export type Entries = ReadonlyMap<string, Entry>;

export function digestsOf({ sha256 }: Entry): string[] {
  return [sha256].flat();
}

export interface NewToken {
  name: string;
  digest: string;
  /** `undefined`: as they are, of a name that is there. */
  may: string[] | undefined;
  pools: string[] | undefined;
  /** Of two tokens, the older goes. */
  replace: boolean;
}

/** `file`: where they are, for the words of an error. */
export function withToken(entries: Entries, token: NewToken, file: string): Map<string, Entry> {
  const { name, digest, replace } = token;
  const before = entries.get(name);
  const may = token.may ?? before?.may;
  if (may === undefined)
    throw new CliError(EXIT.usage, `--may says what ${quoted(name)} may do: ${RIGHTS_ALLOWED}.`);
  const valid = before === undefined ? [] : digestsOf(before);
  if (valid.length >= MOST_DIGESTS && !replace) throw tooMany(name, file);
  const digests = [...valid.slice(-(MOST_DIGESTS - 1)), digest];
  const pools = token.pools ?? before?.pools;
  const entry = { sha256: oneOrAll(digests), may, ...(pools === undefined ? {} : { pools }) };
  return new Map([...entries, [name, entry]]);
}

function tooMany(name: string, file: string): CliError {
  const take = `sluice token revoke ${name} --old --from ${file}`;
  return new CliError(
    EXIT.usage,
    `${quoted(name)} has two tokens already. Where the newer one is in use everywhere, take the older out: ${take}. ` +
      "--replace does so, and adds another.",
  );
}

/** Without the name; with `onlyOld` without the older of its two tokens. */
export function withoutToken(
  entries: Entries,
  name: string,
  onlyOld: boolean,
  file: string,
): Map<string, Entry> {
  const before = entries.get(name);
  if (before === undefined) throw unknownName(entries, name, file);
  if (!onlyOld) return new Map([...entries].filter(([one]) => one !== name));
  const [, ...newer] = digestsOf(before);
  if (newer.length === 0) {
    throw new CliError(EXIT.usage, `${quoted(name)} has a single token, which goes without --old.`);
  }
  return new Map([...entries, [name, { ...before, sha256: oneOrAll(newer) }]]);
}

function unknownName(entries: Entries, name: string, file: string): CliError {
  const names = [...entries.keys()];
  const only = names.length === 0 ? "" : `, only ${names.map(printable).join(", ")}`;
  const near = nearest(name, names);
  const meant = near === undefined ? "" : ` Did you mean ${quoted(near)}?`;
  return new CliError(EXIT.usage, `${printable(file)} has no name ${quoted(name)}${only}.${meant}`);
}

function oneOrAll(digests: string[]): string | string[] {
  const [only = "", ...others] = digests;
  return others.length === 0 ? only : digests;
}
