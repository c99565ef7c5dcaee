/**
 * Decides what a failed attempt means: how its lease ends, what may be retried, what the client gets. Busy answers of
 * `retry_on` are no failures: `attempt` sends those requests back itself.
 */
import type { PoolConfig } from "../config/types.ts";
import { ClientLeft } from "../link/acquire.ts";
import { Refusal } from "../refusals/refusal.ts";
import type { CutOff, LeaseEnd } from "../scheduler/terms/lease-end.ts";
import type { CloudflareAnswer } from "../servers/cloudflare-answer.ts";
import { NoBinding, NoSecret } from "../servers/fetcher.ts";
import type { CarriedRequest } from "./carried-request.ts";
import type { Connection, CutBy } from "./connection.ts";
import { BrokenUpload } from "./paced-reader.ts";

/** Idempotent methods, of HTTP (RFC 9110, 9.2.2) and of WebDAV: sending one twice has the effect of sending it once. */
const IDEMPOTENT = new Set([
  "GET",
  "HEAD",
  "PUT",
  "DELETE",
  "OPTIONS",
  "TRACE",
  "PROPFIND",
  "REPORT",
  "SEARCH",
]);

/** The request will be retried. Its lease is still held: `acquireLease` ends it, after it has asked for the next. */
export class TryAgain extends Error {
  /** How that lease ends. */
  readonly end: LeaseEnd;

  constructor(end: LeaseEnd) {
    super();
    this.end = end;
  }
}

/** The server's answer cannot be passed on, and when the server is done is unknown. */
export class Unpassable extends Error {}

/** The runtime refused to make the request; nothing was sent to the server. */
export class Unsendable extends Error {}

/** The response is Cloudflare's own and not the server's. */
export class AnsweredByCloudflare extends Error {
  readonly answer: CloudflareAnswer;

  constructor(answer: CloudflareAnswer) {
    super(`Cloudflare's own answer: ${answer}`);
    this.answer = answer;
  }

  get neverReached(): boolean {
    return this.answer === "never-reached" || this.answer === "refused";
  }

  /** How the lease ends: `broken` only where the server cannot still be at work on the request. */
  get cutOff(): Exclude<CutOff, "early"> {
    if (this.answer === "maybe-reached") return "unreachable";
    return this.answer === "timeout" ? "timeout" : "broken";
  }
}

export interface Failure {
  /** How the lease ends. */
  end: LeaseEnd;
  /** To be thrown: `TryAgain`, `ClientLeft`, or the `Refusal` that the client gets. */
  error: Error;
}

/** `error`: what stopped the attempt. `failures`: how many servers had failed the request before. */
export function failureOf(
  error: unknown,
  connection: Connection,
  carried: CarriedRequest,
  failures: number,
): Failure {
  const { pool, client, trace, responder } = carried;
  if (error instanceof Unsendable) {
    const refusal = new Refusal("invalid-request", "The request cannot be passed on.", pool.name);
    return { end: { how: "unused" }, error: refusal };
  }
  if (error instanceof NoBinding) {
    // The next try of the client's comes to a Worker of the present version.
    const detail = "Sluice was deployed meanwhile with servers that only its new version reaches. Try again.";
    return { end: { how: "unused" }, error: new Refusal("pool-unavailable", detail, pool.name) };
  }
  if (error instanceof NoSecret) {
    const detail = "The operator finds the details in the log.";
    return { end: { how: "unused" }, error: new Refusal("misconfigured", detail, pool.name) };
  }
  const { cutBy } = connection;
  const byCloudflare = error instanceof AnsweredByCloudflare ? error : null;
  const how = connection.cause ?? byCloudflare?.cutOff ?? "broken";
  const clientLeft = client.aborted || trace.outcome === "client-abort-in-flight";
  // No client of a deferred request is there to be told and to ask again, so it goes on as after a crash of its holder.
  const isCutDeferred = cutBy === "cut" && responder.stored !== undefined;
  const isRepeatable = isCutDeferred || isFailedConnection(cutBy, byCloudflare);
  if (trace.status === null && !clientLeft && isRepeatable) {
    const neverReached = byCloudflare?.neverReached ?? false;
    const end: LeaseEnd = { how, retried: true };
    if (mayRetry(carried, failures, neverReached)) return { end, error: new TryAgain(end) };
  }
  // The server is blamed (`how`: quarantine and health). The request counts as abandoned and not as refused
  // (`clientLeft`), because no client was left to refuse.
  const end: LeaseEnd = clientLeft && cutBy === null ? { how, clientLeft } : { how };
  if (clientLeft && (cutBy === null || cutBy === "client")) return { end, error: new ClientLeft() };
  if (isCutDeferred) return { end, error: fateUnknown(pool.name) };
  const refusal = refusalOf(cutBy ?? (byCloudflare?.answer === "timeout" ? "timeout" : null), pool.name);
  return { end, error: refusal };
}

export function unpassableAnswer(pool: string): Refusal {
  return new Refusal("bad-gateway", "The server's answer cannot be passed on.", pool);
}

function fateUnknown(pool: string): Refusal {
  const detail = "An operator ended it while a server worked on it, and it may not be sent twice.";
  return new Refusal("fate-unknown", detail, pool);
}

/** False if the server took too long, or if the failure was not the server's. */
function isFailedConnection(cutBy: CutBy | null, byCloudflare: AnsweredByCloudflare | null): boolean {
  return cutBy === null ? byCloudflare?.answer !== "timeout" : cutBy === "unreachable";
}

/** `failures`: how often the request has failed before. */
function mayRetry({ request, body, pool }: CarriedRequest, failures: number, neverReached: boolean): boolean {
  if (failures >= pool.retries || !body.isReplayable) return false;
  return neverReached || mayRepeat(request, pool);
}

/** True if a server may get the request twice: what it did with it the first time is unknown. */
export function mayRepeat(request: { method: string; headers: Headers }, pool: PoolConfig): boolean {
  return (
    pool.retryNonIdempotent ||
    IDEMPOTENT.has(request.method) ||
    // The client vouches that the server recognizes a repeated request by this key.
    request.headers.has("idempotency-key")
  );
}

/** `cutBy`: `null` if the server broke off. */
function refusalOf(cutBy: CutBy | null, pool: string): Refusal {
  switch (cutBy) {
    case "timeout":
      return new Refusal("server-timeout", "The server did not answer in time.", pool);
    case "longest":
      return new Refusal("server-timeout", "The request took longer than any may.", pool);
    case "stalled":
      return new Refusal("client-timeout", "The request's body did not arrive in time.", pool);
    case "client":
      return new BrokenUpload(pool);
    case "lost":
      return new Refusal("cut-off", "The request was cut off: its slot was taken away.", pool);
    case "cut":
      return new Refusal("cut-off", "An operator ended the request before its server was done.", pool);
    case "unpassable":
      return unpassableAnswer(pool);
    default:
      return new Refusal("bad-gateway", "The server could not be reached, or broke off.", pool);
  }
}
