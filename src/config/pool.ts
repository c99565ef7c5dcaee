/** The keys of `[vars.POOLS.<name>]` with their defaults, in the order of the documentation. */
import * as z from "zod/mini";
import { balance } from "./balance.ts";
import { check } from "./check.ts";
import { deferredKeys } from "./deferred.ts";
import { duration, flag, oneOf, size, table, tableOr, whole } from "./fields.ts";
import { flow, waitingPage } from "./flow.ts";
import { freePaths } from "./free-paths.ts";
import { hostPatterns } from "./hosts.ts";
import { MAX_QUEUE, PER_FLOW, RETRIES, SHARDS, SLOTS, USUAL_QUEUE_TIMEOUT, USUAL_SLOTS } from "./limits.ts";
import { logHeaders } from "./log-headers.ts";
import { pathPrefixes, requestPath } from "./names.ts";
import { pages } from "./pages.ts";
import { priorities } from "./priorities.ts";
import { registerKeys } from "./register.ts";
import { requestHeaders } from "./request-headers.ts";
import { busyAnswers } from "./retry-on.ts";
import { servers, serversOrRegister } from "./servers.ts";
import { shaped } from "./shape.ts";
import type { PoolConfig, ServerConfig, ServerTimeout } from "./types.ts";
import { wakeKeys } from "./wake.ts";

/** As in workers-types of 2026-11-17 and developers.cloudflare.com/durable-objects/reference/data-location. */
export const LOCATION_HINTS = [
  "wnam",
  "enam",
  "sam",
  "weur",
  "eeur",
  "apac",
  "apac-ne",
  "apac-se",
  "oc",
  "afr",
  "me",
] as const satisfies readonly DurableObjectLocationHint[];

/** All requests of a Worker share 128 MB. */
const LARGEST_BUFFER = "64MiB";

const quarantine = table({
  max: z.optional(duration("1ms")),
  broken: z.prefault(duration(), "1s"),
  cancel: z.prefault(duration(), "1s"),
  probe: z.optional(requestPath()),
});

const serverTimeout = tableOr(
  table({ first_byte: z.prefault(duration("1ms"), "2m"), between: z.prefault(duration("1ms"), "2m") }),
  duration("1ms", ", or a table of first_byte, between"),
);

/** The keys that decide which requests a pool serves. */
export const routingKeys = {
  hosts: z.prefault(hostPatterns(), ["*"]),
  path_prefix: z.prefault(pathPrefixes(), "/"),
};

const keys = shaped(
  table({
    ...routingKeys,
    slots: z._default(whole(...SLOTS), USUAL_SLOTS),
    servers: z.optional(servers()),
    shards: z._default(whole(...SHARDS), 1),
    register: z.optional(registerKeys),
    wake: z.optional(wakeKeys),
    balance: z.prefault(balance(), "roundrobin"),
    slow_start: z.prefault(duration(), "0s"),
    max_queue: z._default(whole(...MAX_QUEUE), 1000),
    queue_timeout: z.prefault(duration("1ms"), USUAL_QUEUE_TIMEOUT),
    flow: z.optional(flow()),
    max_queue_per_flow: z.optional(whole(...PER_FLOW)),
    max_in_flight_per_flow: z.optional(whole(...PER_FLOW)),
    priorities: z.prefault(priorities(), []),
    waiting_page: z.optional(waitingPage()),
    server_timeout: z.prefault(serverTimeout, {}),
    connect_timeout: z.prefault(duration("1ms"), "10s"),
    client_timeout: z.prefault(duration("1ms"), "1m"),
    longest: z.optional(duration("1ms")),
    websocket_idle: z.optional(duration("1ms")),
    retries: z._default(whole(...RETRIES), 3),
    redispatch: z._default(flag(), true),
    retry_non_idempotent: z._default(flag(), false),
    retry_on: z.prefault(busyAnswers(), []),
    check: z.optional(check),
    when_down: z._default(oneOf(["hold", "refuse"]), "hold"),
    on_client_abort: z._default(oneOf(["finish", "cancel"]), "finish"),
    quarantine: z.prefault(quarantine, {}),
    host_header: z._default(oneOf(["server", "client"]), "server"),
    headers: z.prefault(requestHeaders(), {}),
    pages: z.prefault(pages(), {}),
    free_paths: z.prefault(freePaths(), []),
    free_paths_in_drain: z._default(flag(), false),
    log_headers: z.prefault(logHeaders(), []),
    log_address: z._default(flag(), false),
    traceparent: z._default(oneOf(["make", "pass"]), "make"),
    cooldown: z.prefault(duration(), "0s"),
    drain_expires: z.prefault(duration("1ms"), "15m"),
    deferred: z.optional(deferredKeys),
    buffer_request: z.prefault(size(LARGEST_BUFFER), "1MiB"),
    buffer_response: z.prefault(size(LARGEST_BUFFER), "1MiB"),
    location_hint: z.optional(oneOf(LOCATION_HINTS)),
  }).check(serversOrRegister()),
  {
    anyOf: [{ required: ["servers"], properties: { servers: { minItems: 1 } } }, { required: ["register"] }],
  },
);

