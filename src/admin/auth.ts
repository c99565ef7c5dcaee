import type { Context, Next } from "hono";
import { adminHostProblem, readAdminHost, whyAdminIsOff } from "../config/admin.ts";
import type { Env } from "../link/env.ts";
import { Refusal } from "../refusals/refusal.ts";

/** The pause before a wrong token is answered, in ms. */
const PAUSE_MS = 200;
/** A request in its pause takes memory: without a limit, a flood of guesses would take that of proxied requests. */
const LONGEST_MS = 10 * PAUSE_MS;

/**
 * Slows guesses down, and nobody who has the token. Keeps one number; a counter of the requests that pause would be
 * wrong for ever after a client has left in its pause.
 */
export class WrongTokens {
  #nextAt = 0;

  /** The pause, each after the one before; 0 while too many requests pause. */
  pauseMs(now: number): number {
    const endsAt = Math.max(now, this.#nextAt) + PAUSE_MS;
    if (endsAt - now > LONGEST_MS) return 0;
    this.#nextAt = endsAt;
    return endsAt - now;
  }
}

const wrongTokens = new WrongTokens();

/** Requires the admin token, as a bearer token or as the password of HTTP Basic, which browsers send. */
export async function authenticate(c: Context<{ Bindings: Env }>, next: Next): Promise<void> {
  await requireToken(c.env, c.req.header("authorization") ?? "");
  await next();
}

/** The same for what is no route. Throws a `Refusal`. */
export async function requireToken(env: Env, authorization: string): Promise<void> {
  const token = tokenOf(env);
  const given = credentials(authorization);
  const right = given !== null && (await sameSecret(given, token));
  if (given !== null && !right) await pause(wrongTokens.pauseMs(Date.now()));
  if (!right) throw new Refusal("unauthorized", "Send `Authorization: Bearer <ADMIN_TOKEN>`.");
}

function tokenOf({ ADMIN_TOKEN: token }: Env): string {
  const problem = whyAdminIsOff(token);
  if (token && problem === null) return token;
  throw new Refusal(
    "admin-disabled",
    `${problem}: set one with \`wrangler secret put ADMIN_TOKEN\`, or for \`sluice serve\` in .dev.vars or its environment.`,
  );
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Explains an ADMIN_HOST that no request can have. src/index.ts then opens the admin side on every host for that. */
export async function refuseBadHost(c: Context<{ Bindings: Env }>, next: Next): Promise<void> {
  const host = c.env.ADMIN_HOST;
  if (host !== undefined && readAdminHost(host) === undefined) {
    throw new Refusal("misconfigured", `ADMIN_HOST: ${adminHostProblem(host)}`);
  }
  await next();
}

/**
 * Prevents CSRF: a signed-in browser adds its Basic credentials to a request that another site makes it send. Programs
 * send neither `Sec-Fetch-Site` nor `Origin`.
 */
export async function refuseForged(c: Context, next: Next): Promise<void> {
  if (c.req.method !== "GET" && isForeign(c)) {
    throw new Refusal(
      "forbidden",
      "Changes are accepted from the admin side's own pages and from programs only.",
    );
  }
  await next();
}

/** Over plain HTTP a browser sends no `Sec-Fetch-Site`, but with every change an `Origin`. */
function isForeign(c: Context): boolean {
  const site = c.req.header("sec-fetch-site");
  if (site !== undefined) return site !== "same-origin" && site !== "none";
  const origin = c.req.header("origin");
  return origin !== undefined && origin !== new URL(c.req.url).origin;
}

function credentials(header: string): string | null {
  const [, scheme = "", value = ""] = /^(\S+) +(\S+) *$/.exec(header) ?? [];
  if (scheme.toLowerCase() === "bearer") return value;
  if (scheme.toLowerCase() !== "basic") return null;
  try {
    const bytes = Uint8Array.from(atob(value), (char) => char.charCodeAt(0));
    const userAndPassword = new TextDecoder().decode(bytes);
    const colon = userAndPassword.indexOf(":");
    return colon < 0 ? null : userAndPassword.slice(colon + 1);
  } catch {
    return null;
  }
}

/** Compares digests, whose length is constant, so that the duration reveals neither the secret nor its length. */
async function sameSecret(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([digest(a), digest(b)]);
  return crypto.subtle.timingSafeEqual(left, right);
}

function digest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}
