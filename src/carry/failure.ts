/** What a failed attempt means: how its lease ends, whether the request is tried again, what the client is told. */
import { ClientLeft } from "../link/acquire.ts";
import { Refusal } from "../refusals/refusal.ts";
import type { CutOff, LeaseEnd } from "../scheduler/terms/lease-end.ts";
import type { CloudflareAnswer } from "../servers/cloudflare-answer.ts";
import type { CarriedRequest } from "./carried-request.ts";
import type { Connection, CutBy } from "./connection.ts";
import { BrokenUpload } from "./request-body.ts";

/** RFC 9110, 9.2.2, and WebDAV's: repeating one of these has the effect of sending it once. */
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

/** The request goes to a server once more; its lease, which ends so, is left to who asks for the next. */
export class TryAgain extends Error {
  readonly end: LeaseEnd;

  constructor(end: LeaseEnd) {
    super();
    this.end = end;
  }
}

/** The server's answer cannot be passed on, and nobody knows when the server is done. */
export class Unpassable extends Error {}

/** The request cannot be made; nothing was sent to the server. */
export class Unsendable extends Error {}

/** Cloudflare answered in the server's place. */
export class AnsweredByCloudflare extends Error {
  readonly answer: CloudflareAnswer;

  constructor(answer: CloudflareAnswer) {
    super(`Cloudflare's own answer: ${answer}`);
    this.answer = answer;
  }

  get neverReached(): boolean {
    return this.answer === "never-reached" || this.answer === "refused";
  }

  /** Whether somebody may still be at work decides. */
  get cutOff(): Exclude<CutOff, "early"> {
    if (this.answer === "maybe-reached") return "unreachable";
    return this.answer === "timeout" ? "timeout" : "broken";
  }
}

export interface Failure {
  /** How the lease ends. */
  end: LeaseEnd;
  /** Thrown to who asked for the request to be carried: `TryAgain`, or what the client is told. */
  error: Error;
}

/** `error`: why the request was not answered to its end. */
export function failureOf(
  error: unknown,
  connection: Connection,
  carried: CarriedRequest,
  failures: number,
): Failure {
  const { pool, client, trace } = carried;
  if (error instanceof Unsendable) {
    const refusal = new Refusal("invalid-request", "The request cannot be passed on.", pool.name);
    return { end: { how: "unused" }, error: refusal };
  }
  const { cutBy } = connection;
  const byCloudflare = error instanceof AnsweredByCloudflare ? error : null;
  const how = connection.cause ?? byCloudflare?.cutOff ?? "broken";
  const clientLeft = client.aborted || trace.outcome === "client-abort-in-flight";
  if (trace.status === null && !clientLeft && isFailedConnection(cutBy, byCloudflare)) {
    const neverReached = byCloudflare?.neverReached ?? false;
    const end: LeaseEnd = { how, retried: true };
    if (mayRetry(carried, failures, neverReached)) return { end, error: new TryAgain(end) };
  }
  // Nobody was there to be refused; all the same the server failed.
  const end: LeaseEnd = clientLeft && cutBy === null ? { how, clientLeft } : { how };
  if (clientLeft && (cutBy === null || cutBy === "client")) return { end, error: new ClientLeft() };
  const refusal = refusalOf(cutBy ?? (byCloudflare?.answer === "timeout" ? "timeout" : null), pool.name);
  return { end, error: refusal };
}

export function notPassedOn(pool: string): Refusal {
  return new Refusal("bad-gateway", "The server's answer cannot be passed on.", pool);
}

/** Not: the server's time was up, or it was not the server's fault. */
function isFailedConnection(cutBy: CutBy | null, byCloudflare: AnsweredByCloudflare | null): boolean {
  return cutBy === null ? byCloudflare?.answer !== "timeout" : cutBy === "unreachable";
}

/** Whether a request that has failed so often before may be sent again. */
function mayRetry({ request, body, pool }: CarriedRequest, failures: number, neverReached: boolean): boolean {
  if (failures >= pool.retries || !body.atHand) return false;
  return (
    neverReached ||
    pool.retryNonIdempotent ||
    IDEMPOTENT.has(request.method) ||
    // The client says that the server tells repetitions apart.
    request.headers.has("idempotency-key")
  );
}

/** `null`: the server broke off. */
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
    case "unpassable":
      return notPassedOn(pool);
    default:
      return new Refusal("bad-gateway", "The server could not be reached, or broke off.", pool);
  }
}
