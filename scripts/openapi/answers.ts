/**
 * The shapes of Sluice's own answers, which no code judges at run time. The compiler holds each against the type that the
 * Worker answers with: a member that is missing here, or too much, does not compile.
 */
import * as z from "zod";
import type { AuditList } from "../../src/admin/audit.ts";
import type { DeferredList, ListedRequest, QueuedAgain } from "../../src/admin/deferred.ts";
import type { Me } from "../../src/admin/operator.ts";
import { RIGHTS } from "../../src/config/rights.ts";
import { AUDIT_ANSWERS, CHANGES } from "../../src/link/audit.ts";
import { END_STATES } from "../../src/link/deferral.ts";
import type { RequestStatus } from "../../src/requests/request-status.ts";
import type { RecentRefusal } from "../../src/scheduler/record/recent-refusals.ts";
import type { LeaseSnapshot, ServerSnapshot, Snapshot } from "../../src/scheduler/snapshot.ts";

/** Takes a schema of exactly `T`. */
const exactly =
  <T>() =>
  <S extends z.ZodType<T>>(
    schema: T extends z.output<S> ? (keyof T extends keyof z.output<S> ? S : never) : never,
  ): S =>
    schema as S;

const right = z.enum(RIGHTS);
const instant = z.iso.datetime();
const count = z.int().min(0);
const rate = z.number().min(0).nullable();
const via = z.enum(["admin-token", "token", "access"]);
const requestState = z.enum(["queued", "running", ...END_STATES]);

const lease = exactly<LeaseSnapshot>()(
  z.object({
    id: z.string(),
    since: instant.describe("When the request got the slot."),
    quarantined: z.boolean(),
    quarantinedSince: instant.optional(),
    until: instant.optional().describe("When the quarantine ends at the latest."),
  }),
);

const cut = z.object({ at: instant, done: z.boolean(), leases: count.optional() });

const server = exactly<ServerSnapshot>()(
  z.object({
    name: z.string(),
    url: z.string(),
    binding: z.string().optional().describe("The Worker's binding by which it is reached, if it has one."),
    state: z.enum(["ready", "drain", "maint"]).describe("What operators want of it."),
    stateSince: instant.nullable(),
    stateOwner: z.string().optional(),
    changedBy: z.string().optional().describe("The operator who changed it last."),
    health: z.enum(["up", "down", "unchecked"]),
    healthSince: instant.nullable(),
    warmUntil: instant
      .optional()
      .describe("Of a server that came up a short time ago: until then its share grows (`slow_start`)."),
    lastCheck: z
      .object({
        at: instant,
        passed: z.boolean(),
        got: z.string().describe("In words, such as `status 301`."),
      })
      .nullable(),
    cut: cut.optional().describe("Of a server that is being taken out, if its leases are to be cut off."),
    registered: z
      .object({ by: z.string(), since: instant, expiresAt: instant.nullable() })
      .optional()
      .describe("Of a server that registered itself: it leaves at `expiresAt` unless it registers again."),
    slots: count,
    weight: count,
    configured: z
      .object({ slots: count, weight: count })
      .optional()
      .describe("What the configuration says, if an operator has changed either."),
    backup: z.boolean(),
    inFlight: count,
    quarantined: count,
    leases: z.array(lease),
    shard: count
      .optional()
      .describe(
        "Of a pool of several objects: the number of that which grants its slots; absent: none does at the moment.",
      ),
  }),
);

const drain = z
  .object({
    owner: z.string(),
    by: z.string().describe("The operator who began it."),
    reason: z.string().nullable(),
    since: instant,
    expiresAt: instant,
    cut: cut
      .nullable()
      .describe("When the leases that are still held are cut off. `done`: they were, so many `leases`."),
    stop: z
      .object({ message: z.string().nullable() })
      .nullable()
      .describe("In a stop, whose message refused clients get. Null: it is a drain, in which requests wait."),
  })
  .nullable();

const recentRefusal = exactly<RecentRefusal>()(
  z.object({
    code: z.string(),
    deferred: z.boolean().describe("True of deferred requests that have failed."),
    count: count.describe("How many, since the first of them."),
    since: instant.describe("When the first came of those that followed each other closely."),
    until: instant.describe("When the latest came."),
  }),
);
const flow = z
  .object({
    key: z
      .string()
      .nullable()
      .describe("A hash, as in the log. Null: of all requests that do not have what `flow` asks for."),
    queued: count,
    inFlight: count.describe("Slots whose servers may be at work for it."),
    oldestWaitMs: count.describe("0 if none waits."),
    share: z.number().describe("Of the time that requests were at servers in about the last minute, 0 to 1."),
  })
  .describe("The requests of one client, as far as `flow` tells clients apart.");
