import type { PoolConfig } from "../config/types.ts";
import { hashOf } from "../scheduler/terms/hash.ts";
import { partOf } from "./request-part.ts";
import type { RequestTarget } from "./target.ts";

/**
 * Returns the key by which the pool's `balance` sends requests to the same server; `null`: it does not, or the request
 * does not have what is hashed, or has it empty. It is a hash, so that neither pool, ledger nor log has the value.
 */
export function hashKeyOf(
  { balance }: Pick<PoolConfig, "balance">,
  headers: Headers,
  target: Pick<RequestTarget, "path" | "pathAndQuery">,
): number | null {
  if (typeof balance === "string") return null;
  const value = partOf(balance, headers, target);
  return value ? hashOf(value) : null;
}
