import type { Context, Next } from "hono";
import { adminHostProblem, readAdminHost, tokenProblem } from "../config/admin.ts";
import type { Env } from "../link/env.ts";
import { Refusal } from "../refusals/refusal.ts";
import { WrongTokens } from "./wrong-tokens.ts";

const wrongTokens = new WrongTokens();

/** Lets through who shows the admin token: as a bearer, or as the password of Basic (browsers). */
export async function authenticate(c: Context<{ Bindings: Env }>, next: Next): Promise<void> {
  const token = tokenOf(c.env);
  const given = credentials(c.req.header("authorization") ?? "");
  const right = given !== null && (await sameSecret(given, token));
  if (given !== null && !right) await pause(wrongTokens.pauseMs(Date.now()));
  if (!right) throw new Refusal("unauthorized", "Send `Authorization: Bearer <ADMIN_TOKEN>`.");
  await next();
}

function tokenOf({ ADMIN_TOKEN: token }: Env): string {
  const problem = token ? tokenProblem(token) : "No ADMIN_TOKEN is set";
  if (token && problem === null) return token;
  throw new Refusal("admin-disabled", `${problem}: set one with \`wrangler secret put ADMIN_TOKEN\`.`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** With an ADMIN_HOST that no request can have, the admin side is closed on every host; see index.ts. */
export async function refuseUnlessFound(c: Context<{ Bindings: Env }>, next: Next): Promise<void> {
  const host = c.env.ADMIN_HOST;
  if (host !== undefined && readAdminHost(host) === undefined) {
    throw new Refusal("misconfigured", `ADMIN_HOST: ${adminHostProblem(host)}`);
  }
  await next();
}

/**
 * Turns away what another site makes a signed-in browser send: unlike a bearer token, the browser adds Basic
 * credentials by itself. Programs send neither `Sec-Fetch-Site` nor `Origin`.
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

/** Over plain HTTP, and in older browsers, there is no `Sec-Fetch-Site`; an `Origin` comes with every change. */
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

/** Compares digests, which have one length, so that the time tells nothing of the secret, nor of its length. */
async function sameSecret(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([digest(a), digest(b)]);
  return crypto.subtle.timingSafeEqual(left, right);
}

function digest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}
