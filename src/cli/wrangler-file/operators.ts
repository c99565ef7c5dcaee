/** The variables by which operators sign in, and what they say of pools. */
import { ACCESS, readAccess } from "../../config/access.ts";
import { ADMIN_TOKENS, readAdminTokens } from "../../config/admin-tokens.ts";
import { nearest } from "../../config/did-you-mean.ts";
import { nameUnlessToken } from "../../config/perhaps-token.ts";
import { inspect, type Problem } from "../../config/problem.ts";
import type { Grant } from "../../config/rights.ts";
import { poolNamesIn } from "./pools.ts";
import type { Target } from "./target.ts";
import type { Path } from "./tree.ts";

export function checkOperators(target: Target): void {
  checkTokens(target);
  checkAccess(target);
}

/** Digests give nothing away, so that they may be a variable as well as a secret. */
function checkTokens(target: Target): void {
  const given = target.own("vars", ADMIN_TOKENS);
  if (given === undefined || given === "") return;
  const { tokens, problems } = readAdminTokens(given);
  reportProblems(target, problems);
  for (const { name, grant } of tokens)
    warnOfPools(target, [ADMIN_TOKENS, nameUnlessToken(name), "pools"], grant);
  if (problems.length > 0) return;
  target.note(
    ["vars", ADMIN_TOKENS],
    "has digests and no tokens, so that it may stand here; a secret is the place for it, as that is changed without a " +
      `deploy: \`wrangler secret put ${ADMIN_TOKENS} < admin-tokens.json\``,
  );
}

function checkAccess(target: Target): void {
  const given = target.own("vars", ACCESS);
  if (given === undefined || given === "") return;
  const { access, problems } = readAccess(given);
  reportProblems(target, problems);
  for (const [index, { grant }] of (access?.people ?? []).entries())
    warnOfPools(target, [ACCESS, "people", index, "pools"], grant);
}

function reportProblems(target: Target, problems: readonly Problem[]): void {
  for (const { path, text } of problems)
    target.error(["vars", ...path.map((step) => (typeof step === "symbol" ? String(step) : step))], text);
}

function warnOfPools(target: Target, path: Path, grant: Grant): void {
  const pools = poolNamesIn(target);
  // An environment without any has another problem.
  if (pools.size === 0) return;
  for (const text of noSuchPools(grant, pools)) target.warn(["vars", ...path], text);
}

/** What there is to say of pools that a grant names and nobody has configured. */
export function noSuchPools({ pools }: Pick<Grant, "pools">, configured: ReadonlySet<string>): string[] {
  const unknown = [...(pools ?? [])].filter((name) => !configured.has(name));
  return unknown.map((name) => {
    const near = nearest(name, [...configured]);
    const meant = near === undefined ? "" : `; did you mean ${inspect(near)}?`;
    return `${inspect(nameUnlessToken(name))} is no pool of this configuration${meant}`;
  });
}
