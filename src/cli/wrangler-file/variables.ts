/** The variables beside POOLS. */
import { adminHostProblem, readAdminHost } from "../../config/admin.ts";
import { checkOperators } from "./operators.ts";
import type { Target } from "./target.ts";

const SECRETS = ["ADMIN_TOKEN", "WEBHOOK_SECRET"];

export function checkVariables(target: Target): void {
  for (const name of SECRETS) {
    if (target.own("vars", name) === undefined) continue;
    target.error(
      ["vars", name],
      "is a secret, and here in the clear for all who see this file; take it out, choose a new one and set it with " +
        `\`wrangler secret put ${name}\` (in .dev.vars for wrangler dev)`,
    );
  }
  checkOperators(target);
  const host = target.own("vars", "ADMIN_HOST");
  if (host === undefined || readAdminHost(host) !== undefined) return;
  target.error(["vars", "ADMIN_HOST"], adminHostProblem(host));
}
