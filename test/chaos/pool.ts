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

/** What differs from seed to seed: every combination keeps the same promises. */
export function drawSettings(random: Random) {
  return {
    balance: random.pick(["roundrobin", "leastconn", "first", "random"]),
    when_down: random.pick(["hold", "refuse"]),
    cooldown: random.pick(["0s", "20ms"]),
    probe: random.chance(0.5),
  };
}
export type Settings = ReturnType<typeof drawSettings>;

/** The pool's table in wrangler.toml. */
export function poolTable(
  { probe, ...drawn }: Settings,
  servers: { name: string; url: string; slots: number }[],
): Record<string, unknown> {
  return {
    ...drawn,
    servers,
    max_queue: MAX_QUEUE,
    queue_timeout: `${QUEUE_TIMEOUT_MS}ms`,
    server_timeout: `${SERVER_TIMEOUT_MS}ms`,
    retries: RETRIES,
    check: { path: "/health", interval: "500ms", timeout: "300ms", rise: 1, fall: 2 },
    quarantine: {
      max: `${QUARANTINE_MAX_MS}ms`,
      broken: `${QUARANTINE_BROKEN_MS}ms`,
      ...(probe ? { probe: "/idle" } : {}),
    },
  };
}
