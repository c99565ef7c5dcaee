/** What the rehearsal's Worker tells the command. Times are in ms since the epoch, by the clock of who tells them. */

/** What each answer of Sluice's says: which isolate of the Worker has given it. */
export const ISOLATE_HEADER = "x-rehearsal-isolate";
/** And when the request came to the Worker, by its clock, which servers have too: the client's may be another. */
export const CAME_HEADER = "x-rehearsal-came";
/** How many servers tell at once what they did: an invocation of the free plan has 50 subrequests. */
export const SERVERS_AT_ONCE = 40;

/** One request at a server. */
export interface Work {
  /** Path and query. */
  query: string;
  beganAt: number;
  /** When its answer was sent; `null`: not yet, or never. */
  endedAt: number | null;
  /** SHA-256 of the answer's body, in hex. */
  digest: string;
}

export interface ServerReport {
  name: string;
  /** Another one after the object has restarted, which loses its report. */
  instance: string;
  /** Requests that came while it was at work on another one. */
  overlaps: number;
  /** In the order in which they began. */
  works: Work[];
}

/** Who has answered. */
export interface IsolateReport {
  isolate: string;
  /** Of the configuration with which it runs. */
  revision: string;
  /** Cloudflare's data centre; `null`: not on Cloudflare's network. */
  colo: string | null;
}

/** How long so many calls one after another took, each, in ms. */
export interface TimesReport {
  calls: number;
  /** Of an object, with nothing to do. */
  call: number;
  /** The same with one row to write, which holds the answer back until it is durable. */
  write: number;
  /** Of the pool's own object: a look that writes nothing. */
  pool: number;
  /** A request of no duration at a server. */
  server: number;
}

/** So many calls at one moment, each of which writes a row of one object. */
export interface RateReport {
  calls: number;
  ms: number;
}

/** The data centres in which parts run. `null`: it could not be found out. */
export interface PlacesReport {
  worker: string | null;
  object: string | null;
  server: string | null;
}
