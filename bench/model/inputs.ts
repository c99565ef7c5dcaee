/** What the model is computed from. All documented by others but where it says so; sources in model.md. */

/** Round trips in ms between two places of a network. */
export const ROUND_TRIP_MS = {
  /** Of one city: "single-digit" with placement, by Cloudflare's word. */
  near: 3,
  /** Of one continent. */
  continent: 30,
  /** Of two. */
  ocean: 90,
} as const;
export type Distance = keyof typeof ROUND_TRIP_MS;

/** Until three of five followers in other data centres near by have a write. Not documented: our assumption. */
export const COMMIT_MS = 6;

/** Of Worker and object together, in ms, between a server's last byte and the next request. Our assumption. */
export const COMPUTE_MS = 2;

/** Requests a second of one object: Cloudflare's soft limit, and what its guide gives for those that also write. */
export const OBJECT = { softLimit: 1000, planned: 350 } as const;

/** Dollars a million, beyond what the paid plan includes. */
export const PRICES = {
  workerRequests: 0.3,
  workerCpuMs: 0.02,
  objectRequests: 0.15,
  rowsWritten: 1,
  gigabyteSeconds: 12.5,
} as const;

/**
 * What one proxied request takes of these, at most: it enters its pool and ends, and those that end in one Worker at
 * one moment share that message. CPU measured here at 0.5 to 0.7 ms, with room.
 */
export const A_REQUEST = { cpuMs: 2, objectRequests: 2, rowsUncontended: 2, rowsHandedOver: 1 } as const;

/** An object is billed for this much memory, whatever it uses. */
export const OBJECT_GIGABYTES = 0.128;
