import type { Context, Next } from "hono";
import { Refusal } from "../../refusals/refusal.ts";
import { logForbidden } from "../acts.ts";
import type { AdminEnv } from "./admin-env.ts";

/**
 * Prevents CSRF: a signed-in browser adds its credentials to a request that another site makes it send. Programs send
 * neither `Sec-Fetch-Site` nor `Origin`.
 */
export async function refuseForged(c: Context<AdminEnv>, next: Next): Promise<void> {
  if (c.req.method !== "GET" && isForeign(c)) {
    logForbidden(c);
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
