import type { Context, MiddlewareHandler } from "hono";
import type { Right } from "../config/rights.ts";
import type { Act } from "../link/act.ts";
import { Refusal } from "../refusals/refusal.ts";
import { may, maySomewhere, type Operator } from "./operator.ts";
import type { AdminEnv } from "./sign-in/admin-env.ts";

/** In characters. */
const LONGEST_AGENT = 100;

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
    const operator = c.get("operator");
    const pool = c.req.param("pool") ?? null;
    const isAllowed = pool === null ? maySomewhere(operator, right) : may(operator, right, pool);
    if (!isAllowed) throw new Forbidden(operator, right, pool);
    await next();
  };
}

/** Who does what a request asks for, for the pool's object. */
export function actOf(c: Context<AdminEnv>): Act {
  const { name, via } = c.get("operator");
  const agent = c.req.header("user-agent")?.slice(0, LONGEST_AGENT) ?? null;
  return { id: crypto.randomUUID(), by: name, via, address: c.req.header("cf-connecting-ip") ?? null, agent };
}
