import { readPools } from "../../config/parse.ts";
import type { PoolConfig } from "../../config/types.ts";
import { FIRST_VARIABLE, holdsPools, poolVariables } from "../../config/variables.ts";
import { bindingsIn } from "./bindings.ts";
import type { Target } from "./target.ts";
import { type Path, tableOf } from "./tree.ts";

/** Cloudflare's limit for one variable or secret, documented as 5 KB (developers.cloudflare.com/workers/platform/limits). */
export const LARGEST_BYTES = 5 * 1024;

/** Reports the same problems as the Worker would. Returns the valid pools. */
export function checkPools(target: Target): PoolConfig[] {
  const vars = tableOf(target.own("vars"));
  const { pools, problems } = readPools(vars, bindingsIn(target));
  for (const { path, text } of problems) {
    target.error(["vars", ...path.map((step) => (typeof step === "symbol" ? String(step) : step))], text);
  }
  for (const variable of poolVariables(vars)) checkSize(target, variable, vars[variable]);
  for (const name of Object.keys(vars)) warnOfAnotherName(target, name);
  return [...pools.values()];
}

function checkSize(target: Target, variable: string, given: unknown): void {
  if (given === undefined) return;
  const bytes = new TextEncoder().encode(JSON.stringify(given)).length;
  if (bytes <= LARGEST_BYTES) return;
  target.error(
    ["vars", variable],
    `takes ${bytes} bytes as JSON, and Cloudflare refuses variables of more than ${LARGEST_BYTES}; ` +
      "leave out what is the default anyway, or move some pools to another variable, such as [vars.POOLS_2.web]",
  );
}

/** The Worker does not read it, and answers with 404 what its pools should serve. */
function warnOfAnotherName(target: Target, variable: string): void {
  if (!/^POOLS./.test(variable) || holdsPools(variable)) return;
  target.warn(
    ["vars", variable],
    "is not read: pools are in POOLS, and in further variables that are called POOLS_2, POOLS_3 and so on",
  );
}

/** Where the pool is written, or would be. */
export function poolPath(target: Target, name: string): Path {
  const variables = poolVariables(tableOf(target.own("vars")));
  const variable = variables.find((one) => target.own("vars", one, name) !== undefined);
  return ["vars", variable ?? FIRST_VARIABLE, name];
}

/** As they are written, whether or not their tables are right. */
export function poolNamesIn(target: Target): Set<string> {
  const vars = tableOf(target.own("vars"));
  return new Set(poolVariables(vars).flatMap((variable) => Object.keys(tableOf(vars[variable]))));
}

export function hasPools(target: Target): boolean {
  return Object.keys(tableOf(target.own("vars"))).some(holdsPools);
}

/** For an environment, or the top level, without pools, if others have some. */
export function warnOfNoPools(target: Target): void {
  const { environment } = target;
  const [why, command] =
    environment === null
      ? ["though environments have it", "wrangler deploy"]
      : ["and environments do not inherit it", `wrangler deploy --env ${environment}`];
  target.warn(
    ["vars", "POOLS"],
    `missing, ${why}: after \`${command}\` every request is answered with 500 "misconfigured"`,
  );
}
