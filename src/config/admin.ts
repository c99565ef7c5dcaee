/** The admin side's variables and secrets, for the Worker and for `sluice check`. */
import { ACCESS, type AccessConfig, readAccess } from "./access.ts";
import { ADMIN_TOKENS, type NamedToken, readAdminTokens } from "./admin-tokens.ts";
import { readHost } from "./hosts.ts";
import { SHORTEST_TOKEN } from "./perhaps-token.ts";
import { inspect, type Problem, problemLine } from "./problem.ts";

/** The variables and secrets by which operators sign in. */
export interface SignInVars {
  ADMIN_TOKEN?: string | undefined;
  [ADMIN_TOKENS]?: unknown;
  [ACCESS]?: unknown;
}

/** All ways to sign in. */
export interface SignIn {
  /** ADMIN_TOKEN, which may do everything; `null`: not set, or too short. */
  token: string | null;
  tokens: readonly NamedToken[];
  access: AccessConfig | null;
  /** What is wrong with the variables, a line each, without quoting a token. */
  problems: readonly string[];
}

/** What has a problem opens nothing, and the rest goes on: a mistake in a rotation locks nobody else out. */
export function readSignIn({ ADMIN_TOKEN, ADMIN_TOKENS: named, ACCESS: access }: SignInVars): SignIn {
  const tooShort = ADMIN_TOKEN ? tokenProblem(ADMIN_TOKEN) : null;
  const none = { tokens: [], access: null, problems: [] as Problem[] };
  const fromTokens = named === undefined || named === "" ? none : readAdminTokens(named);
  const fromAccess = access === undefined || access === "" ? none : readAccess(access);
  return {
    token: ADMIN_TOKEN && tooShort === null ? ADMIN_TOKEN : null,
    tokens: fromTokens.tokens,
    access: fromAccess.access,
    problems: [
      ...(tooShort === null ? [] : [tooShort]),
      ...[...fromTokens.problems, ...fromAccess.problems].map(problemLine),
    ],
  };
}

/** The error in ADMIN_TOKEN, without quoting it; `null`: none. */
export function tokenProblem(token: string): string | null {
  if (token.length >= SHORTEST_TOKEN) return null;
  return `ADMIN_TOKEN has fewer than ${SHORTEST_TOKEN} characters`;
}

/** Why the admin side is off, for strangers too; `null`: it is on. */
export function whyAdminIsOff(signIn: SignIn): string | null {
  const { token, tokens, access, problems } = signIn;
  if (token !== null || tokens.length > 0 || access !== null) return null;
  const [first] = problems;
  if (first === undefined) return "No ADMIN_TOKEN is set";
  // The other variables' problems name people and pools.
  return first.startsWith("ADMIN_TOKEN ") ? first : `${first.split(/[.:]/, 1)[0]} has an error`;
}

/** ADMIN_HOST, if it is spelt as in the URL of a request; `undefined`: no request can have this host. */
export function readAdminHost(given: unknown): string | undefined {
  const lower = typeof given === "string" ? given.toLowerCase() : "";
  return readHost(lower) === lower ? lower : undefined;
}

export function adminHostProblem(given: unknown): string {
  return (
    `${inspect(given)} is never the host name of a request, so the admin side stays closed; ` +
    "allowed: a host name without scheme, port, path or a dot at its end, non-ASCII names as xn--…"
  );
}
