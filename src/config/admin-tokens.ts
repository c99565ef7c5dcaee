/** The secret ADMIN_TOKENS: the tokens of people and programs, by their names. Only digests are stored. */
import * as z from "zod/mini";
import { problemsOf } from "./fields.ts";
import { isName, NAME_ALLOWED } from "./names.ts";
import { inspect, type Problem } from "./problem.ts";
import { type Grant, poolsOfRights, rights } from "./rights.ts";

export const ADMIN_TOKENS = "ADMIN_TOKENS";

/** Who has ADMIN_TOKEN, and gives no other name. */
export const ADMIN = "admin";

/** Two of a name are valid at once, so that a new one is in use everywhere before the old one goes. */
export const MOST_DIGESTS = 2;

export interface NamedToken {
  name: string;
  /** SHA-256 in lower-case hex, of each token that is valid under this name. */
  digests: readonly string[];
  grant: Grant;
}

const DIGEST = /^[0-9a-f]{64}$/i;
const NO_DIGEST =
  "is no digest; allowed: the SHA-256 of a token, 64 hex digits, or a list of two while it is rotated " +
  "(`sluice token new` makes both)";
const KEYS = ["sha256", "may", "pools"];

/** No message quotes the value of this key, or of an unknown one: somebody may have put the token there. */
const digests = z.pipe(
  z.unknown(),
  z.transform((given, ctx): string[] => {
    const list = Array.isArray(given) ? given : [given];
    const isRight = list.length > 0 && list.length <= MOST_DIGESTS && list.every(isDigest);
    if (isRight) return list.map((one: string) => one.toLowerCase());
    ctx.issues.push({ code: "custom", input: null, message: given === undefined ? "missing" : NO_DIGEST });
    return z.NEVER;
  }),
);

const namedToken = z.strictObject(
  { sha256: digests, may: rights(), pools: poolsOfRights() },
  {
    error: (issue) => {
      if (issue.code !== "unrecognized_keys") return `is not a table of ${KEYS.join(", ")}`;
      return issue.keys.map(() => `unknown key; allowed: ${KEYS.join(", ")}`).join("\n");
    },
  },
);

function isDigest(given: unknown): boolean {
  return typeof given === "string" && DIGEST.test(given);
}

/** `given`: the secret as JSON, or what it stands for. A name with a problem has no token, and the others keep theirs. */
export function readAdminTokens(given: unknown): { tokens: NamedToken[]; problems: Problem[] } {
  const tables = typeof given === "string" ? parsed(given) : given;
  if (typeof tables !== "object" || tables === null || Array.isArray(tables)) {
    const text = 'is not a table; allowed: JSON like {"ci": {"sha256": "…", "may": ["look", "drain"]}}';
    return { tokens: [], problems: [{ path: [ADMIN_TOKENS], text }] };
  }
  const tokens: NamedToken[] = [];
  const problems: Problem[] = [];
  for (const [name, table] of Object.entries(tables)) {
    const noName = nameProblem(name);
    if (noName !== null) problems.push({ path: [ADMIN_TOKENS, name], text: noName });
    const { success, data, error } = namedToken.safeParse(table);
    for (const { path, text } of error?.issues.flatMap(problemsOf) ?? [])
      problems.push({ path: [ADMIN_TOKENS, name, ...path], text });
    if (success) {
      const { sha256, may, pools } = data;
      tokens.push({ name, digests: sha256, grant: { may, pools: pools ?? null } });
    }
  }
  problems.push(...sharedDigests(tokens));
  const isRight = ({ name }: NamedToken) => !problems.some(({ path }) => path[1] === name);
  return { tokens: tokens.filter(isRight), problems };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Why nobody can have a token of this name; `null`: somebody can. */
export function nameProblem(name: string): string | null {
  if (name === ADMIN) return `"${ADMIN}" is who has ADMIN_TOKEN; allowed: another name`;
  return isName(name) ? null : `${inspect(name)} is not a name; allowed: ${NAME_ALLOWED}`;
}

/** With one token under two names, nobody could say who has done something. */
function sharedDigests(tokens: readonly NamedToken[]): Problem[] {
  const owners = new Map<string, string>();
  const problems: Problem[] = [];
  for (const { name, digests } of tokens) {
    for (const one of digests) {
      const owner = owners.get(one) ?? name;
      if (owner === name) owners.set(one, name);
      else
        problems.push({
          path: [ADMIN_TOKENS, name, "sha256"],
          text: `is that of ${owner}; allowed: another token`,
        });
    }
  }
  return problems;
}
