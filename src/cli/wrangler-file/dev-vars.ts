/** The secrets of `wrangler dev`. */
import { tokenProblem } from "../../config/admin.ts";
import type { Finding } from "./report.ts";

/** Beside wrangler's file. */
export const DEV_VARS = ".dev.vars";

const ADMIN_TOKEN =
  /^[ \t]*(?:export[ \t]+)?ADMIN_TOKEN[ \t]*=[ \t]*(?:"([^"\n]*)"|'([^'\n]*)'|([^#\r\n]*))/m;

/** What the Worker would say of its token. */
export function devVarsFindings(text: string): Finding[] {
  const [whole, double, single, bare = ""] = ADMIN_TOKEN.exec(text) ?? [];
  const problem = whole === undefined ? null : tokenProblem(double ?? single ?? bare.trim());
  if (problem === null) return [];
  const message = `${DEV_VARS}: ${problem}, and the admin side of \`wrangler dev\` stays off`;
  return [{ severity: "warning", line: null, key: null, message, environment: null }];
}
