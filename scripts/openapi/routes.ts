/** The routes of the admin side, and the addresses of deferred requests: what each takes and answers. */
import type * as z from "zod/mini";
import { drainBody, registrationBody, resumeBody, serverBody, stopBody } from "../../src/admin/bodies.ts";
import { auditQuery, cancelQuery, deferredQuery, removalQuery } from "../../src/admin/query.ts";
import type { Right } from "../../src/config/rights.ts";
import type { RefusalCode } from "../../src/refusals/refusal.ts";
import type { AnswerName } from "./answers.ts";

export interface Answer {
  description: string;
  /** JSON of this shape. */
  json?: AnswerName;
  /** Other types of content, which are texts. */
  types?: readonly string[];
  /** Headers, and what they say. */
  headers?: Record<string, string>;
}

export interface Route {
  method: "get" | "post" | "put" | "patch" | "delete";
  path: string;
  /** What a generated client calls it. */
  name: string;
  summary: string;
  body?: z.ZodMiniType;
  query?: z.ZodMiniType;
  /** Headers of the request that change the answer. */
  headers?: Record<string, string>;
  answers: Record<number | "default", Answer>;
  refusals: readonly RefusalCode[];
  /** The right that it needs, for its pool or, where it has none, for some pool. */
  needs?: Right;
}

/** By what every route may be refused for which one signs in. */
const CLOSED = ["unauthorized", "forbidden", "admin-disabled", "misconfigured"] as const;
const OF_POOL = [...CLOSED, "unknown-pool", "pool-unavailable"] as const;

const POOL = "/_sluice/api/pools/{pool}";
const DEFERRED = `${POOL}/deferred`;
const REQUEST = "/_sluice/requests/{id}";

const SNAPSHOT: Answer = { description: "The pool as it is now.", json: "Pool" };
const RETRY_AFTER = { "Retry-After": "In how many seconds it is worth asking again." };

const answers = (given: Partial<Route["answers"]>) => given as Route["answers"];