const shard = z
  .object({
    shard: count,
    reachable: z
      .boolean()
      .describe("False: it does not answer, and what it was last heard of stands in the pool's numbers."),
    slots: count.describe("Of the servers that are its own."),
    inFlight: count,
    queued: count,
  })
  .describe("One of the objects that a pool is.");
const percentiles = z.object({ p50: count, p95: count, p99: count }).nullable();

const snapshot = exactly<Snapshot>()(
  z.object({
    name: z.string(),
    state: z
      .enum(["running", "draining", "drained", "stopping", "stopped"])
      .describe(
        "`draining`, `stopping`: leases remain. `drained`, `stopped`: no server can still be working for the pool, or its leases were cut off.",
      ),
    drain: drain.describe("Null while the pool runs."),
    inFlight: count.describe("Slots whose server may be at work for the pool, those in quarantine included."),
    quarantined: count,
    queued: count.describe("How many requests wait, deferred ones included."),
    oldestWaitMs: count.describe("Of those whose clients hold their connections; 0 if none waits."),
    maxQueue: count.nullable().describe("How many direct requests may wait; null: no limit is known."),
    queueTimeoutMs: count.describe("How long a direct request may wait."),
    arrivalsPerSecond: rate.describe("New requests, refused ones included; null: not known yet."),
    grantsPerSecond: rate.describe("Requests that got their first slot; null: not known yet."),
    fullInMs: count
      .nullable()
      .describe("When the waiting list is full, if all goes on as it does; 0: it is. Null: nothing says so."),
    firstTimeoutInMs: count
      .nullable()
      .describe("When the oldest direct request times out if it gets no slot until then; null: none waits."),
    timeLeft: z
      .object({ ms: count, until: z.enum(["queue-full", "queue-timeout", "drain-expiry"]) })
      .nullable()
      .describe(
        "In a drain, and while requests are held because no server takes any: until a request is refused, or the drain ends by itself. Otherwise null.",
      ),
    waitMs: percentiles.describe("Waits of direct requests for their first slot, in the last ten minutes."),
    serviceMs: percentiles.describe("From the slot to the server's last byte, in the last ten minutes."),
    flows: z
      .array(flow)
      .optional()
      .describe(
        "Ten at most: those of which requests wait, who wait longest first, then those that have slots.",
      ),
    longestFlow: count.optional().describe("How many requests wait of the flow of which most do."),
    deferred: z
      .object({ queued: count, running: count, answered: count, failed: count, oldestMs: count })
      .optional()
      .describe("Absent if the pool stores no requests."),
    slots: count,
    shards: z.array(shard).optional().describe("Of a pool of several objects: each of them, by its number."),
    checks: z.boolean().describe("Whether the pool has health checks."),
    servers: z.array(server),
    totals: z
      .object({
        accepted: count,
        completed: count,
        refused: z.record(z.string(), count).describe("By the refusal's code."),
        retried: count,
        abandoned: count,
        free: count.describe("Requests that went to a server without a slot (`free_paths`)."),
        passedOn: count.describe(
          "Leases that were passed on from one request to the next within an isolate of the Worker.",
        ),
      })
      .describe("Counted since the pool was created."),
    lastWake: z
      .object({ at: instant, got: z.string() })
      .optional()
      .describe("When the pool last asked for servers by `wake`, and what it got, in words."),
    recentRefusals: z
      .array(recentRefusal)
      .describe("What was refused in the minute before, by the refusal's code. Empty: nothing was."),
    revision: z
      .object({ since: instant, number: count })
      .describe("Orders the snapshots of one pool: by `since`, then by `number`."),
  }),
);

const listed = exactly<ListedRequest>()(
  z.object({
    id: z
      .string()
      .nullable()
      .describe("All that anybody needs to read the answer: a secret. Null without the right `deferred`."),
    number: count.describe("Rises with each request; a retry gets a new one."),
    state: requestState,
    method: z.string(),
    path: z.string().describe("Without the query; at most 200 characters."),
    acceptedAt: instant,
    startedAt: instant.nullable(),
    endedAt: instant.nullable(),
    attempts: count.describe("0 before the end."),
    status: count.nullable().describe("Of the answer, or of the refusal in its place."),
    code: z.string().nullable(),
  }),
);

const deferredList = exactly<DeferredList>()(
  z.object({
    requests: z.array(listed),
    next: count.nullable().describe("To be given as `after` for those that follow; null: there are none."),
  }),
);

