/** The secret ADMIN_TOKENS: the tokens of people and programs, by their names. Only digests are stored. */
import * as z from "zod/mini";
import { problemsOf } from "./fields.ts";
import { isName, NAME_ALLOWED } from "./names.ts";
import { nameUnlessToken, SHORTEST_TOKEN, unlessToken } from "./perhaps-token.ts";
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
  "is neither a SHA-256 digest nor a list of one or two; allowed: 64 hex digits each, as `sluice token new` makes them";
const KEYS = ["sha256", "may", "pools"];

/** No message quotes the value of this key, or of an unknown one: it may be a token of any length. */
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
    const { success, data, error } = namedToken.safeParse(withoutTokens(table));
    for (const { path, text } of error?.issues.flatMap(problemsOf) ?? [])
      problems.push({ path: [ADMIN_TOKENS, name, ...path.map(shownStep)], text });
    if (success) {
      const { sha256, may, pools } = data;
      tokens.push({ name, digests: sha256, grant: { may, pools: pools ?? null } });
    }
  }
  problems.push(...sharedDigests(tokens));
  const wrong = new Set(problems.map(({ path }) => path[1]));
  const shown = problems.map(({ path: [variable = ADMIN_TOKENS, name = "", ...keys], text }) => ({
    path: [variable, nameUnlessToken(String(name)), ...keys],
    text,
  }));
  return { tokens: tokens.filter(({ name }) => !wrong.has(name)), problems: shown };
}

/** The table with nothing in `may` and `pools` that could be a token, and would stand in a problem's text. */
function withoutTokens(table: unknown): unknown {
  if (typeof table !== "object" || table === null || Array.isArray(table)) return table;
  const { may, pools } = table as { may?: unknown; pools?: unknown };
  return {
    ...table,
    ...(may === undefined ? {} : { may: listWithoutTokens(may) }),
    ...(pools === undefined ? {} : { pools: listWithoutTokens(pools, isName) }),
  };
}

/** `isRight`: what no problem is about. */
function listWithoutTokens(list: unknown, isRight: (text: string) => boolean = () => false): unknown {
  if (!Array.isArray(list)) return shownValue(list);
  return list.map((one) => (typeof one === "string" && isRight(one) ? one : shownValue(one)));
}

function shownValue(given: unknown): unknown {
  const text = typeof given === "string" ? given : inspect(given);
  return text.length < SHORTEST_TOKEN ? given : unlessToken(text);
}

function shownStep(step: PropertyKey): PropertyKey {
  return typeof step === "string" ? unlessToken(step) : step;
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
  return isName(name) ? null : `${inspect(nameUnlessToken(name))} is not a name; allowed: ${NAME_ALLOWED}`;
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
          text: `is that of ${nameUnlessToken(owner)}; allowed: another token`,
        });
    }
  }
  return problems;
}
