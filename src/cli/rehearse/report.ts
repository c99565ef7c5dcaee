/** What `sluice rehearse` has found out. With `--json`, all of it is printed: docs/rehearsal.md lists the names. */
import type { ShardsReport } from "./shards.ts";

export type Result = "held" | "did not hold" | "not run";
export type Where = "local" | "deployed" | "url";

/** A part of the rehearsal. */
export interface Act {
  name: string;
  title: string;
  result: Result;
  /** Which promises were broken, or why it was not run; empty if it held. */
  why: string[];
  /** In words. */
  summary: string;
  figures: Record<string, number>;
}

/** One of what we take for granted of Cloudflare's network, and plan with. */
export interface Assumption {
  name: string;
  title: string;
  assumed: string;
  /** `null`: nothing was measured. */
  measured: string | null;
  result: Result;
  why: string[];
}

/** What became of the leases that ended while requests waited, of one pool. */
export interface HandOvers {
  all: number;
  /** How many of them were passed on within an isolate of the Worker, not by the object. */
  passedOn: number;
  /** How many isolates have answered requests of that load. */
  isolates: number;
}

export interface Measured {
  /** Of a request that need not wait, through Sluice and past it, in ms. */
  latency: { through: number; past: number; added: number };
  /** Between the end of a server's request and the begin of its next, while others wait, in ms; `null`: none did. */
  slotIdle: { median: number; p90: number; gaps: number } | null;
  /** `null`: none were seen. */
  handOvers: HandOvers | null;
  /** A call of an object by the Worker, in ms: with nothing to do, of the pool, of a server. */
  roundTrip: { object: number; pool: number; server: number };
  /** How much longer a call takes that writes a row, in ms. */
  commit: number;
  /** Calls a second that one object has taken, each with a row to write. */
  objectRate: number;
  /** `null`: the pool is one object. */
  shards: ShardsReport | null;
  isolates: { asked: number; seen: number };
  /** `null`: not on Cloudflare's network. */
  places: { worker: string | null; object: string | null; server: string | null } | null;
}

export interface Report {
  where: Where;
  url: string;
  /** False if a promise was broken. */
  held: boolean;
  acts: Act[];
  measured: Measured;
  assumptions: Assumption[];
}

export function notRun(name: string, title: string, why: string): Act {
  return { name, title, result: "not run", why: [why], summary: "", figures: {} };
}

/** `broken`: what did not hold. */
export function played(
  name: string,
  title: string,
  broken: readonly string[],
  summary: string,
  figures: Record<string, number>,
): Act {
  return {
    name,
    title,
    result: broken.length === 0 ? "held" : "did not hold",
    why: [...broken],
    summary,
    figures,
  };
}
