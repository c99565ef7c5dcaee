import type { Random } from "./random.ts";

export const SERVERS = 6;
export const RETRIES = 3;
export const MAX_QUEUE = 250;
export const QUEUE_TIMEOUT_MS = 4_000;
export const SERVER_TIMEOUT_MS = 1_000;

/** What Sluice presumes of a server; chaos servers keep to it, with room for a busy machine. */
export const QUARANTINE_MAX_MS = 2_000;
export const LONGEST_AFTER_CUT_MS = 1_500;
export const QUARANTINE_BROKEN_MS = 300;
export const LONGEST_AFTER_BREAK_MS = 200;
/** The longest share of the cooldown that a server stays busy after an answer. */
const LONGEST_AFTERGLOW = 0.8;

export const CHECK_TIMEOUT_MS = 300;
export const LONGEST_CHECK_MS = 900;

/** What a crash of the pool at the wrong moment, and a busy machine, may add to a lease. */
const LEASE_ROOM_MS = 2_000;

/** What differs from seed to seed: every combination keeps the same promises. */
export function drawSettings(random: Random) {
  return {
    balance: random.pick(["roundrobin", "leastconn", "first", "random"]),
    when_down: random.pick(["hold", "refuse"]),
    cooldownMs: random.pick([0, 20, 50]),
    probe: random.chance(0.5),
    on_client_abort: random.pick(["finish", "cancel"]),
    redispatch: random.chance(0.7),
    retry_non_idempotent: random.chance(0.3),
    backups: random.pick([0, 0, 1, 3]),
  };
}
export type Settings = ReturnType<typeof drawSettings>;

export const longestAfterglowMs = ({ cooldownMs }: Settings) => LONGEST_AFTERGLOW * cooldownMs;

/** `cancel`: a server whose client left learns of it at once, and its slot is given on at once. */
export const cancels = ({ on_client_abort }: Settings) => on_client_abort === "cancel";

/**
 * How long a slot is taken at most while no Worker is lost: its server is silent before its head and once more before
 * its last byte, and then it is closed for a while.
 */
export function longestLeaseMs({ cooldownMs }: Settings): number {
  return 2 * SERVER_TIMEOUT_MS + Math.max(QUARANTINE_MAX_MS, cooldownMs) + LEASE_ROOM_MS;
}

/** The pool's table in wrangler.toml. */
export function poolTable(
  { probe, cooldownMs, backups: _, ...drawn }: Settings,
  servers: { name: string; url: string; slots: number; backup: boolean }[],
): Record<string, unknown> {
  return {
    ...drawn,
    servers,
    cooldown: `${cooldownMs}ms`,
    max_queue: MAX_QUEUE,
    queue_timeout: `${QUEUE_TIMEOUT_MS}ms`,
    server_timeout: `${SERVER_TIMEOUT_MS}ms`,
    retries: RETRIES,
    check: { path: "/health", interval: "500ms", timeout: `${CHECK_TIMEOUT_MS}ms`, rise: 1, fall: 2 },
    quarantine: {
      max: `${QUARANTINE_MAX_MS}ms`,
      broken: `${QUARANTINE_BROKEN_MS}ms`,
      ...(probe ? { probe: "/idle" } : {}),
    },
  };
}
