import {
  A_REQUEST,
  COMMIT_MS,
  COMPUTE_MS,
  type Distance,
  OBJECT,
  OBJECT_GIGABYTES,
  PRICES,
  ROUND_TRIP_MS,
} from "./inputs.ts";

/** Where the parts are, seen from the Worker. */
export interface Placement {
  name: string;
  toClient: Distance;
  toServer: Distance;
  toObject: Distance;
  /** How far clients are from servers, without anything in between. */
  clientToServer: Distance;
}

export const PLACEMENTS: readonly Placement[] = [
  {
    name: "Worker and object near the servers",
    toClient: "continent",
    toServer: "near",
    toObject: "near",
    clientToServer: "continent",
  },
  {
    name: "Worker near the servers, object elsewhere on the continent",
    toClient: "continent",
    toServer: "near",
    toObject: "continent",
    clientToServer: "continent",
  },
  {
    name: "Worker near the clients, object near the servers",
    toClient: "near",
    toServer: "continent",
    toObject: "continent",
    clientToServer: "continent",
  },
  {
    name: "Worker near clients overseas, object near the servers",
    toClient: "near",
    toServer: "ocean",
    toObject: "ocean",
    clientToServer: "ocean",
  },
  {
    name: "Worker near the servers, object overseas",
    toClient: "continent",
    toServer: "near",
    toObject: "ocean",
    clientToServer: "continent",
  },
];

/**
 * How long a slot stands idle between two requests while some wait: last byte to the Worker, release to the object,
 * commit, lease to the next one's Worker, its request to the server. Two round trips, each once there and once back.
 */
export function idleMs({ toServer, toObject }: Placement): number {
  return ROUND_TRIP_MS[toServer] + ROUND_TRIP_MS[toObject] + COMMIT_MS + COMPUTE_MS;
}

/** What a request that need not wait pays for being asked for: there and back, the commit, and the detour. */
export function addedMs({ toClient, toServer, toObject, clientToServer }: Placement): number {
  const detour = ROUND_TRIP_MS[toClient] + ROUND_TRIP_MS[toServer] - ROUND_TRIP_MS[clientToServer];
  return ROUND_TRIP_MS[toObject] + COMMIT_MS + COMPUTE_MS + Math.max(0, detour);
}

/** The share of its time that a slot's server works while requests wait. */
export function utilisation(placement: Placement, serviceMs: number): number {
  return serviceMs / (serviceMs + idleMs(placement));
}

/** Requests a second of a pool in which some always wait; its object may be the limit. */
export function requestsPerSecond(
  placement: Placement,
  slots: number,
  serviceMs: number,
  most: number,
): number {
  return Math.min(most, (slots * 1000) / (serviceMs + idleMs(placement)));
}

/** With how many slots one object is at its limit. */
export function slotsOfOneObject(placement: Placement, serviceMs: number): number {
  return Math.floor((OBJECT.planned * (serviceMs + idleMs(placement))) / 1000);
}

export function objectsFor(perSecond: number): number {
  return Math.ceil(perSecond / OBJECT.planned);
}

export interface Cost {
  requests: number;
  cpu: number;
  rows: number;
  duration: number;
  total: number;
}

/** Dollars a million requests at this rate; `queued`: which share found its slot handed over by another. */
export function costOfMillion(perSecond: number, queued: number): Cost {
  const requests = PRICES.workerRequests + A_REQUEST.objectRequests * PRICES.objectRequests;
  const cpu = A_REQUEST.cpuMs * PRICES.workerCpuMs;
  const rows =
    PRICES.rowsWritten * (queued * A_REQUEST.rowsHandedOver + (1 - queued) * A_REQUEST.rowsUncontended);
  const objectSeconds = 1e6 / Math.min(perSecond, OBJECT.planned);
  const duration = (objectSeconds * OBJECT_GIGABYTES * PRICES.gigabyteSeconds) / 1e6;
  return { requests, cpu, rows, duration, total: requests + cpu + rows + duration };
}
