/** What the rest of Sluice sees of `[vars.POOLS]`: every key present, checked, in milliseconds and bytes. */

export interface Config {
  pools: ReadonlyMap<string, PoolConfig>;
}

export interface PoolConfig {
  name: string;
  /** Lower-case patterns, as a request's host is compared with them: exact, `*.example.com` or `*`. */
  hosts: string[];
  pathPrefix: string;
  /** What a server has that names no number of its own; `servers[].slots` already takes it into account. */
  slots: number;
  servers: ServerConfig[];
  balance: "roundrobin" | "leastconn" | "first" | "random";
  maxQueue: number;
  queueTimeoutMs: number;
  serverTimeout: ServerTimeout;
  connectTimeoutMs: number;
  clientTimeoutMs: number;
  /** Of one request at a server, streams and WebSockets included. */
  longestMs: number | null;
  websocketIdleMs: number | null;
  retries: number;
  redispatch: boolean;
  retryNonIdempotent: boolean;
  /** Answers of a server that is busy with somebody else's request. */
  retryOn: BusyAnswer[];
  check: CheckConfig | null;
  whenDown: "hold" | "refuse";
  onClientAbort: "finish" | "cancel";
  quarantine: QuarantineConfig;
  hostHeader: "server" | "client";
  cooldownMs: number;
  drainExpiresMs: number;
  bufferRequestBytes: number;
  bufferResponseBytes: number;
  /** One of LOCATION_HINTS. */
  locationHint: string | null;
}

export interface ServerConfig {
  name: string;
  /** An origin, without a slash at its end. */
  url: string;
  slots: number;
  weight: number;
  backup: boolean;
}

export interface CheckConfig {
  /** A path, with its query if it has one. */
  path: string;
  intervalMs: number;
  timeoutMs: number;
  rise: number;
  fall: number;
  /** Without spaces: `2xx`, `200` or `2xx,404`. */
  status: string;
}

/** The longest silence of a server, in ms. */
export interface ServerTimeout {
  /** From dispatch, or the last piece of an upload, to the response's headers. */
  firstByteMs: number;
  /** Between two pieces of the response's body. */
  betweenMs: number;
}

export interface BusyAnswer {
  status: number;
  /** How the body begins; "": as it likes. */
  begins: string;
}

export interface QuarantineConfig {
  /** After we cut a request off. */
  maxMs: number;
  /** After the server broke the connection. */
  brokenMs: number;
  /** After a client left and its server's connection was closed for that (`on_client_abort = "cancel"`). */
  cancelMs: number;
  /** A path that answers 2xx once the server is idle. */
  probe: string | null;
}
