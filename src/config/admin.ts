/** Checks of the admin side's variables, for the Worker and for `sluice check`. */
import { readHost } from "./hosts.ts";
import { inspect } from "./problem.ts";

/** Anybody on the internet can guess at the token, and nothing else protects the admin side. */
const SHORTEST_TOKEN = 16;

/** The error in ADMIN_TOKEN, without quoting it; `null`: none. */
export function tokenProblem(token: string): string | null {
  if (token.length >= SHORTEST_TOKEN) return null;
  return `ADMIN_TOKEN has fewer than ${SHORTEST_TOKEN} characters`;
}

/** Why the admin side is off; `null`: it is on. */
export function whyAdminIsOff(token: string | undefined): string | null {
  return token ? tokenProblem(token) : "No ADMIN_TOKEN is set";
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
