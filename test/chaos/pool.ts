import { type ClientPlan, mayLeave, neverWhole } from "./clients/plan.ts";
import { AHEAD_MS, CLIENT, PLAN } from "./clients/tenants.ts";
import type { Random } from "./random.ts";

/**
 * One pool for each thing that may be done with a request whose client has left; and one in which all is as it has to be for
 * leases to be passed on: no flows, no cooldown, no hash, short requests, and as a rule more of them than slots.
 */
export const POOLS = ["finish", "cancel", "pass"] as const;
export type PoolName = (typeof POOLS)[number];

export const RETRIES = 3;
export const MAX_QUEUE = 250;
export const QUEUE_TIMEOUT_MS = 4_000;
export const SERVER_TIMEOUT_MS = 1_000;
/** Of requests that are stored and have not ended. */
export const MAX_DEFERRED = 60;
export const WEBSOCKET_IDLE_MS = 1_500;
/** Of one request at a server: longer than any takes that ends by itself. */
const LONGEST_MS = 3_000;

/** What Sluice presumes of a server; chaos servers keep to it, with room for a busy machine. */
export const QUARANTINE_MAX_MS = 2_000;
export const LONGEST_AFTER_CUT_MS = 1_500;
export const QUARANTINE_BROKEN_MS = 300;
export const LONGEST_AFTER_BREAK_MS = 200;
/** Without a probe; with one it is longer than any stop, and only the server's word opens the slot sooner. */
const QUARANTINE_CANCEL_MS = 700;
export const [SHORTEST_STOP_MS, LONGEST_STOP_MS] = [50, 400];
/** The longest share of the cooldown that a server stays busy after an answer. */
const LONGEST_AFTERGLOW = 0.8;

/** What the same servers are chosen by, with `hash:header`. */
export const SESSION = "x-session";

/** What a stop says to those whom it refuses. */
export const STOP_MESSAGE = "New disks. Back soon.";
/** What an operator's cut leaves a WebSocket for its closing handshake. */
const CLOSING_MS = 2_000;

export const CHECK_INTERVAL_MS = 500;
export const CHECK_TIMEOUT_MS = 300;
export const LONGEST_CHECK_MS = 900;
export const FALL = 2;

/** How servers say that they are busy for somebody else. */
export const BUSY_ANSWERS = [
  { status: 503, body: "query rejected, already processing\n" },
  { status: 429, body: "one at a time, please\n" },
] as const;
/** The least time that a slot rests after such an answer. */
export const LEAST_REST_MS = 50;

/** What the rest of an answer, or a closing handshake, may take. */
const STALL_ROOM_MS = 1_000;
/** An alarm that comes late: it is one that gives a silent peer up. */
const LATE_ALARM_MS = 250;

/** What a crash of the pool at the wrong moment, and a busy machine, may add to a lease. */
const LEASE_ROOM_MS = 2_000;
/** How long a lease lives of which nobody hears anything: its holder is gone, and nobody knows (docs/architecture.md). */
export const LEASE_TTL_MS = 30_000;
/** How long a lease may be passed on from request to request. */
const PASSED_ON_MS = 10_000;

/** What differs from seed to seed: every combination keeps the same promises. */
export function drawSettings(random: Random, pool: PoolName, without: readonly string[], shards = 1) {
  const balances = random.fork("balance");
  const flows = random.fork("flows");
  // In every run there is a pool that tells clients apart, and in every other one that does not.
  const hasFlows = flows.chance(pool === "cancel" ? 1 : 0.5);
  const drawn = {
    pool,
    on_client_abort: pool === "pass" ? random.fork("abort").pick(["finish", "cancel"]) : pool,
    /** Faults that are left out, to find out which of them it takes. */
    without,
    when_down: random.pick(["hold", "refuse"]),
    cooldownMs: random.pick([0, 20, 50]),
    probe: random.chance(0.5),
    redispatch: random.chance(0.7),
    retry_non_idempotent: random.chance(0.3),
    backups: random.pick([0, 0, 1, 3]),
    clientTimeoutMs: random.pick([800, 1_200]),
    // Every body of a request that may be turned away fits into it: others cannot be sent again.
    bufferKiB: random.pick([128, 256]),
    /** How long a stored request may wait for a slot. */
    expiresMs: random.pick([5_000, 20_000]),
    balance: balances.pick([...WITHOUT_HASH, `hash:header:${SESSION}`, "hash:path"]),
    slowStartMs: balances.pick([0, 0, 1_000, 3_000]),
    flow: hasFlows ? `header:${CLIENT}` : undefined,
    max_queue_per_flow: hasFlows ? flows.pick([undefined, 60]) : undefined,
    max_in_flight_per_flow: hasFlows ? flows.pick([undefined, undefined, 2, 4]) : undefined,
    /** Whether a check takes a slot, or is answered beside the work. */
    checksTakeSlots: balances.chance(0.7),
    servers: 6,
    meanGapMs: 14,
    /** Of requests that are to be stored. More than the servers can do would leave none for those that wait themselves. */
    deferredShare: 0.15,
    /** How long servers work for a request: the shortest and the longest time. */
    workMs: [10, 60] as [number, number],
    /** By how much happenings are further apart than usual, and of how many requests' faults one comes true. */
    calm: 1,
    /** At the beginning, and at most: of how many objects the pool is. */
    shards,
    /** False: no request may be stored. */
    storesRequests: true,
  };
  if (pool === "pass") return { ...drawn, ...PASSING, balance: random.fork("passing").pick(WITHOUT_HASH) };
  // Not both: several objects would carry requests of a flow, and nobody count them.
  if (shards === 1 || drawn.max_in_flight_per_flow === undefined) return drawn;
  return random.fork("shards").chance(0.5)
    ? { ...drawn, storesRequests: false, deferredShare: 0 }
    : { ...drawn, max_in_flight_per_flow: undefined };
}

