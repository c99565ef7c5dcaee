import { readHost } from "../../config/hosts.ts";
import { shown } from "../../config/problem.ts";
import type { Target } from "./target.ts";

/** The variables beside POOLS. */
export function checkVariables(target: Target): void {
  if (target.own("vars", "ADMIN_TOKEN") !== undefined) {
    target.error(
      ["vars", "ADMIN_TOKEN"],
      "is a secret, and here in the clear for all who see this file; take it out, choose a new one and set it with " +
        "`wrangler secret put ADMIN_TOKEN` (in .dev.vars for wrangler dev)",
    );
  }
  const host = target.own("vars", "ADMIN_HOST");
  // Empty is as good as none: index.ts, isAdmin().
  if (host === undefined || host === "" || isRequestHost(host)) return;
  target.error(
    ["vars", "ADMIN_HOST"],
    `${shown(host)} is never the host name of a request, so the admin side is nowhere; ` +
      "allowed: a host name without scheme, port or path, non-ASCII names as xn--…",
  );
}

/** The Worker compares it with the host name in the request's URL, but for upper and lower case. */
function isRequestHost(given: unknown): boolean {
  return typeof given === "string" && readHost(given) === given.toLowerCase();
}
