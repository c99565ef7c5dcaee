/** The variables beside POOLS, in the file and in .dev.vars. */
import { adminHostProblem, readAdminHost, tokenProblem } from "../../config/admin.ts";
import { DEV_VARS, readDevVars } from "./dev-vars.ts";
import type { Finding } from "./report.ts";
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
  const host = target.own("vars", "ADMIN_HOST");
  if (host === undefined || readAdminHost(host) !== undefined) return;
  target.error(["vars", "ADMIN_HOST"], adminHostProblem(host));
}

/** `text`: of .dev.vars. */
export function devVarsFindings(text: string): Finding[] {
  const { ADMIN_TOKEN: token } = readDevVars(text);
  const problem = token === undefined ? null : tokenProblem(token);
  if (problem === null) return [];
  const message = `${DEV_VARS}: ${problem}, and the admin side of \`wrangler dev\` stays off`;
  return [{ severity: "warning", line: null, key: null, message, environment: null }];
}
