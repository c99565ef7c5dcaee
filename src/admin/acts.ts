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
/** Of an IPv6 address with an IPv4 one in it. Where no platform says who the client is, it may say anything. */
const LONGEST_ADDRESS = 45;

/** Who does what a request asks for. */
export function actOf(c: Context<AdminEnv>): Act {
  const { name, via } = c.get("operator");
  const agent = c.req.header("user-agent")?.slice(0, LONGEST_AGENT) ?? null;
  const address = c.req.header("cf-connecting-ip")?.slice(0, LONGEST_ADDRESS) ?? null;
  return { id: crypto.randomUUID(), by: name, via, address, agent };
}

/** A change that was asked for; `asked: null`: it is none. */
interface Change {
  pool: PoolConfig;
  asked: Asked | null;
  act: Act;
}

/**
 * Resolves as `doing` does, and logs it: as soon as that is known, since an answer may wait for a drain, and though the
 * client may have left. `answerOf`: what the result says that came of it; `null`: nothing has changed.
 */
export function logged<T>(
  c: Context<AdminEnv>,
  { pool, asked, act }: Change,
  doing: Promise<T>,
  answerOf: (result: T) => AuditAnswer | null,
): Promise<T> {
  const tell = (answer: string) => void (asked && log(act, { pool: pool.name, ...asked, answer }));
  return toItsEnd(c, told(doing, answerOf, tell));
}

/** The same for a deferred request, whose own object does it: the pool's audit is told afterwards. */
export function loggedOfDeferred<T>(
  c: Context<AdminEnv>,
  { pool, asked, act }: Change & { asked: Asked },
  id: string,
  doing: () => Promise<T>,
): Promise<T> {
  const known = { ...asked };
  const done = async () => {
    const number = await numberOf(c.env, id, pool);
    if (number !== null) known.number = number;
    return doing();
  };
  const tellPool = async (answer: string) => {
    const said = AUDIT_ANSWERS.find((one) => one === answer);
    // The request is done with, and the error in the log already.
    if (said) await askBriefly(c.env, pool, (stub) => stub.auditDeferred(known, said, act)).catch(() => {});
  };
  const isDone = () => "done" as const;
  const doingLogged = logged(c, { pool, asked: known, act }, done(), isDone);
  return toItsEnd(c, told(doingLogged, isDone, tellPool));
}

async function told<T>(
  doing: Promise<T>,
  answerOf: (result: T) => AuditAnswer | null,
  tell: (answer: string) => void | Promise<void>,
): Promise<T> {
  let result: T;
  try {
    result = await doing;
  } catch (error) {
    await tell(error instanceof Refusal ? error.code : "internal-error");
    throw error;
  }
  const answer = answerOf(result);
  if (answer !== null) await tell(answer);
  return result;
}

/** The runtime ends an invocation whose client has left, unless something is still to be waited for. */
function toItsEnd<T>(c: Context<AdminEnv>, work: Promise<T>): Promise<T> {
  c.executionCtx.waitUntil(work.catch(() => {}));
  return work;
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