/** What of a pool its own table says: whether its bindings exist, and so what its servers are, that does not say. */
export type ParsedPool = Omit<PoolConfig, "name" | "servers"> & { servers: Omit<ServerConfig, "identity">[] };

export const poolKeys = z.pipe(keys, z.transform(toPool));

function toPool(given: z.output<typeof keys>): ParsedPool {
  return {
    hosts: [...new Set(given.hosts)],
    pathPrefixes: [...new Set([given.path_prefix].flat())],
    slots: given.slots,
    servers: (given.servers ?? []).map(({ headers = [], ...server }) => ({
      ...server,
      slots: server.slots ?? given.slots,
      binding: server.binding ?? null,
      headers: [...new Map([...given.headers, ...headers])],
    })),
    shards: given.shards,
    register: given.register ?? null,
    wake: given.wake ?? null,
    balance: given.balance,
    slowStartMs: given.slow_start,
    maxQueue: given.max_queue,
    queueTimeoutMs: given.queue_timeout,
    flow: given.flow ?? null,
    maxQueuePerFlow: given.max_queue_per_flow ?? null,
    maxInFlightPerFlow: given.max_in_flight_per_flow ?? null,
    priorities: given.priorities,
    waitingPageMs: given.waiting_page ?? null,
    serverTimeout: toServerTimeout(given.server_timeout),
    connectTimeoutMs: given.connect_timeout,
    clientTimeoutMs: given.client_timeout,
    longestMs: given.longest ?? null,
    websocketIdleMs: given.websocket_idle ?? null,
    retries: given.retries,
    redispatch: given.redispatch,
    retryNonIdempotent: given.retry_non_idempotent,
    retryOn: given.retry_on,
    check: given.check ?? null,
    whenDown: given.when_down,
    onClientAbort: given.on_client_abort,
    quarantine: {
      maxMs: given.quarantine.max ?? longestSilence(given.server_timeout),
      brokenMs: given.quarantine.broken,
      cancelMs: given.quarantine.cancel,
      probe: given.quarantine.probe ?? null,
    },
    hostHeader: given.host_header,
    headers: given.headers,
    pages: given.pages,
    freePaths: given.free_paths,
    freePathsInDrain: given.free_paths_in_drain,
    logHeaders: given.log_headers,
    logAddress: given.log_address,
    traceparent: given.traceparent,
    cooldownMs: given.cooldown,
    drainExpiresMs: given.drain_expires,
    deferred: given.deferred ?? null,
    bufferRequestBytes: given.buffer_request,
    bufferResponseBytes: given.buffer_response,
    locationHint: given.location_hint ?? null,
  };
}

type GivenServerTimeout = z.output<typeof serverTimeout>;

function toServerTimeout(given: GivenServerTimeout): ServerTimeout {
  if (typeof given === "number") return { firstByteMs: given, betweenMs: given };
  return { firstByteMs: given.first_byte, betweenMs: given.between };
}

function longestSilence(given: GivenServerTimeout): number {
  const { firstByteMs, betweenMs } = toServerTimeout(given);
  return Math.max(firstByteMs, betweenMs);
}
