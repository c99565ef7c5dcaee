import type { PoolMetrics } from "../../link/protocol.ts";
import {
  BOUNDS_MS,
  type Counts,
  emptyHistogram,
  type Histogram,
  type ServerCounts,
} from "../../scheduler/record/counters.ts";
import type { ServerSnapshot, ShardSnapshot, SnapshotContent } from "../../scheduler/snapshot.ts";
import type { Family, Labels, Sample } from "./exposition.ts";

export interface PoolScrape {
  pool: string;
  /** `null`: the pool's object did not answer. */
  metrics: PoolMetrics | null;
}

type Kind = Omit<Family, "samples">;
type Value = { labels?: Labels; value: number; suffix?: string };

/** Exported from the start: the first request of its kind then raises a counter instead of making a new series. */
const USUAL_CLASSES = ["2xx", "3xx", "4xx", "5xx"];
const SERVER_STATES = ["ready", "drain", "maint"];
const DEFERRED_STATES = ["queued", "running", "answered", "failed"] as const;
const REFUSALS = [
  "queue-full",
  "queue-timeout",
  "no-server",
  "bad-gateway",
  "server-timeout",
  "client-timeout",
];

export function familiesOf(scrapes: readonly PoolScrape[], now: number): Family[] {
  const reachable = scrapes.map(({ pool, metrics }) => ({ labels: { pool }, value: metrics ? 1 : 0 }));
  const all = scrapes.flatMap(({ pool, metrics }) => (metrics ? [{ pool, ...metrics }] : []));
  return [
    {
      name: "sluice_pool_reachable",
      type: "gauge",
      help: "Whether the pool's object answered this scrape; if not, the pool has no other samples.",
      samples: reachable,
    },
    ...FAMILIES.map(({ kind, values }) => ({
      ...kind,
      samples: all.flatMap(({ pool, snapshot, counts }) =>
        values(snapshot, counts, now).map(
          ({ labels, ...rest }): Sample => ({ labels: { pool, ...labels }, ...rest }),
        ),
      ),
    })),
  ];
}

function family(
  type: Kind["type"],
  name: string,
  help: string,
  values: (snapshot: SnapshotContent, counts: Counts, now: number) => Value[],
) {
  return { kind: { type, name, help }, values };
}

