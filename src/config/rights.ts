/** What operators may do. */
import * as z from "zod/mini";
import { errorOption, oneOf } from "./fields.ts";
import { poolName } from "./names.ts";

/**
 * look      everything that shows: snapshots, events, metrics, lists, the audit, the dashboard
 * drain     drain or stop a pool, and resume what one has drained or stopped oneself
 * servers   change a server's state, slots or weight
 * register  have a server come, by itself, and go again
 * slots     free a slot by hand, or have requests cut off
 * deferred  cancel a deferred request, or try one again
 * force     end a drain or a stop that is somebody else's
 */
export const RIGHTS = ["look", "drain", "servers", "register", "slots", "deferred", "force"] as const;

export type Right = (typeof RIGHTS)[number];

/** In place of a list, all of them. */
export const ALL = "*";

/** What somebody may do, and in which pools; `pools: null`: in all of them. */
export interface Grant {
  may: ReadonlySet<Right>;
  pools: ReadonlySet<string> | null;
}

export const EVERYTHING: Grant = { may: new Set(RIGHTS), pools: null };

/** The key `may`. */
export function rights() {
  const onError = errorOption("is not a list of rights", `a list of ${RIGHTS.join(", ")}; or ["${ALL}"]`);
  const listed = z.array(oneOf([...RIGHTS, ALL]), onError).check(z.minLength(1, onError));
  return z.pipe(
    listed,
    z.transform((given): ReadonlySet<Right> => new Set(given.flatMap((one) => (one === ALL ? RIGHTS : one)))),
  );
}

/** The key `pools`. Absent, the rights are for all pools. */
export function poolsOfRights() {
  const onError = errorOption("is not a list of pools", 'a list like ["web"]; without it, all pools');
  const listed = z.array(poolName(), onError).check(z.minLength(1, onError));
  return z.optional(
    z.pipe(
      listed,
      z.transform((given): ReadonlySet<string> => new Set(given)),
    ),
  );
}
