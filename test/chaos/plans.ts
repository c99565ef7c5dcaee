import {
  type ClientKind,
  type ClientPlan,
  drawDeferring,
  drawKind,
  drawShape,
  isDeferring,
  isHandshake,
  neverWhole,
  preferences,
  type Shape,
} from "./clients/plan.ts";
import { CLIENT, drawTenant, type Tenant } from "./clients/tenants.ts";
import {
  CHECK_TIMEOUT_MS,
  LONGEST_CHECK_MS,
  longestAfterglowMs,
  type PoolName,
  SESSION,
  type Settings,
} from "./pool.ts";
import { Random } from "./random.ts";

/** What a server may do with a request; all but the first are faults. */
const BEHAVIOURS = {
  answer: 94.8,
  "slow answer": 0.9,
  "reset after reading": 1,
  "broke in the body": 0.9,
  hang: 0.25,
  "hung in the body": 0.25,
  drips: 0.1,
  restart: 0.5,
  "Cloudflare's 520": 0.4,
  "Cloudflare's 522": 0.2,
  "Cloudflare's 524": 0.2,
  "busy answer": 0.5,
};
export type Behaviour = keyof typeof BEHAVIOURS;
/** Those that a request's arrival brings; others come by the schedule. */
export const JOB_FAULTS = (Object.keys(BEHAVIOURS) as Behaviour[]).filter((one) => one !== "answer");

/** What chance has left out by then comes to every fifth request, or to each check, until it has happened once. */
export const LEFT_OUT_AFTER_MS = 8_000;
export const LEFT_OUT_EVERY = 5;

const SESSIONS = 50;

/** What a server may do with a health check; `late`: beyond its timeout. */
const CHECKS = { quick: 80, slow: 12, late: 8 };
const CHECK_MS: Record<keyof typeof CHECKS, [number, number]> = {
  quick: [3, 3],
  slow: [20, CHECK_TIMEOUT_MS / 2],
  late: [CHECK_TIMEOUT_MS + 50, LONGEST_CHECK_MS],
};

/** One request, decided by the seed and its number before it is sent. */
export interface RequestPlan {
  id: string;
  path: string;
  method: string;
  /** Sluice may send it again after a failure that may have reached the server. */
  idempotent: boolean;
  headers: Record<string, string>;
  /** Whose it is, for a pool that tells clients apart; `null`: nothing tells. */
  flow: string | null;
  /** By how much it goes ahead of its arrival. */
  aheadMs: number;
  /** `null`: it has no body. */
  bodyBytes: number | null;
  /** The body's length is not told beforehand. */
  chunked: boolean;
  client: ClientPlan;
  /** How long an answer it asks for; `null`: the server decides. */
  answerBytes: number | null;
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
  /** Of a long upload: the answer comes before the upload's end, which the server reads on to. */
  early: boolean;
  /** How much of the work is done when the fault comes; how long the server goes on after it. From 0 to 1. */
  before: number;
  after: number;
  /** The connection ends with a reset instead of an ordinary close. */
  reset: boolean;
  /** How long the server stays busy after its answer, in ms. */
  afterglowMs: number;
  /** Which of `BUSY_ANSWERS`, and the seconds that it names. */
  busyAnswer: { status: 429 | 503; retryAfterS: 1 | null };
}

export interface CheckPlan {
  late: boolean;
  workMs: number;
  afterglowMs: number;
}

/** `kind`: what its client does, if chance does not decide. */
export function requestPlan(random: Random, id: string, settings: Settings, kind?: ClientKind): RequestPlan {
  const draw = random.fork(id);
  const drawn = drawKind(draw, settings);
  // A stream of its own: what the others do stays as the seed has it.
  const own = random.fork(`${id} deferred`);
  const deferring = drawDeferring(own, settings);
  const shape =
    kind === undefined && deferring !== null
      ? drawShape(deferring, own, settings)
      : drawShape(kind ?? drawn, draw, settings);
  return toPlan(id, settings.pool, shape, drawTenant(id));
}

