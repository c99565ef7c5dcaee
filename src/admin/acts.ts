/** One line in the log for each change by an operator, each attempt, and each request for which a right is missing. */
import type { Context } from "hono";
import { routePath } from "hono/route";
import type { Right } from "../config/rights.ts";
import type { PoolConfig } from "../config/types.ts";
import type { Act } from "../link/act.ts";
import { shortened } from "../link/asked.ts";
import { type Asked, AUDIT_ANSWERS, type AuditAnswer } from "../link/audit.ts";
import { deferredAddress } from "../link/deferred-id.ts";
import type { Env } from "../link/env.ts";
import { Refusal } from "../refusals/refusal.ts";
import { reachDeferred } from "../requests/reach-deferred.ts";
import { askBriefly } from "./ask-pool.ts";
import type { AdminEnv } from "./sign-in/admin-env.ts";

/** In characters. */
const LONGEST_AGENT = 100;

/** Who does what a request asks for. */
export function actOf(c: Context<AdminEnv>): Act {
  const { name, via } = c.get("operator");
  const agent = c.req.header("user-agent")?.slice(0, LONGEST_AGENT) ?? null;
  return { id: crypto.randomUUID(), by: name, via, address: c.req.header("cf-connecting-ip") ?? null, agent };
}

/**
 * Resolves as `doing` does, and tells of it. Not once the request is answered: it may wait for a drain, and its client
 * may leave meanwhile. `asked`: `null` for nothing. `answerOf`: what the result says that came of it.
 */
export async function logged<T>(
  doing: Promise<T>,
  answerOf: (result: T) => AuditAnswer,
  { pool, asked, act }: { pool: PoolConfig; asked: Asked | null; act: Act },
): Promise<T> {
  const tell = (answer: string) => asked && log(act, { pool: pool.name, ...asked, answer });
  return doing.then(
    (result) => {
      tell(answerOf(result));
      return result;
    },
    (error) => {
      tell(error instanceof Refusal ? error.code : "internal-error");
      throw error;
    },
  );
}

/** The same for a deferred request, whose own object does it: the pool's audit is told afterwards. */
export async function loggedOfDeferred<T>(
  env: Env,
  id: string,
  doing: () => Promise<T>,
  { pool, asked, act }: { pool: PoolConfig; asked: Asked; act: Act },
): Promise<T> {
  const known = { ...asked };
  const tellPool = async (answer: string) => {
    const told = AUDIT_ANSWERS.find((one) => one === answer);
    // The request is done with. An error is in the log already.
    if (told) await askBriefly(env, pool, (stub) => stub.auditDeferred(known, told, act)).catch(() => {});
  };
  const done = async () => {
    const number = await numberOf(env, id, pool);
    if (number !== null) known.number = number;
    return doing();
  };
  try {
    const result = await logged(done(), () => "done", { pool, asked: known, act });
    await tellPool("done");
    return result;
  } catch (error) {
    if (error instanceof Refusal) await tellPool(error.code);
    throw error;
  }
}

/** A right is missing, or another site made a browser send the request: no pool hears of it. */
export function logForbidden(c: Context<AdminEnv>, about: { pool?: string; right?: Right } = {}): void {
  const { pool, ...rest } = about;
  // Not the path, in which may be a deferred request's id.
  const route = `${c.req.method} ${routePath(c, -1)}`;
  const named = pool === undefined ? {} : { pool: shortened(pool) };
  log(actOf(c), { ...named, route, ...rest, answer: "forbidden" });
}

/** A deferred request's number on the operator's list; `null`: unknown. */
async function numberOf(env: Env, id: string, { name }: PoolConfig): Promise<number | null> {
  const address = deferredAddress(env, id);
  return address && reachDeferred(env, address, (stub) => stub.numberOf(address.secret, name));
}

function log({ by, via, address, agent }: Act, about: Record<string, unknown>): void {
  const at = new Date().toISOString();
  console.log(JSON.stringify({ audit: { at, by, via, address, agent, ...about } }));
}
