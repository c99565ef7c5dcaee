import { readPools } from "../../config/parse.ts";
import type { PoolConfig } from "../../config/types.ts";
import { bindingsIn } from "./bindings.ts";
import type { Target } from "./target.ts";

/** Cloudflare's limit for one variable, documented as 5 KB (developers.cloudflare.com/workers/platform/limits). */
const LARGEST_BYTES = 5 * 1024;

/** Reports the same problems as the Worker would. Returns the valid pools. */
export function checkPools(target: Target): PoolConfig[] {
  const given = target.own("vars", "POOLS");
  const { pools, problems } = readPools(given, bindingsIn(target));
  for (const { path, text } of problems) {
    target.error(["vars", ...path.map((step) => (typeof step === "symbol" ? String(step) : step))], text);
  }
  const bytes = new TextEncoder().encode(JSON.stringify(given)).length;
  if (given !== undefined && bytes > LARGEST_BYTES) {
    target.error(
      ["vars", "POOLS"],
      `takes ${bytes} bytes as JSON, and Cloudflare refuses variables of more than ${LARGEST_BYTES}; ` +
        "leave out what is the default anyway, or give some pools a Worker of their own",
    );
  }
  return [...pools.values()];
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