/** One of the last requests, which together must find every slot free. `isMeant`: whether its client is one that this slot's shard has. */
export function lastPlan(pool: PoolName, isMeant: (client: string) => boolean = () => true): RequestPlan {
  const shape: Shape = { method: "GET", bodyBytes: null, client: { kind: "stays" } };
  const newId = () => `last-${crypto.randomUUID()}`;
  let id = newId();
  while (!isMeant(id)) id = newId();
  // Each has a client of its own: no limit of one client's keeps it from a slot.
  const tenant = { flow: id, aheadMs: 0, headers: { [CLIENT]: id } };
  return { ...toPlan(id, pool, shape, tenant), workMs: 500 };
}

function toPlan(id: string, pool: PoolName, shape: Shape, tenant: Tenant): RequestPlan {
  const { method, hasKey = false, bodyBytes, chunked = false, answerBytes = null, client } = shape;
  return {
    id,
    path: `/${pool}/${id}`,
    method,
    idempotent: hasKey || method !== "POST",
    headers: {
      "X-Request-Id": id,
      [SESSION]: `session-${sessionOf(id)}`,
      ...tenant.headers,
      ...(hasKey ? { "Idempotency-Key": `"${id}"` } : {}),
      ...preferences(client),
    },
    flow: tenant.flow,
    aheadMs: tenant.aheadMs,
    bodyBytes,
    chunked,
    client,
    answerBytes,
  };
}

export function checkPlan(
  random: Random,
  id: string,
  settings: Settings,
  late: "never" | "perhaps" | "now",
): CheckPlan {
  const draw = random.fork(id);
  const drawn = late === "now" ? "late" : draw.weighted(CHECKS);
  const kind = drawn === "late" && late === "never" ? "slow" : drawn;
  const afterglowMs = draw.next() * longestAfterglowMs(settings);
  return { late: kind === "late", workMs: draw.whole(...CHECK_MS[kind]), afterglowMs };
}

export function jobPlan(
  random: Random,
  { id, client, answerBytes, chunked }: RequestPlan,
  arrival: number,
  settings: Settings,
): JobPlan {
  const draw = random.fork(`${id} arrival ${arrival}`);
  const isSpared = !random.fork(`${id} calm`).chance(1 / settings.calm);
  const plan: JobPlan = {
    behaviour: isSpared ? "answer" : unless(settings.without, draw.weighted(BEHAVIOURS), "answer"),
    workMs: draw.whole(...settings.workMs),
    answerBytes: draw.chance(0.05) ? 200_000 : draw.whole(0, 3_000),
    chunked: draw.chance(0.5),
    before: draw.next(),
    after: draw.next(),
    reset: draw.chance(0.5),
    afterglowMs: draw.next() * longestAfterglowMs(settings),
    early: mayBeEarly({ client, chunked }) && draw.chance(0.5),
    busyAnswer: { status: draw.pick([503, 429]), retryAfterS: draw.chance(0.3) ? 1 : null },
  };
  return { ...plan, answerBytes: answerBytes ?? plan.answerBytes };
}

/** Chunks that break off after an answer has begun the runtime ends as if they were whole (workerd 2026-11-17). */
export function mayBeEarly({ client, chunked }: Pick<RequestPlan, "client" | "chunked">): boolean {
  return client.kind === "slow upload" && !chunked;
}

/** What its client does is trouble enough, or leaves no room for a fault of the server's. */
export function isForFaults({ client, bodyBytes, answerBytes }: RequestPlan): boolean {
  if (isHandshake(client) || neverWhole(client) || answerBytes !== null) return false;
  // What is stored is at hand as often as it takes.
  if (isDeferring(client)) return true;
  // Longer ones are not at hand any more when the server says what it says, and cannot be sent again.
  return (bodyBytes ?? 0) <= 100_000;
}

function unless<T extends string>(without: readonly string[], drawn: T, instead: T): T {
  return without.includes(drawn) ? instead : drawn;
}

export function bodyOf({ id, bodyBytes }: RequestPlan): string {
  return filler(id, bodyBytes ?? 0);
}

/** A few sessions have most of the requests. */
function sessionOf(id: string): number {
  return Math.floor(SESSIONS ** new Random(0).fork(id).next());
}

/** Text of this length that belongs to this request and no other. */
export function filler(id: string, length: number): string {
  return `${id} `.repeat(Math.ceil(length / (id.length + 1))).slice(0, length);
}
