import { type Grant, RIGHTS, type Right } from "../config/rights.ts";
import type { SignedInBy } from "../link/act.ts";

/** Somebody who has signed in. */
export interface Operator {
  /** Of their token, of the person (`jane@acme.com`), or HTTP Basic's user name with ADMIN_TOKEN. */
  name: string;
  via: SignedInBy;
  grants: readonly Grant[];
}

export function may({ grants }: Operator, right: Right, pool: string): boolean {
  return grants.some((grant) => grant.may.has(right) && (grant.pools?.has(pool) ?? true));
}

/** True if the operator has the right in some pool, whether or not there is such a pool. */
export function maySomewhere({ grants }: Operator, right: Right): boolean {
  return grants.some((grant) => grant.may.has(right));
}

/** True if the operator has a right that is not for some pools only. */
export function isForAllPools({ grants }: Operator): boolean {
  return grants.some(({ pools }) => pools === null);
}

/** What somebody may do, by pool; without the pools in which that is nothing. */
export interface Me {
  name: string;
  via: SignedInBy;
  pools: Record<string, Right[]>;
}

export function meOf(operator: Operator, pools: readonly string[]): Me {
  const { name, via } = operator;
  const rights = pools.map((pool) => [pool, RIGHTS.filter((right) => may(operator, right, pool))] as const);
  return { name, via, pools: Object.fromEntries(rights.filter(([, all]) => all.length > 0)) };
}
