import { adminHostProblem, readAdminHost } from "../../config/admin.ts";
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
  if (host === undefined || readAdminHost(host) !== undefined) return;
  target.error(["vars", "ADMIN_HOST"], adminHostProblem(host));
}
