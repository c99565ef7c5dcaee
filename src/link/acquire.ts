import type { Failure } from "../carry/retry.ts";
import type { PoolConfig } from "../config/types.ts";
import { Refusal, type RefusalCode } from "../refusals/refusal.ts";
import { ClientLeft } from "./client-left.ts";
import { takeUntold, tellAll } from "./endings.ts";
import type { Env } from "./env.ts";
import { HeldLease } from "./held-lease.ts";
import type { AcquireRequest, Done, Granted, NotGranted, Place } from "./protocol.ts";
import { isOverloaded, poolStub, ticketBackoffMs } from "./reach.ts";
import { untilTold } from "./until-told.ts";

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
  /** How long it has waited for slots, in ms; what servers spent on it does not count. */
  waitedMs: number;
  /** Its place in the order, once it is known. */
  seq?: number;
  /** This is a further attempt: the last one's lease, which ends here, and until when its server is left alone. */
  failed?: { lease: HeldLease; failure: Failure; restsUntil: number };
}

/** Whom a slot is for. */
export interface Applicant {
  pool: PoolConfig;
  request: { signal: AbortSignal };
  /** Takes work that the client does not wait for, and that goes on when it has left. */
  later: (work: Promise<unknown>) => void;
}

/**
 * Waits for a slot, through restarts of the pool's object: the ticket then asks a new stub and keeps its
 * place. Rejects with a `Refusal`, or with `ClientLeft` once the client has.
 *
 * The caller runs this under `waitUntil`, so that a lease granted just when the client left is not lost on
 * the way but handed back unused.
 */
export async function acquireLease(env: Env, applicant: Applicant, claim: Claim): Promise<HeldLease> {
  const { pool, request, later } = applicant;
  const { signal } = request;
  const id = crypto.randomUUID();
  const waited = stopwatch(claim.waitedMs);
  let place: Rpc.Stub<Place> | null = null;
  let untold: Done[] = [];
  let failed = claim.failed ?? null;
  /** The pool was asked, and what it said got lost: that may have been a slot. */
  let unheard = false;
  // What has restarted has forgotten the ticket anyway.
  const leave = () => void (place ? place.leave() : poolStub(env, pool).leave(id)).catch(() => {});
  const turnAt = (queued: { place: Rpc.Stub<Place>; seq: number }): Promise<Granted | NotGranted> => {
    place = queued.place;
    claim.seq = queued.seq;
    if (signal.aborted) leave();
    return place.turn();
  };
  const endFailed = (stub?: ReturnType<typeof poolStub>) => {
    if (failed) later(failed.lease.fail(failed.failure, stub));
    failed = null;
  };
  signal.addEventListener("abort", leave);
  try {
    for (let attempt = 1, pausedMs = 0; ; attempt++) {
      if (signal.aborted) throw new ClientLeft();
      claim.waitedMs = waited();
      try {
        untold.push(...takeUntold(pool.name));
        const stub = poolStub(env, pool);
        const entering = stub.enter({ id, pausedMs, ...claimed(claim, pool), done: untold });
        // On the same stub, and so behind: the slot that comes free by it finds the request on the list again.
        endFailed(stub);
        const entered = await entering;
        // It was reached: what comes now is another outage.
        attempt = 0;
        untold = [];
        const answer = entered.granted || entered.code !== "queued" ? entered : await turnAt(entered);
        unheard = false;
        if (!answer.granted) {
          if (answer.code === "left") throw new ClientLeft();
          throw new Refusal(answer.code, DETAILS[answer.code], pool.name);
        }
        if (answer.seq !== null) claim.seq = answer.seq;
        const lease = new HeldLease(env, pool, id, answer);
        if (!signal.aborted) return lease;
        later(lease.end("unused"));
        throw new ClientLeft();
      } catch (error) {
        if (error instanceof Refusal || error instanceof ClientLeft) throw error;
        place = null;
        // What is overloaded has not even listened.
        if (!isOverloaded(error)) unheard = true;
        claim.waitedMs = waited();
        refuseIfHopeless(error, claim, pool);
        pausedMs = ticketBackoffMs(attempt);
        await scheduler.wait(pausedMs);
      }
    }
  } finally {
    claim.waitedMs = waited();
    endFailed();
    if (unheard) later(giveBack(env, pool, id));
    if (untold.length > 0) later(tellAll(env, pool, untold));
    signal.removeEventListener("abort", leave);
    (place as Rpc.Stub<Place> | null)?.[Symbol.dispose]();
  }
}

function stopwatch(startMs: number): () => number {
  const startedAt = Date.now();
  return () => startMs + Date.now() - startedAt;
}

function claimed({ failed, ...known }: Claim, pool: PoolConfig): Omit<AcquireRequest, "id"> {
  if (!failed) return known;
  const server = failed.lease.server.name;
  const rest = { server, ms: Math.max(0, failed.restsUntil - Date.now()) };
  return { ...known, retry: { avoid: pool.redispatch ? server : null, rest } };
}

/** Whatever the pool made of the ticket: it waits no more, and nothing was sent to a server. */
function giveBack(env: Env, pool: PoolConfig, id: string): Promise<void> {
  return untilTold(pool.name, [id], async () => {
    const stub = poolStub(env, pool);
    await Promise.all([stub.leave(id), stub.end(id, "unused")]);
  });
}

/** A request with a place waits for its pool as long as it would wait for a slot; one without does not. */
function refuseIfHopeless(error: unknown, { seq, waitedMs }: Claim, pool: PoolConfig): void {
  const hasPlace = seq !== undefined;
  const late = waitedMs >= (hasPlace ? pool.queueTimeoutMs : UNREACHABLE_MS);
  if (!late && !isOverloaded(error)) return;
  console.error(JSON.stringify({ pool: pool.name, error: String(error) }));
  if (late && hasPlace) throw new Refusal("queue-timeout", DETAILS["queue-timeout"], pool.name);
  throw new Refusal("pool-unavailable", DETAILS["pool-unavailable"], pool.name);
}
