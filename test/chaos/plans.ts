import { CHECK_TIMEOUT_MS, LONGEST_CHECK_MS } from "./pool.ts";
import type { Random } from "./random.ts";

/** What a server may do with a request; all but the first are faults. */
const BEHAVIOURS = {
  answer: 96.2,
  "slow answer": 0.9,
  "reset after reading": 1,
  "broke in the body": 0.9,
  hang: 0.25,
  "hung in the body": 0.25,
  restart: 0.5,
};
export type Behaviour = keyof typeof BEHAVIOURS;
export const FAULTS = (Object.keys(BEHAVIOURS) as Behaviour[]).filter((one) => one !== "answer");

/** What a server may do with a health check; `late`: beyond its timeout. */
const CHECKS = { quick: 80, slow: 12, late: 8 };
const CHECK_MS: Record<keyof typeof CHECKS, [number, number]> = {
  quick: [3, 3],
  slow: [20, CHECK_TIMEOUT_MS / 2],
  late: [CHECK_TIMEOUT_MS + 50, LONGEST_CHECK_MS],
};

const METHODS = { GET: 45, PUT: 10, POST: 30, "POST with key": 15 };

/** One request, decided by the seed and its number before it is sent. */
export interface RequestPlan {
  id: string;
  path: string;
  method: string;
  /** Sluice may send it again after a failure that may have reached the server. */
  idempotent: boolean;
  headers: Record<string, string>;
  /** `null`: it has no body. */
  bodyBytes: number | null;
  /** `null`: the client stays. */
  leaveAfterMs: number | null;
  /** How long the server works for it, whatever it has in mind itself. */
  workMs?: number;
}

/** What the server does that gets it, at its first, second … arrival. */
export interface JobPlan {
  behaviour: Behaviour;
  workMs: number;
  answerBytes: number;
  /** The answer's length is not told beforehand. */
  chunked: boolean;
  /** How much of the work is done when the fault comes; how long the server goes on after it. From 0 to 1. */
  before: number;
  after: number;
  /** The connection ends with a reset instead of an ordinary close. */
  reset: boolean;
  /** How long the server stays busy after its answer, in ms. */
  afterglowMs: number;
}

export interface CheckPlan {
  late: boolean;
  workMs: number;
  afterglowMs: number;
}

export function requestPlan(random: Random, id: string): RequestPlan {
  const draw = random.fork(id);
  const kind = draw.weighted(METHODS);
  const method = kind === "POST with key" ? "POST" : kind;
  const leaves = draw.chance(0.08);
  const headers: Record<string, string> = { "X-Request-Id": id };
  if (kind === "POST with key") headers["Idempotency-Key"] = `"${id}"`;
  return {
    id,
    path: `/chaos/${id}`,
    method,
    idempotent: kind !== "POST",
    headers,
    bodyBytes: method === "GET" ? null : draw.chance(0.15) ? 100_000 : draw.whole(1, 500),
    leaveAfterMs: leaves ? draw.whole(0, draw.chance(0.5) ? 100 : 2_000) : null,
  };
}

/** One of the last requests, which together must find every slot free. */
export function lastPlan(): RequestPlan {
  const id = `last-${crypto.randomUUID()}`;
  return {
    id,
    path: `/chaos/${id}`,
    method: "GET",
    idempotent: true,
    headers: { "X-Request-Id": id },
    bodyBytes: null,
    leaveAfterMs: null,
    workMs: 500,
  };
}

export function checkPlan(
  random: Random,
  id: string,
  longestAfterglowMs: number,
  late: "never" | "perhaps" | "now",
): CheckPlan {
  const draw = random.fork(id);
  const drawn = late === "now" ? "late" : draw.weighted(CHECKS);
  const kind = drawn === "late" && late === "never" ? "slow" : drawn;
  const afterglowMs = draw.next() * longestAfterglowMs;
  return { late: kind === "late", workMs: draw.whole(...CHECK_MS[kind]), afterglowMs };
}

export function jobPlan(random: Random, id: string, arrival: number, longestAfterglowMs: number): JobPlan {
  const draw = random.fork(`${id} arrival ${arrival}`);
  return {
    behaviour: draw.weighted(BEHAVIOURS),
    workMs: draw.whole(10, 60),
    answerBytes: draw.chance(0.05) ? 200_000 : draw.whole(0, 3_000),
    chunked: draw.chance(0.5),
    before: draw.next(),
    after: draw.next(),
    reset: draw.chance(0.5),
    afterglowMs: draw.next() * longestAfterglowMs,
  };
}

export function bodyOf({ id, bodyBytes }: RequestPlan): string {
  return filler(id, bodyBytes ?? 0);
}

/** Text of this length that belongs to this request and no other. */
export function filler(id: string, length: number): string {
  return `${id} `.repeat(Math.ceil(length / (id.length + 1))).slice(0, length);
}
