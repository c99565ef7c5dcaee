/** What the process of the servers is told, and what it answers: one answer for each message, in order. */
export type ToServers =
  | { kind: "open"; count: number }
  /** From now on a request to `/work` takes this long; each server's first is longer, so that they spread. */
  | { kind: "work"; serviceMs: number }
  | { kind: "counts" }
  /** Requests to `/serve/<ms>` take as long as they say. Since the last such question. */
  | { kind: "works" }
  | { kind: "arrivals" }
  /** Answers every request to `/hold/…`, those to come too. */
  | { kind: "let-go" }
  | { kind: "hold" };

export interface Counts {
  served: number;
  /** Requests that came while the server was at work. */
  rejected: number;
  busyMs: number;
  held: number;
  /** `process.hrtime` in ms: one clock for all processes of this machine. */
  at: number;
}

/** Requests to `/order/<n>`, as they reached the servers. */
export interface Arrivals {
  order: number[];
  /** When the first came, as in `Counts`. */
  firstAt: number | null;
}

/** How long the servers were at work for each client, in ms: `/serve/<ms>?key=<client>`. */
export type Works = Record<string, number>;

export type FromServers = { ports: number[] } | Counts | Arrivals | Works | { done: true };
