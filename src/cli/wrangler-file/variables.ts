/** The variables beside POOLS, in the file and in .dev.vars. */
import { adminHostProblem, readAdminHost, tokenProblem } from "../../config/admin.ts";
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

/** The secrets of `wrangler dev`, in a file beside wrangler's. */
export const DEV_VARS = ".dev.vars";

const ADMIN_TOKEN =
  /^[ \t]*(?:export[ \t]+)?ADMIN_TOKEN[ \t]*=[ \t]*(?:"([^"\n]*)"|'([^'\n]*)'|([^#\r\n]*))/m;

/** `text`: of .dev.vars. */
export function devVarsFindings(text: string): Finding[] {
  const [whole, double, single, bare = ""] = ADMIN_TOKEN.exec(text) ?? [];
  const problem = whole === undefined ? null : tokenProblem(double ?? single ?? bare.trim());
  if (problem === null) return [];
  const message = `${DEV_VARS}: ${problem}, and the admin side of \`wrangler dev\` stays off`;
  return [{ severity: "warning", line: null, key: null, message, environment: null }];
}
