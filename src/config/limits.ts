/**
 * Bounds of a pool's keys, and defaults. The schema goes by them, and so does all that the admin side and the command ask
 * and say.
 */

export const SLOTS = [1, 1000] as const;
export const WEIGHT = [0, 256] as const;
export const MAX_QUEUE = [0, 1_000_000] as const;
export const RETRIES = [0, 100] as const;
/** Of `rise` and `fall`: checks in a row. */
export const ROW = [1, 100] as const;
export const SHORTEST_INTERVAL = "100ms";
export const MOST_SERVERS = 1000;
export const MOST_BUSY_ANSWERS = 32;
export const MOST_FREE_PATHS = 100;
export const MOST_LOG_HEADERS = 32;
export const MOST_PRIORITIES = 32;
/** Of `max_queue_per_flow` and `max_in_flight_per_flow`. */
export const PER_FLOW = [1, 1_000_000] as const;
/** Objects of one pool. */
export const SHARDS = [1, 64] as const;
export const USUAL_SLOTS = 1;
export const USUAL_QUEUE_TIMEOUT = "10m";
