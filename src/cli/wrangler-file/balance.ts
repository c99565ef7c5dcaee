/** Keys that decide which server gets a request, where they have no effect or leave none. */
import type { PoolConfig } from "../../config/types.ts";
import { poolPath } from "./pools.ts";
import type { Target } from "./target.ts";

export function checkBalance(target: Target, pools: readonly PoolConfig[]): void {
  for (const { name, servers, balance, slowStartMs } of pools) {
    const path = poolPath(target, name);
    if (servers.length > 0 && servers.every(({ weight }) => weight === 0)) {
      const message =
        "with weight 0 none of them gets a request, and all wait until an operator gives one a weight";
      target.warn([...path, "servers"], message);
    }
    if (balance === "first" && slowStartMs > 0) {
      target.warn([...path, "slow_start"], 'has no effect: balance = "first" takes no weights');
    }
  }
}
