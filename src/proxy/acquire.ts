import type { PoolConfig } from "../config/types.ts";
import type { Env } from "../pool/env.ts";
import type { AcquireRequest, Done, Granted, NotGranted, Place } from "../pool/protocol.ts";
import { backoffMs, isOverloaded, poolStub } from "../pool/stub.ts";
import { Refusal, type RefusalCode } from "../refusals/refusal.ts";
import { ClientLeft } from "./client-left.ts";
import { putBackUntold, takeUntold } from "./done.ts";
import { HeldLease } from "./held-lease.ts";

/** How long a pool that never answered is asked, before a request that has no place yet is refused. */
const UNREACHABLE_MS = 10_000;

const DETAILS = {
  "queue-full": "As many requests as allowed are waiting already. Try again later.",
  "queue-timeout": "The request waited as long as allowed, and no server became free.",
  "no-server": "Every server is down or in maintenance. Try again later.",
  "pool-unavailable": "The pool cannot be reached at the moment. Try again later.",
} as const satisfies Partial<Record<RefusalCode, string>>;

/** What a request can claim when it asks for a slot, kept over all of its attempts. */
export interface Claim {
  /** When it first asked. */
  since: number;
  /** Its place in the order, once it is known. */
  seq?: number;
  /** This is a further attempt; `avoid` names the server that failed the last one. */
  retry?: { avoid: string | null };
}

/**
 * Waits for a slot, through restarts of the pool's object: the ticket then asks a new stub and keeps its
 * place. Rejects with a `Refusal`, or with `ClientLeft` once `signal` says so.
 *
 * The caller runs this under `waitUntil`, so that a lease granted just when the client left is not lost on
 * the way but handed back unused.
 */
export async function acquireLease(
  env: Env,
  pool: PoolConfig,
  signal: AbortSignal,
  claim: Claim,
): Promise<HeldLease> {
  const { since, ...known } = claim;
  const ticket: AcquireRequest = { id: crypto.randomUUID(), ...known, waitedMs: Date.now() - since };
  let place: Rpc.Stub<Place> | null = null;
  let untold: Done[] = [];
  // What has restarted has forgotten the ticket anyway.
  const leave = () => void (place ? place.leave() : poolStub(env, pool).leave(ticket.id)).catch(() => {});
  const turnAt = (queued: { place: Rpc.Stub<Place>; seq: number }): Promise<Granted | NotGranted> => {
    place = queued.place;
    ticket.seq = queued.seq;
    claim.seq = queued.seq;
    if (signal.aborted) leave();
    return place.turn();
  };
  signal.addEventListener("abort", leave);
  try {
    for (let attempt = 1; ; attempt++) {
      if (signal.aborted) throw new ClientLeft();
      try {
        untold.push(...takeUntold(pool.name));
        // Not before the pause: by this the pool puts those in order who had no place yet.
        ticket.waitedMs = Date.now() - since;
        const entered = await poolStub(env, pool).enter({ ...ticket, done: untold });
        untold = [];
        const answer = entered.granted || entered.code !== "queued" ? entered : await turnAt(entered);
        if (!answer.granted) {
          if (answer.code === "left") throw new ClientLeft();
          throw new Refusal(answer.code, DETAILS[answer.code], pool.name);
        }
        if (answer.seq !== null) claim.seq = answer.seq;
        const lease = new HeldLease(env, pool, ticket.id, answer);
        if (!signal.aborted) return lease;
        await lease.end("unused");
        throw new ClientLeft();
      } catch (error) {
        if (error instanceof Refusal || error instanceof ClientLeft) throw error;
        place = null;
        refuseIfHopeless(error, { ...ticket, waitedMs: Date.now() - since }, pool);
        await scheduler.wait(backoffMs(attempt));
      }
    }
  } finally {
    putBackUntold(pool.name, untold);
    signal.removeEventListener("abort", leave);
    (place as Rpc.Stub<Place> | null)?.[Symbol.dispose]();
  }
}

/** A request with a place waits for its pool as long as it would wait for a slot; one without does not. */
function refuseIfHopeless(error: unknown, ticket: AcquireRequest, pool: PoolConfig): void {
  const hasPlace = ticket.seq !== undefined;
  const late = (ticket.waitedMs ?? 0) >= (hasPlace ? pool.queueTimeoutMs : UNREACHABLE_MS);
  if (!late && !isOverloaded(error)) return;
  console.error(JSON.stringify({ pool: pool.name, error: String(error) }));
  if (late && hasPlace) throw new Refusal("queue-timeout", DETAILS["queue-timeout"], pool.name);
  throw new Refusal("pool-unavailable", DETAILS["pool-unavailable"], pool.name);
}
