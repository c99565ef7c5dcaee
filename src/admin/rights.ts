import type { Context, MiddlewareHandler } from "hono";
import type { Right } from "../config/rights.ts";
import { Refusal } from "../refusals/refusal.ts";
import { logForbidden } from "./acts.ts";
import { may, maySomewhere, type Operator } from "./operator.ts";
import type { AdminEnv } from "./sign-in/admin-env.ts";

/** Says which right is missing. */
export class Forbidden extends Refusal {
  readonly right: Right;

  /** `pool: null`: it is missing everywhere. */
  constructor({ name }: Operator, right: Right, pool: string | null) {
    const where = pool === null ? "" : ` for the pool "${pool}"`;
    super("forbidden", `"${name}" does not have the right "${right}"${where}.`, pool);
    this.right = right;
  }
}

/**
 * What a route needs: the right for its pool, or for any pool where the route has none. Stands before everything that
 * looks at the rest of the request. For a pool that is not theirs, operators learn nothing, not even whether it exists.
 */
export function needs(right: Right): MiddlewareHandler<AdminEnv> {
  return async (c, next) => {
    demand(c, right, c.req.param("pool"));
    await next();
  };
}

/** Throws `Forbidden` where the right is missing for the pool; without one, where it is missing everywhere. */
export function demand(c: Context<AdminEnv>, right: Right, pool?: string): void {
  const operator = c.get("operator");
  const isAllowed = pool === undefined ? maySomewhere(operator, right) : may(operator, right, pool);
  if (isAllowed) return;
  logForbidden(c, { right, ...(pool === undefined ? {} : { pool }) });
  throw new Forbidden(operator, right, pool ?? null);
}
