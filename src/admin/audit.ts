/** What operators have done, in several pools. */
import type { PoolConfig } from "../config/types.ts";
import type { AuditEntry } from "../link/audit.ts";
import type { Env } from "../link/env.ts";
import { askEach } from "./ask-pool.ts";

export interface AuditList {
  /** Newest first. */
  changes: (AuditEntry & { pool: string })[];
  /** To be given as `before` for those that follow; `null`: there are none. */
  next: string | null;
  /** The names of the pools whose object does not answer. */
  unreachable: string[];
}

/** An entry's place in the list of all pools, which goes by time, then pool, then number. */
export interface Cursor {
  /** In ms since the epoch. */
  at: number;
  id: number;
  pool: string;
}

export async function listAudit(
  env: Env,
  pools: readonly PoolConfig[],
  { limit, before }: { limit: number; before: Cursor | null },
): Promise<AuditList> {
  // One more shows whether any follow.
  const answers = await askEach<AuditEntry[]>(env, pools, (stub, pool) =>
    stub.audit({ limit: limit + 1, before: startOf(pool, before) }),
  );
  const found = answers
    .flatMap(({ name, answer }) => answer?.map((entry) => ({ pool: name, ...entry })) ?? [])
    .sort((a, b) => compare(b.at, a.at) || compare(a.pool, b.pool) || b.id - a.id);
  const changes = found.slice(0, limit);
  const last = changes.at(-1);
  const isMore = last !== undefined && found.length > limit;
  return {
    changes,
    next: isMore ? `${Date.parse(last.at)}-${last.id}-${last.pool}` : null,
    unreachable: answers.flatMap(({ name, answer }) => (answer ? [] : [name])),
  };
}

/** Where the entries of one pool go on; those of the same instant follow if their pool does. */
function startOf(pool: string, before: Cursor | null): { at: number; id: number } | null {
  if (before === null) return null;
  const { at, id } = before;
  if (pool === before.pool) return { at, id };
  return { at, id: pool > before.pool ? Number.MAX_SAFE_INTEGER : 0 };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