const FAMILIES = [
  family(
    "gauge",
    "sluice_shard_reachable",
    "Whether this shard of the pool answered; if not, the other samples have what it was last heard of.",
    perShard(({ reachable }) => +reachable),
  ),
  family(
    "gauge",
    "sluice_shard_queue_length",
    "Requests that wait for a slot at this shard of the pool.",
    perShard(({ queued }) => queued),
  ),
  family(
    "gauge",
    "sluice_pool_state",
    "1 for the state that the pool is in, 0 for the others.",
    ({ state }) =>
      ["running", "draining", "drained", "stopping", "stopped"].map((one) => ({
        labels: { state: one },
        value: one === state ? 1 : 0,
      })),
  ),
  family(
    "gauge",
    "sluice_slots",
    "Requests that the server may have in flight.",
    perServer((s) => s.slots),
  ),
  family(
    "gauge",
    "sluice_in_flight",
    "Slots whose server may be at work, quarantined ones included.",
    perServer((server) => server.inFlight),
  ),
  family(
    "gauge",
    "sluice_quarantined",
    "Slots whose request was cut off and whose server may still be busy.",
    perServer((server) => server.quarantined),
  ),
  family(
    "gauge",
    "sluice_server_up",
    "0 if the server is down, else 1.",
    perServer((s) => +(s.health !== "down")),
  ),
  family(
    "gauge",
    "sluice_server_state",
    "1 for the state that the operator has given the server, 0 for the others.",
    ({ servers }) =>
      servers.flatMap(({ name, state }) =>
        SERVER_STATES.map((one) => ({ labels: { server: name, state: one }, value: +(one === state) })),
      ),
  ),
  family(
    "gauge",
    "sluice_server_weight",
    "The server's share of the requests; 0: it gets no new ones.",
    perServer((server) => server.weight),
  ),
  family(
    "gauge",
    "sluice_queue_length",
    "Requests that wait for a slot, deferred ones included.",
    ({ queued }) => [{ value: queued }],
  ),
  family(
    "gauge",
    "sluice_queue_oldest_seconds",
    "How long the oldest request has waited that holds its client's connection.",
    ({ oldestWaitMs }) => [{ value: oldestWaitMs / 1000 }],
  ),
  family(
    "gauge",
    "sluice_flow_queue_length_max",
    "How many of them are of the flow of which most wait; only of pools that tell clients apart (flow).",
    ({ longestFlow }) => optional(longestFlow ?? null),
  ),
  family(
    "gauge",
    "sluice_queue_limit",
    "Requests that may wait with their clients' connections (max_queue).",
    ({ maxQueue }) => optional(maxQueue),
  ),
  family(
    "gauge",
    "sluice_queue_timeout_seconds",
    "How long such a request may wait (queue_timeout).",
    ({ queueTimeoutMs }) => [{ value: queueTimeoutMs / 1000 }],
  ),
  family(
    "gauge",
    "sluice_queue_full_seconds",
    "Time until as many wait as may, if all goes on as it does; 0 if they do; absent if nothing says so.",
    ({ fullInMs }) => optional(fullInMs === null ? null : fullInMs / 1000),
  ),
  family(
    "gauge",
    "sluice_deferred",
    "Deferred requests: those that wait, those with a slot, and those that are kept after their end.",
    ({ deferred }) =>
      deferred ? DEFERRED_STATES.map((state) => ({ labels: { state }, value: deferred[state] })) : [],
  ),
  family(
    "gauge",
    "sluice_deferred_oldest_seconds",
    "How long the oldest deferred request has waited; 0 if none waits.",
    ({ deferred }) => (deferred ? [{ value: deferred.oldestMs / 1000 }] : []),
  ),
  family(
    "gauge",
    "sluice_drain_expires_seconds",
    "Time left until the drain ends by itself; absent while the pool is running.",
    ({ drain }, _, now) => (drain ? [{ value: Math.max(0, Date.parse(drain.expiresAt) - now) / 1000 }] : []),
  ),
  family(
    "counter",
    "sluice_requests_total",
    "Requests by what became of them: the class of the server's status, or the code of the refusal.",
    ({ flows }, { answered, refused }) => [
      ...byCode(USUAL_CLASSES, answered),
      ...byCode(flows ? [...REFUSALS, "flow-queue-full"] : REFUSALS, refused),
    ],
  ),
  family(
    "counter",
    "sluice_retries_total",
    "Attempts that the server failed, or was busy for (retry_on), and that another one followed.",
    ({ servers }, counts) => perServerCount(servers, counts, (one) => [{ value: one?.retried ?? 0 }]),
  ),
  family(
    "counter",
    "sluice_abandoned_total",
    "Requests whose client, or whose Worker, was gone first.",
    (_, counts) => [{ value: counts.abandonedTold }],
  ),
  family(
    "counter",
    "sluice_free_requests_total",
    "Requests that went to a server without a slot (free_paths).",
    (_, { free }) => [{ value: free }],
  ),
  family(
    "counter",
    "sluice_passed_on_total",
    "Leases that were passed on from one request to the next within an isolate of the Worker.",
    (_, { passedOn }) => [{ value: passedOn }],
  ),
  family("counter", "sluice_drains_total", "Drains and stops that have begun.", (_, { drains }) => [
    { value: drains },
  ]),
  family(
    "histogram",
    "sluice_queue_wait_seconds",
    "From a request's arrival to its first slot.",
    (_, { waits }) => buckets(waits),
  ),
  family(
    "histogram",
    "sluice_service_seconds",
    "From a slot to the last byte of the server's answer.",
    ({ servers }, counts) =>
      perServerCount(servers, counts, (one) => buckets(one?.service ?? emptyHistogram())),
  ),
];

/** `null`: no sample, as the value is not known. */
function optional(value: number | null): Value[] {
  return value === null ? [] : [{ value }];
}

function perServer(value: (server: ServerSnapshot) => number): (snapshot: SnapshotContent) => Value[] {
  return ({ servers }) =>
    servers.map((server) => ({ labels: { server: server.name }, value: value(server) }));
}

/** Only of pools of several shards. */
function perShard(value: (shard: ShardSnapshot) => number): (snapshot: SnapshotContent) => Value[] {
  return ({ shards = [] }) =>
    shards.map((shard) => ({ labels: { shard: String(shard.shard) }, value: value(shard) }));
}

function perServerCount(
  servers: ServerSnapshot[],
  counts: Counts,
  values: (counts: ServerCounts | undefined) => Value[],
): Value[] {
  const known = new Map(counts.servers.map((one) => [one.name, one]));
  return servers.flatMap(({ name }) =>
    values(known.get(name)).map(({ labels, ...rest }) => ({ labels: { server: name, ...labels }, ...rest })),
  );
}

function byCode(usual: string[], counted: Record<string, number>): Value[] {
  const codes = new Set([...usual, ...Object.keys(counted)]);
  return [...codes].map((code) => ({ labels: { code }, value: counted[code] ?? 0 }));
}

function buckets({ counts, sumMs }: Histogram): Value[] {
  let below = 0;
  const upTo = counts.map((count, index) => {
    below += count;
    const bound = BOUNDS_MS[index];
    return {
      suffix: "_bucket",
      labels: { le: bound === undefined ? "+Inf" : String(bound / 1000) },
      value: below,
    };
  });
  return [...upTo, { suffix: "_sum", value: sumMs / 1000 }, { suffix: "_count", value: below }];
}
