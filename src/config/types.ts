import type { FreePath } from "./free-paths.ts";
import type { LogHeaders } from "./log-headers.ts";
import type { Pages } from "./pages.ts";
import type { RequestHeaders } from "./request-headers.ts";

/** `[vars.POOLS]` as the rest of Sluice sees it: every key present and valid, in milliseconds and bytes. */

export interface Config {
  pools: ReadonlyMap<string, PoolConfig>;
}

export interface PoolConfig {
  name: string;
  /** Patterns in lower case: exact, `*.example.com` or `*`. */
  hosts: string[];
  /** Beginnings of paths; at least one. */
  pathPrefixes: string[];
  /** The default of `servers[].slots`, which is already applied there. */
  slots: number;
  servers: ServerConfig[];
  /** How many Durable Objects the pool is, among which its servers are divided. */
  shards: number;
  /** Which servers may come by themselves; `null`: none. */
  register: RegisterConfig | null;
  /** Whom to ask for servers when requests wait and none is up; `null`: nobody. */
  wake: WakeConfig | null;
  balance: "roundrobin" | "leastconn" | "first" | "random" | HashedPart;
  /** How long the share of a server that came up grows; 0: it has all of it at once. */
  slowStartMs: number;
  maxQueue: number;
  queueTimeoutMs: number;
  /** What tells clients apart, who then share the servers' time; `null`: nothing, all are one flow. */
  flow: FlowPart | null;
  /** Most requests of one flow that wait, deferred ones included; `null`: no limit. */
  maxQueuePerFlow: number | null;
  /** Most slots that one flow holds; `null`: no limit. */
  maxInFlightPerFlow: number | null;
  /** Whose requests go ahead. The first that matches counts. */
  priorities: readonly Priority[];
  /** How long a browser waits before it gets a page that shows its place; `null`: there is no such page. */
  waitingPageMs: number | null;
  serverTimeout: ServerTimeout;
  connectTimeoutMs: number;
  clientTimeoutMs: number;
  /** Longest time of one request at a server, streams and WebSockets included; `null`: no limit. */
  longestMs: number | null;
  /** Longest silence in both directions; `null`: no limit. */
  websocketIdleMs: number | null;
  retries: number;
  redispatch: boolean;
  retryNonIdempotent: boolean;
  /** Answers by which a server says that it is busy with another request. */
  retryOn: BusyAnswer[];
  check: CheckConfig | null;
  whenDown: "hold" | "refuse";
  onClientAbort: "finish" | "cancel";
  quarantine: QuarantineConfig;
  hostHeader: "server" | "client";
  /** The default of `servers[].headers`, which is already applied there. */
  headers: RequestHeaders;
  /** Own bodies for refusals. */
  pages: Pages;
  /** Requests that go to a server without a slot. */
  freePaths: readonly FreePath[];
  /** True if they do so in a drain too. */
  freePathsInDrain: boolean;
  logHeaders: LogHeaders;
  /** True if the log has the client's address. */
  logAddress: boolean;
  /** `make`: a request without a valid `traceparent` gets one; `pass`: whatever comes is passed on. */
  traceparent: "make" | "pass";
  cooldownMs: number;
  drainExpiresMs: number;
  /** `null`: no request is stored to be worked later. */
  deferred: DeferredConfig | null;
  bufferRequestBytes: number;
  bufferResponseBytes: number;
  /** One of LOCATION_HINTS. */
  locationHint: string | null;
}

/** What of a request is hashed, so that the same goes to the same server. */
export interface HashedPart {
  part: "header" | "cookie" | "query" | "path";
  /** A header's in lower case; "" of the path. */
  name: string;
}

/** What of a request tells its client from others. */
export interface FlowPart {
  part: "address" | "header" | "cookie" | "query";
  /** A header's in lower case; "" of the address. */
  name: string;
}

/** Which requests go ahead: those that meet all conditions that are not `null`. */
export interface Priority {
  /** In lower case. */
  header: string | null;
  cookie: string | null;
  /** Of the header or the cookie; `null`: any. */
  value: string | null;
  pathPrefix: string | null;
  /** In upper case. */
  method: string | null;
  /** The request goes as if it had come so much earlier, in ms; negative: later. */
  aheadMs: number;
}

export interface DeferredConfig {
  /**
   * Which requests are stored.
   * asked    those with `Prefer: respond-async`
   * drained  also those of `methods` while the pool is drained or has no server up
   * always   also all of `methods`
   */
  when: "asked" | "drained" | "always";
  /** In upper case. */
  methods: string[];
  /** Most requests that wait or run at a time. */
  max: number;
  maxBodyBytes: number;
  maxResponseBytes: number;
  /** How long a request is kept after its end. */
  keepMs: number;
  /** How long a request waits for its first slot before it is given up. */
  expiresMs: number;
  /** Origins, without a trailing slash. */
  webhooks: string[];
}

export interface RegisterConfig {
  /** Origins, patterns of such (see `mayRegister`), or `*` for any. */
  urls: string[];
  /** The binding by which they are reached; `null`: by the public internet. */
  binding: string | null;
  /** Most servers at a time. */
  max: number;
}

export interface WakeConfig {
  url: string;
  headers: RequestHeaders;
  /** How long from one call to the next at least. */
  everyMs: number;
}

/** Where a server is. */
export interface ServerAddress {
  /** An origin, without a trailing slash. */
  url: string;
  /** The Worker's binding by which it is reached; `null`: by the public internet. */
  binding: string | null;
}

/** A server as requests, checks and probes are sent to it. */
export interface ReachedServer extends ServerAddress {
  name: string;
  /** It has registered, and is not one of the configuration's. */
  registered?: boolean | undefined;
}

export interface IdentifiedServer extends ServerAddress {
  name: string;
  /** What tells it from others, whatever its name; see server-identity.ts. */
  identity: string;
}

export interface ServerConfig extends IdentifiedServer {
  /** Besides the client's, in requests, checks and probes. */
  headers: RequestHeaders;
  slots: number;
  weight: number;
  backup: boolean;
  /** Other pools have it too, and its slots here are this pool's share of what it can take. */
  shared: boolean;
}

export interface CheckConfig {
  /** Path and query. */
  path: string;
  method: "GET" | "HEAD" | "OPTIONS";
  /** `null`: that of the server's URL. */
  port: number | null;
  /** The Host that the server sees; `null`: that of its URL. */
  host: string | null;
  intervalMs: number;
  timeoutMs: number;
  rise: number;
  fall: number;
  /** `2xx`, `200` or a list without spaces, `2xx,404`. */
  status: string;
  /** Text that the answer's body must contain. */
  expect: string | null;
  /** A header that the answer must have; its name is in lower case. `value: null`: any. */
  expectHeader: { name: string; value: string | null } | null;
  /** False: the server answers checks beside its work. */
  slot: boolean;
}

/** The longest silence of a server, in ms. */
export interface ServerTimeout {
  /** From dispatch, or from the last chunk of the request's body, to the response's headers. */
  firstByteMs: number;
  /** Between two chunks of the response's body. */
  betweenMs: number;
}

export interface BusyAnswer {
  status: number;
  /** The beginning of the body; "": any body. */
  begins: string;
}

export interface QuarantineConfig {
  /** After Sluice has cut a request off. */
  maxMs: number;
  /** After the server has broken the connection. */
  brokenMs: number;
  /** After a client has left and the connection to the server was closed (`on_client_abort = "cancel"`). */
  cancelMs: number;
  /** Path and query that the server answers with 2xx once it is idle; `null`: none. */
  probe: string | null;
}
