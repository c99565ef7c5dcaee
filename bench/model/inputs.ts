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

/**
 * Requests a second of one object: Cloudflare's soft limit, and the middle of what its guide gives for those that also
 * write, and for those that only compute.
 */
export const OBJECT = { softLimit: 1000, planned: 350, plannedWithoutWrite: 625 } as const;

/** Which shares of the hand-overs that stay within one isolate are looked at: a lease is passed on in these. */
export const SHARES_PASSED = [0, 0.25, 0.5, 0.75, 0.9, 1] as const;

/** With what share we reckon for a Worker that runs in one data centre. Our assumption. */
export const PASSED_IN_ONE_PLACE = 0.9;

/** How long the word of a pass waits for a request of the same isolate that takes it along, in ms. */
export const REPORT_MS = 5;

/** Dollars a million, beyond what the paid plan includes. */
export const PRICES = {
  workerRequests: 0.3,
  workerCpuMs: 0.02,
  objectRequests: 0.15,
  rowsWritten: 1,
  gigabyteSeconds: 12.5,
  /** One gigabyte for a month, not a million. */
  gigabyteMonth: 0.2,
} as const;

/**
 * What one proxied request takes of these, at most: it enters its pool and ends, and those that end in one Worker at
 * one moment share that message. CPU measured here at 0.5 to 0.7 ms, with room.
 */
export const A_REQUEST = {
  cpuMs: 2,
  objectRequests: 2,
  /** As many more, once, if a server works on it for a second or longer. */
  objectRequestsHeld: 1,
  rowsUncontended: 2,
  rowsHandedOver: 1,
  /** Of one whose lease is passed on. Its end is told along with the pass, in the next message of that isolate. */
  objectRequestsPassed: 1,
  rowsPassed: 0,
} as const;

/**
 * What one deferred request takes besides its slot's rows, from its 202 to the end of `keep`, with a body and an answer of
 * at most one row each. Counted in workerd, by test/bench/counts.test.ts.
 */
export const A_DEFERRED = {
  /** Of its own object: to be stored, to be called when it is its turn, and the alarm at whose ring it is forgotten. */
  objectRequests: 3,
  /** Of its pool: to enter the list, to end the lease, to tell of its end, and to have it forgotten. */
  poolRequests: 4,
  /** The request, its progress in four states, the body and its answer with a record of each, and the alarm set twice. */
  rowsOfObject: 11,
  /** Among those that wait, and among those that have ended: written and deleted. */
  rowsOfPool: 4,
  /** What its object deletes all at once. Whether Cloudflare bills that row by row it does not say; we assume so. */
  rowsForgotten: 6,
} as const;

/** What a client's look at its deferred request takes of objects; each is one request of the Worker too. */
export const A_LOOK = {
  /** At its status while it waits; the pool is asked for its place. */
  whileQueued: 2,
  /** At its status otherwise. */
  status: 1,
  /** At its answer, of one row. */
  answer: 2,
} as const;

/** For a client that would wait, the Worker looks at a request that is queued each so many ms (src/requests/wait.ts). */
export const LOOK_MS = 2_000;

/** An object's storage with a body and an answer of 1 KiB each, in bytes: five of SQLite's pages. Counted likewise. */
export const SMALL_OBJECT_BYTES = 20_480;

/** An object is billed for this much memory, whatever it uses. */
export const OBJECT_GIGABYTES = 0.128;
