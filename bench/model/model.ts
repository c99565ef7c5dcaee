import { ROW_BYTES } from "../../src/link/deferred-calls.ts";
import { ATTACH_MS, RENEW_MS } from "../../src/link/protocol.ts";
import {
  A_DEFERRED,
  A_LOOK,
  A_REQUEST,
  COMMIT_MS,
  COMPUTE_MS,
  type Distance,
  LOOK_MS,
  OBJECT,
  OBJECT_GIGABYTES,
  PRICES,
  REPORT_MS,
  ROUND_TRIP_MS,
  SMALL_OBJECT_BYTES,
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
 * `passed`: the share of hand-overs within one isolate, which leave out the object and its commit. The mean of both.
 */
export function idleMs({ toServer, toObject }: Placement, passed = 0): number {
  return ROUND_TRIP_MS[toServer] + COMPUTE_MS + (1 - passed) * (ROUND_TRIP_MS[toObject] + COMMIT_MS);
}

/** What is passed on of requests that take so long: nothing once a lease has a handle. */
function passedOf(passed: number, serviceMs: number): number {
  return serviceMs < ATTACH_MS ? passed : 0;
}

/** The largest share that can be passed on: after `RENEW_MS` the object grants the slot itself, once. */
export function mostPassed(placement: Placement, serviceMs: number): number {
  const passes = Math.floor(RENEW_MS / (serviceMs + idleMs(placement, 1)));
  return passedOf(passes / (passes + 1), serviceMs);
}

/** What a request that need not wait pays for being asked for: there and back, the commit, and the detour. */
export function addedMs({ toClient, toServer, toObject, clientToServer }: Placement): number {
  const detour = ROUND_TRIP_MS[toClient] + ROUND_TRIP_MS[toServer] - ROUND_TRIP_MS[clientToServer];
  return ROUND_TRIP_MS[toObject] + COMMIT_MS + COMPUTE_MS + Math.max(0, detour);
}

/** The share of its time that a slot's server works while requests wait. */
export function utilisation(placement: Placement, serviceMs: number, passed = 0): number {
  return serviceMs / periodMs(placement, serviceMs, passed);
}

/** From the begin of a request at a server to that of its next, while some wait. */
function periodMs(placement: Placement, serviceMs: number, passed: number): number {
  return serviceMs + idleMs(placement, passedOf(passed, serviceMs));
}

/** Requests a second of one object. For one whose lease is passed on it computes, and writes nothing. */
export function objectRate(passed = 0): number {
  return 1 / (passed / OBJECT.plannedWithoutWrite + (1 - passed) / OBJECT.planned);
}

/** Requests a second of a pool in which some always wait; its object may be the limit. */
export function requestsPerSecond(
  placement: Placement,
  slots: number,
  serviceMs: number,
  passed = 0,
): number {
  const most = objectRate(passedOf(passed, serviceMs));
  return Math.min(most, (slots * 1000) / periodMs(placement, serviceMs, passed));
}

/** With how many slots one object is at its limit. */
export function slotsOfOneObject(placement: Placement, serviceMs: number, passed = 0): number {
  const rate = objectRate(passedOf(passed, serviceMs));
  return Math.floor((rate * periodMs(placement, serviceMs, passed)) / 1000);
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

/** Calls of the object and rows that a request takes at this rate; `queued` and `passed` as for `costOfMillion`. */
export function takenOf(perSecond: number, queued: number, passed: number) {
  const byPass = queued * passed;
  const byObject = queued - byPass;
  const uncontended = 1 - queued;
  // Requests come at random. Whose pass no other request takes along within that time tells of it by a call of its own.
  const reports = Math.exp((-perSecond * REPORT_MS) / 1_000);
  return {
    objectRequests:
      byPass * (A_REQUEST.objectRequestsPassed + reports) +
      (byObject + uncontended) * A_REQUEST.objectRequests,
    rows:
      byPass * A_REQUEST.rowsPassed +
      byObject * A_REQUEST.rowsHandedOver +
      uncontended * A_REQUEST.rowsUncontended,
  };
}

/**
 * Dollars a million requests at this rate; `queued`: which share found its slot handed over by another; `passed`: which
 * share of those hand-overs stayed within one isolate.
 */
export function costOfMillion(perSecond: number, queued: number, passed = 0): Cost {
  const taken = takenOf(perSecond, queued, passed);
  const requests = PRICES.workerRequests + taken.objectRequests * PRICES.objectRequests;
  const cpu = A_REQUEST.cpuMs * PRICES.workerCpuMs;
  const rows = PRICES.rowsWritten * taken.rows;
  const objectSeconds = 1e6 / Math.min(perSecond, objectRate(queued * passed));
  const duration = (objectSeconds * OBJECT_GIGABYTES * PRICES.gigabyteSeconds) / 1e6;
  return { requests, cpu, rows, duration, total: requests + cpu + rows + duration };
}

/** Deferred requests that are alike. */
export interface Deferred {
  name: string;
  serviceMs: number;
  /** Of the body, and of the answer. */
  bytes: number;
  keptDays: number;
  /** How often the client looks while it waits and runs, besides for the answer. */
  looks: number;
  /** How long the client's looks wait (`Prefer: wait`) while the request does. */
  waitedMs: number;
}

const KIB = 1_024;
const ONE = { name: "", serviceMs: 1_000, bytes: KIB, keptDays: 1, looks: 1, waitedMs: 0 };

export const DEFERRED: readonly Deferred[] = [
  { ...ONE, name: "100 ms", serviceMs: 100 },
  { ...ONE, name: "1 s" },
  { ...ONE, name: "10 s", serviceMs: 10_000 },
  { ...ONE, name: "1 min", serviceMs: 60_000 },
  { ...ONE, name: "1 s, nobody looks before it is done", looks: 0 },
  { ...ONE, name: "1 s, after ten minutes in a drain, looked at every 10 s", looks: 60 },
  {
    ...ONE,
    name: "1 s, after ten minutes in a drain, with `Prefer: wait=300`",
    looks: 2,
    waitedMs: 600_000,
  },
  { ...ONE, name: "1 s, body and answer of 1 MiB", bytes: KIB * KIB },
  { ...ONE, name: "1 s, the same kept for 30 days", bytes: KIB * KIB, keptDays: 30 },
];

export interface CostOfDeferred extends Cost {
  storage: number;
}

/** Dollars a million deferred requests at this rate, each with a slot that was free. */
export function costOfMillionDeferred(one: Deferred, perSecond: number): CostOfDeferred {
  const rowsOfBody = Math.max(1, Math.ceil(one.bytes / ROW_BYTES));
  const objectRequests =
    A_DEFERRED.objectRequests +
    // One call that stores all, or one for each row between a first and a last.
    (rowsOfBody === 1 ? 0 : rowsOfBody + 1) +
    A_DEFERRED.poolRequests +
    one.looks * A_LOOK.whileQueued +
    one.waitedMs / LOOK_MS +
    A_LOOK.answer +
    (rowsOfBody - 1);
  const workerRequests = 1 + one.looks + 1;
  const requests = workerRequests * PRICES.workerRequests + objectRequests * PRICES.objectRequests;
  const cpu = workerRequests * A_REQUEST.cpuMs * PRICES.workerCpuMs;
  const rows =
    (A_REQUEST.rowsUncontended + A_DEFERRED.rowsOfObject + A_DEFERRED.rowsOfPool + A_DEFERRED.rowsForgotten) *
      PRICES.rowsWritten +
    // Of the body: the row, its record, its deletion. Of the answer: the row and its deletion.
    (rowsOfBody - 1) * 5 * PRICES.rowsWritten;
  const awakeMs = one.serviceMs + STORING_AND_ENDING_MS;
  // The pool is awake for them as for others.
  const ofPool = costOfMillion(perSecond, 0).duration;
  const duration = ofPool + (awakeMs / 1_000) * OBJECT_GIGABYTES * PRICES.gigabyteSeconds;
  const gigabytes = (SMALL_OBJECT_BYTES + 2 * (one.bytes - KIB)) / 1e3;
  const storage = gigabytes * (one.keptDays / 30) * PRICES.gigabyteMonth;
  return { requests, cpu, rows, duration, storage, total: requests + cpu + rows + duration + storage };
}

/** It is stored, ends and is forgotten; each time it writes and asks its pool, which does too. */
const STORING_AND_ENDING_MS = 3 * (ROUND_TRIP_MS.near + 2 * COMMIT_MS + COMPUTE_MS);