const WITHOUT_HASH = ["roundrobin", "leastconn", "first", "random"];

/**
 * The objects of stored requests hold leases too, in the isolate that has all objects: few of them, or no other is ever alone.
 * And whatever goes wrong has the pool forbid passing leases on for a while: if that is all the time, none is.
 */
const PASSING = {
  flow: undefined,
  max_queue_per_flow: undefined,
  max_in_flight_per_flow: undefined,
  cooldownMs: 0,
  servers: 3,
  backups: 0,
  meanGapMs: 30,
  deferredShare: 0.01,
  workMs: [10, 50] as [number, number],
  calm: 4,
};
export type Settings = ReturnType<typeof drawSettings>;

export const longestAfterglowMs = ({ cooldownMs }: Settings) => LONGEST_AFTERGLOW * cooldownMs;

/** The server learns of a client that leaves by its connection, and stops. */
export const cancels = ({ on_client_abort }: Settings) => on_client_abort === "cancel";

/** How long a server may work on after its connection was closed: not as long as the slot is. */
export function longestAfterCutMs(settings: Settings, client: ClientPlan): number {
  if (neverWhole(client)) return LONGEST_AFTER_BREAK_MS;
  return cancels(settings) && mayLeave(client) ? LONGEST_STOP_MS : LONGEST_AFTER_CUT_MS;
}

/** How long a client that does nothing may keep a server from its next request. */
export function longestStallMs({ clientTimeoutMs }: Settings, { kind }: ClientPlan): number {
  const limitMs = kind === "silent WebSocket" ? WEBSOCKET_IDLE_MS : clientTimeoutMs;
  // While alarms come late, Sluice gives a peer up to twice its limit: it may not be to blame.
  return Math.max(limitMs + STALL_ROOM_MS, 2 * limitMs + LATE_ALARM_MS);
}

/** A lease may go from request to request here, and keeps its id. */
export function passesOn({ flow, cooldownMs, balance }: Settings): boolean {
  return flow === undefined && cooldownMs === 0 && !balance.startsWith("hash");
}

/** All of a client's own requests go to one shard, for the limits that it has. */
export function hasHomes({ shards, max_queue_per_flow, max_in_flight_per_flow }: Settings): boolean {
  return shards > 1 && (max_queue_per_flow !== undefined || max_in_flight_per_flow !== undefined);
}

/** How long a slot is taken at most while no Worker is lost: no request takes longer, and then it is closed for a while. */
export function longestLeaseMs(settings: Settings): number {
  const passedMs = passesOn(settings) ? PASSED_ON_MS : 0;
  return passedMs + LONGEST_MS + CLOSING_MS + longestClosedMs(settings) + LEASE_ROOM_MS;
}

/** The same after its holder was lost, from the moment on at which the pool last heard of it, or began to wait for word. */
export function longestLostMs(settings: Settings): number {
  return LEASE_TTL_MS + longestClosedMs(settings) + LEASE_ROOM_MS;
}

function longestClosedMs(settings: Settings): number {
  return Math.max(QUARANTINE_MAX_MS, settings.cooldownMs, cancels(settings) ? cancelMs(settings) : 0);
}

const cancelMs = ({ probe }: Settings) => (probe ? 2 * QUARANTINE_MAX_MS : QUARANTINE_CANCEL_MS);

/** The pool's table in wrangler.toml. */
export function poolTable(
  settings: Settings,
  servers: { name: string; url: string; slots: number; backup: boolean }[],
  guestUrl: string,
): Record<string, unknown> {
  const {
    probe,
    cooldownMs,
    clientTimeoutMs,
    bufferKiB,
    expiresMs,
    slowStartMs,
    checksTakeSlots,
    pool,
    backups: _,
    without: __,
    servers: ___,
    meanGapMs: ____,
    deferredShare: _____,
    workMs: ______,
    calm: _______,
    storesRequests,
    ...drawn
  } = settings;
  return {
    ...drawn,
    servers,
    register: { urls: [guestUrl] },
    priorities: Object.entries(AHEAD_MS).map(([value, ms]) => ({ header: PLAN, value, ahead: `${ms}ms` })),
    path_prefix: `/${pool}`,
    slow_start: `${slowStartMs}ms`,
    cooldown: `${cooldownMs}ms`,
    max_queue: MAX_QUEUE,
    queue_timeout: `${QUEUE_TIMEOUT_MS}ms`,
    server_timeout: `${SERVER_TIMEOUT_MS}ms`,
    client_timeout: `${clientTimeoutMs}ms`,
    longest: `${LONGEST_MS}ms`,
    websocket_idle: `${WEBSOCKET_IDLE_MS}ms`,
    buffer_request: `${bufferKiB}KiB`,
    buffer_response: `${bufferKiB}KiB`,
    retries: RETRIES,
    ...(storesRequests ? { deferred: { max: MAX_DEFERRED, expires: `${expiresMs}ms`, keep: "1h" } } : {}),
    retry_on: BUSY_ANSWERS.map(({ status, body }) => (status === 503 ? `503 ${body.trim()}` : status)),
    check: {
      path: "/health",
      interval: `${CHECK_INTERVAL_MS}ms`,
      timeout: `${CHECK_TIMEOUT_MS}ms`,
      rise: 1,
      fall: FALL,
      slot: checksTakeSlots,
    },
    quarantine: {
      max: `${QUARANTINE_MAX_MS}ms`,
      broken: `${QUARANTINE_BROKEN_MS}ms`,
      cancel: `${cancelMs(settings)}ms`,
      ...(probe ? { probe: "/idle" } : {}),
    },
  };
}