export const ADMIN_ROUTES: readonly Route[] = [
  {
    method: "get",
    path: "/_sluice/healthz",
    name: "getHealth",
    summary: "Whether the Worker answers. Needs no token",
    answers: answers({ 200: { description: "It answers.", json: "Health" } }),
    refusals: [],
  },
  {
    method: "get",
    path: "/_sluice/api/openapi.json",
    name: "getOpenApi",
    needs: "look",
    summary: "This document",
    answers: answers({ 200: { description: "OpenAPI 3.1.", types: ["application/json"] } }),
    refusals: CLOSED,
  },
  {
    method: "get",
    path: "/_sluice/api/me",
    name: "getMe",
    summary: "Who has signed in, and what they may do",
    answers: answers({ 200: { description: "The rights, by pool.", json: "Me" } }),
    refusals: CLOSED,
  },
  {
    method: "get",
    path: "/_sluice/api/audit",
    name: "listChanges",
    needs: "look",
    summary: "Who has changed what: the last changes by operators, and attempts",
    query: auditQuery,
    answers: answers({
      200: { description: "A part of the list, of all pools or of one.", json: "Changes" },
    }),
    refusals: [...OF_POOL, "invalid-request"],
  },
  {
    method: "get",
    path: "/_sluice/metrics",
    name: "getMetrics",
    needs: "look",
    summary: "All pools for Prometheus",
    answers: answers({ 200: { description: "Prometheus' text format.", types: ["text/plain"] } }),
    refusals: CLOSED,
  },
  {
    method: "get",
    path: "/_sluice/api/pools",
    name: "listPools",
    needs: "look",
    summary: "All pools",
    answers: answers({ 200: { description: "Those that answer.", json: "Pools" } }),
    refusals: [...CLOSED, "pool-unavailable"],
  },
  {
    method: "get",
    path: POOL,
    name: "getPool",
    needs: "look",
    summary: "One pool",
    answers: answers({ 200: SNAPSHOT }),
    refusals: OF_POOL,
  },
  {
    method: "get",
    path: `${POOL}/events`,
    name: "watchPool",
    needs: "look",
    summary: "What happens to the pool, and how it is, as it changes",
    headers: { "Last-Event-ID": "The last event that is known: only newer ones are sent." },
    answers: answers({
      200: { description: "Server-sent events, without end.", types: ["text/event-stream"] },
    }),
    refusals: OF_POOL,
  },
  {
    method: "post",
    path: `${POOL}/drain`,
    name: "drainPool",
    needs: "drain",
    summary: "Has requests wait, and waits for those in flight",
    body: drainBody,
    answers: answers({
      200: { description: "The pool is drained.", json: "Pool" },
      202: { description: "Leases remain, or with `extend` there was no drain to extend.", json: "Pool" },
    }),
    refusals: [...OF_POOL, "invalid-request", "drain-held"],
  },
  {
    method: "post",
    path: `${POOL}/stop`,
    name: "stopPool",
    needs: "drain",
    summary: "Has requests refused, and waits for those in flight",
    body: stopBody,
    answers: answers({
      200: { description: "The pool is stopped.", json: "Pool" },
      202: { description: "Leases remain.", json: "Pool" },
    }),
    refusals: [...OF_POOL, "invalid-request", "drain-held"],
  },
  {
    method: "post",
    path: `${POOL}/resume`,
    name: "resumePool",
    needs: "drain",
    summary: "Ends a drain or a stop",
    body: resumeBody,
    answers: answers({ 200: SNAPSHOT }),
    refusals: [...OF_POOL, "invalid-request", "drain-held"],
  },
  {
    method: "patch",
    path: `${POOL}/servers/{server}`,
    name: "changeServer",
    needs: "servers",
    summary: "Changes a server's state, slots or weight",
    body: serverBody,
    answers: answers({ 200: SNAPSHOT }),
    refusals: [...OF_POOL, "invalid-request", "unknown-server", "state-changed"],
  },
  {
    method: "put",
    path: `${POOL}/servers/{server}`,
    name: "registerServer",
    needs: "register",
    summary: "Has a server come, and stay for a while",
    body: registrationBody,
    answers: answers({
      200: {
        description: "It was there: it stays, perhaps with other slots or another weight.",
        json: "Server",
      },
      201: { description: "It has come, or come again.", json: "Server" },
    }),
    refusals: [...OF_POOL, "invalid-request", "server-known", "registration-refused", "registration-full"],
  },
  {
    method: "delete",
    path: `${POOL}/servers/{server}`,
    name: "removeServer",
    needs: "register",
    summary: "Has a server go that has registered, and waits for its requests",
    query: removalQuery,
    answers: answers({
      200: { description: "It is gone.", json: "Leaving" },
      202: { description: "It gets no more requests, and has some in flight.", json: "Leaving" },
    }),
    refusals: [...OF_POOL, "invalid-request", "unknown-server"],
  },
  {
    method: "delete",
    path: `${POOL}/leases/{lease}`,
    name: "freeLease",
    needs: "slots",
    summary: "Frees a slot whose server is known to be idle",
    answers: answers({ 200: SNAPSHOT }),
    refusals: [...OF_POOL, "unknown-lease"],
  },
  {
    method: "get",
    path: DEFERRED,
    name: "listDeferred",
    needs: "look",
    summary: "The deferred requests, in the order in which they came",
    query: deferredQuery,
    answers: answers({ 200: { description: "A part of the list.", json: "DeferredRequests" } }),
    refusals: [...OF_POOL, "invalid-request"],
  },
  {
    method: "delete",
    path: `${DEFERRED}/{id}`,
    name: "cancelDeferred",
    needs: "deferred",
    summary: "Cancels a deferred request; forgets one that has ended",
    query: cancelQuery,
    answers: answers({
      202: { description: "It runs, and is being stopped.", json: "Stopping" },
      204: { description: "It is off the list, or forgotten." },
    }),
    refusals: [...OF_POOL, "invalid-request", "unknown-request", "already-ended"],
  },
  {
    method: "post",
    path: `${DEFERRED}/{id}/retry`,
    name: "retryDeferred",
    needs: "deferred",
    summary: "Tries a deferred request again that has failed",
    answers: answers({ 202: { description: "It waits again.", json: "QueuedAgain" } }),
    refusals: [
      ...OF_POOL,
      "unknown-request",
      "not-failed",
      "deferred-full",
      "flow-queue-full",
      "stopped",
      "no-server",
      "idempotency-mismatch",
    ],
  },
];

const PREFER = {
  Prefer: "`wait=30`: answers when the state changes, at the latest after so many seconds (300 at most).",
};
const OF_REQUEST = ["unknown-request", "pool-unavailable", "misconfigured"] as const;

/** For clients, who have an id and no token. Served on the pools' hosts while any pool has `deferred`. */
export const REQUEST_ROUTES: readonly Route[] = [
  {
    method: "get",
    path: REQUEST,
    name: "getRequest",
    summary: "What has become of a deferred request",
    headers: PREFER,
    answers: answers({
      200: {
        description: "Its status: JSON, a page, or a stream that ends with the request.",
        json: "RequestStatus",
        types: ["text/html", "text/event-stream"],
        headers: RETRY_AFTER,
      },
    }),
    refusals: OF_REQUEST,
  },
  {
    method: "delete",
    path: REQUEST,
    name: "forgetRequest",
    summary: "Cancels a deferred request; forgets one that has ended",
    answers: answers({
      202: { description: "It runs, and is being stopped." },
      204: { description: "It is off the list, or forgotten." },
    }),
    refusals: OF_REQUEST,
  },
  {
    method: "get",
    path: `${REQUEST}/response`,
    name: "getResponse",
    summary: "The server's answer to a deferred request",
    headers: PREFER,
    answers: answers({
      202: { description: "There is none yet.", json: "RequestStatus", headers: RETRY_AFTER },
      default: {
        description:
          "The server's answer as it came: status, headers, body. Of a request that has failed, its refusal.",
        types: ["*/*"],
      },
    }),
    refusals: [...OF_REQUEST, "canceled"],
  },
];
