/** Pools in which servers register, where that may not be what was meant. */
import { inspect } from "../../config/problem.ts";
import type { PoolConfig } from "../../config/types.ts";
import { sectionOf } from "./bindings.ts";
import { poolPath } from "./pools.ts";
import type { Target } from "./target.ts";

export function checkRegister(target: Target, pools: readonly PoolConfig[]): void {
  for (const { name, register, headers, check } of pools) {
    if (register === null) continue;
    const path = [...poolPath(target, name), "register"];
    const secrets = headers.flatMap(([, value]) => (typeof value === "string" ? [] : value.secret));
    if (register.urls.includes("*") && register.binding === null && secrets.length > 0) {
      const named = secrets.map((secret) => inspect(secret)).join(", ");
      target.warn(
        [...path, "urls"],
        `"*" lets any origin register, and sends it the secret ${named} of \`headers\`: name the origins`,
      );
    }
    if (register.binding !== null && sectionOf(target, register.binding) === "vpc_services") {
      target.warn(
        [...path, "binding"],
        `${inspect(register.binding)} is one VPC service, so one server whatever registers: take a VPC network`,
      );
    }
    if (check === null) {
      target.warn(
        path,
        "the pool has no `check`: a server that registers gets requests at once, though it may still be starting, and one that " +
          "fails until its time is up",
      );
    }
  }
}
