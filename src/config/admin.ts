/** What the Worker and `sluice check` both say of the admin side's variables. */
import { readHost } from "./hosts.ts";
import { shown } from "./problem.ts";

/** A token is all that keeps the admin side shut, and may be guessed at from anywhere: not a word, at least. */
const LEAST_CHARACTERS = 16;

/** What is wrong with ADMIN_TOKEN, without a word of it; `null`: nothing. */
export function tokenProblem(token: string): string | null {
  if (token.length >= LEAST_CHARACTERS) return null;
  return `ADMIN_TOKEN has fewer than ${LEAST_CHARACTERS} characters`;
}

/** ADMIN_HOST as a request's URL has it; `undefined`: no request can come by that name. */
export function readAdminHost(given: unknown): string | undefined {
  const lower = typeof given === "string" ? given.toLowerCase() : "";
  return readHost(lower) === lower ? lower : undefined;
}

export function adminHostProblem(given: unknown): string {
  return (
    `${shown(given)} is never the host name of a request, so the admin side stays closed; ` +
    "allowed: a host name without scheme, port, path or a dot at its end, non-ASCII names as xn--…"
  );
}
