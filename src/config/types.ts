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
  serverTimeoutMs: number;
  retries: number;
  redispatch: boolean;
  retryNonIdempotent: boolean;
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

export interface QuarantineConfig {
  /** After we cut a request off. */
  maxMs: number;
  /** After the server broke the connection. */
  brokenMs: number;
  /** A path that answers 2xx once the server is idle. */
  probe: string | null;
}
