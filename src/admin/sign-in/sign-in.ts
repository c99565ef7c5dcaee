import type { Context, Next } from "hono";
import {
  adminHostProblem,
  readAdminHost,
  readSignIn,
  type SignIn,
  whyAdminIsOff,
} from "../../config/admin.ts";
import { SHORTEST_TOKEN } from "../../config/perhaps-token.ts";
import type { Env } from "../../link/env.ts";
import { logError } from "../../link/log.ts";
import { Refusal } from "../../refusals/refusal.ts";
import type { Operator } from "../operator.ts";
import { signedInByAccess } from "./access.ts";
import type { AdminEnv } from "./admin-env.ts";
import { credentialsIn, holderOf } from "./tokens.ts";
import { WrongTokens } from "./wrong-tokens.ts";

const wrongTokens = new WrongTokens();
const HOW_TO_OPEN =
  `An ADMIN_TOKEN of ${SHORTEST_TOKEN} characters or more opens the admin side: set it with ` +
  "`wrangler secret put ADMIN_TOKEN`, or for `sluice serve` in .dev.vars or its environment.";
/** Each isolate tells of the same mistake once, and not with each request. */
let lastProblems = "";

export class Unauthorized extends Refusal {
  /** With Access, browsers are not to ask for a password. */
  readonly challenge: string;

  constructor({ access }: SignIn) {
    const how = access ? "Sign in by Cloudflare Access, or send" : "Send";
    super("unauthorized", `${how} \`Authorization: Bearer <token>\`.`);
    this.challenge = access ? 'Bearer realm="Sluice"' : 'Basic realm="Sluice", charset="UTF-8"';
  }
}

/** Requires that somebody has signed in. */
export async function authenticate(c: Context<AdminEnv>, next: Next): Promise<void> {
  c.set("operator", await signedIn(c.env, c.req.raw.headers, accessOf(c)));
  await next();
}

/** Who sends a request with these headers; a token goes before what Cloudflare Access says. Throws a `Refusal`. */
export async function signedIn(
  env: Env,
  headers: Headers,
  access?: CloudflareAccessContext,
): Promise<Operator> {
  const signIn = waysOf(env);
  const credentials = credentialsIn(headers.get("authorization") ?? "");
  const holder = credentials && (await holderOf(credentials, signIn));
  const operator = holder ?? (signIn.access && (await signedInByAccess(signIn.access, headers, access)));
  if (operator) return operator;
  if (credentials) await pause(wrongTokens.pauseMs(Date.now()));
  throw new Unauthorized(signIn);
}

/** What the platform says of the request, if the Worker is behind Access; Hono's own type does not have it. */
function accessOf(c: Context<AdminEnv>): CloudflareAccessContext | undefined {
  try {
    return (c.executionCtx as ExecutionContext).access;
  } catch {
    // Hono throws where there is no context.
    return undefined;
  }
}

function waysOf(env: Env): SignIn {
  const signIn = readSignIn(env);
  const problems = signIn.problems.join("\n");
  if (problems !== "" && problems !== lastProblems) logError(problems, {});
  lastProblems = problems;
  const why = whyAdminIsOff(signIn);
  if (why === null) return signIn;
  const isAll = problems === "" || problems === why;
  const details = isAll ? "" : " The log has the details.";
  throw new Refusal("admin-disabled", `${why}, so nobody can sign in.${details} ${HOW_TO_OPEN}`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Explains an ADMIN_HOST that no request can have. src/index.ts then opens the admin side on every host for that. */
export async function refuseBadHost(c: Context<AdminEnv>, next: Next): Promise<void> {
  const host = c.env.ADMIN_HOST;
  if (host !== undefined && readAdminHost(host) === undefined) {
    throw new Refusal("misconfigured", `ADMIN_HOST: ${adminHostProblem(host)}`);
  }
  await next();
}