const queuedAgain = exactly<QueuedAgain>()(
  z.object({
    id: z.string(),
    state: z.literal("queued"),
    place: count,
    estimatedStartAt: instant.nullable(),
  }),
);

const requestStatus = exactly<RequestStatus>()(
  z.object({
    id: z.string(),
    state: requestState,
    place: count.nullable().describe("1 for the next in line."),
    estimatedStartAt: instant.nullable(),
    acceptedAt: instant,
    startedAt: instant.nullable(),
    endedAt: instant.nullable(),
    attempts: count,
    expiresAt: instant.describe("When it is given up; once it has ended, when it is forgotten."),
    response: z.object({ status: count, url: z.string() }).nullable(),
    problem: z
      .object({ type: z.string(), title: z.string(), status: count, detail: z.string(), code: z.string() })
      .nullable(),
  }),
);

const problem = z
  .object({
    type: z.literal("about:blank"),
    title: z.string(),
    status: count,
    detail: z.string().optional().describe("What is wrong, in words."),
    instance: z.string().describe("The id of the request, as in the header X-Request-Id and in the log."),
    code: z.string().optional().describe("Which refusal it is. Absent only from an internal error."),
    pool: z.string().optional(),
    drain: drain
      .optional()
      .describe("Of drain-held: the drain that is in the way. Null: it has ended meanwhile."),
    right: right.optional().describe("Of forbidden: the right that is missing."),
  })
  .describe("A refusal (RFC 9457).");

const me = exactly<Me>()(
  z.object({
    name: z.string().describe("What their drains and changes are told of by."),
    via,
    pools: z.record(z.string(), z.array(right)).describe("The rights, by pool."),
  }),
);

const change = exactly<AuditList["changes"][number]>()(
  z.object({
    pool: z.string(),
    id: count.describe("Rises by one with each entry of the pool."),
    at: instant,
    by: z.string(),
    via: z.enum([...via.options, "serve"]),
    address: z.string().nullable().describe("The operator's, if it is known."),
    agent: z.string().nullable().describe("What the operator's program says that it is."),
    act: z.enum(CHANGES),
    owner: z.string().optional().describe("Of the drain, or of the server's state."),
    reason: z.string().optional(),
    message: z.string().optional().describe("Of a stop."),
    url: z.string().optional().describe("Of a server that registers, or was to be removed."),
    cutMs: count.optional().describe("After how long leases that are still held were to be cut off."),
    expiresMs: count
      .optional()
      .describe("After how long the drain was to end by itself, or the server to leave."),
    extend: z.literal(true).optional().describe("A drain was to be extended, and none to be begun."),
    force: z.literal(true).optional().describe("The drain was to be ended whosever it is."),
    server: z.string().optional(),
    state: z.enum(["ready", "drain", "maint"]).optional(),
    slots: count.nullable().optional().describe("Null: as the configuration says."),
    weight: count.nullable().optional().describe("Null: as the configuration says."),
    ifState: z.enum(["ready", "drain", "maint"]).optional(),
    lease: z.string().optional(),
    number: count.optional().describe("Of a deferred request, on the list."),
    forget: z.literal(true).optional().describe("A request that has ended was to be forgotten."),
    answer: z
      .enum(AUDIT_ANSWERS)
      .describe("`nothing`: there was no drain to extend or to end. A refusal's code: it was refused."),
    count: count.optional().describe("How often it was asked for between `at` and `until`."),
    until: instant.optional(),
  }),
);

const audit = exactly<AuditList>()(
  z.object({
    changes: z.array(change).describe("Newest first."),
    next: z
      .string()
      .nullable()
      .describe("To be given as `before` for those that follow; null: there are none."),
    unreachable: z.array(z.string()).describe("The names of the pools whose object does not answer."),
  }),
);

/** By the names that they have in the document. */
export const ANSWERS = {
  Lease: lease,
  Server: server,
  Pool: snapshot,
  Pools: z.object({
    pools: z.array(snapshot),
    unreachable: z.array(z.string()).describe("The names of those whose object does not answer."),
  }),
  DeferredRequest: listed,
  DeferredRequests: deferredList,
  QueuedAgain: queuedAgain,
  Stopping: z.object({ id: z.string(), state: z.literal("running") }),
  Leaving: z.object({ name: z.string(), inFlight: count.describe("Its slots that are in flight.") }),
  Health: z.object({ status: z.literal("ok") }),
  Me: me,
  Change: change,
  Changes: audit,
  RequestStatus: requestStatus,
  Problem: problem,
} as const satisfies Record<string, z.ZodType>;

export type AnswerName = keyof typeof ANSWERS;
