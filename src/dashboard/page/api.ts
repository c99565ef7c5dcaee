import type { Me } from "../../admin/operator.ts";
import type { AuditEntry } from "../../link/audit.ts";
import type { DeferredEntry, DeferredState } from "../../link/deferral.ts";
import type { Snapshot } from "../../scheduler/snapshot.ts";
import { setClockBy } from "./clock.ts";

/** How long an answer may take, in ms: longer than the admin side takes, and not for ever in a dead network. */
const PATIENCE_MS = 15_000;
/** The same for a request that is repeated every few seconds. */
const POLL_PATIENCE_MS = 4_500;

/** A failed request. `status`: 0 if there is no answer. `detail`: the refusal's. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  /** What a refusal says of each part of a body: `key` is the part's. */
  readonly lines: { key: string; text: string }[];

  constructor(status: number, code: string, title: string, detail: string) {
    const lines = code === "invalid-request" ? linesOf(detail) : [];
    const words = lines.length > 0 ? lines.map(({ text }) => text).join("; ") : detail;
    super(words === "" ? title : `${title}: ${words}`);
    this.status = status;
    this.code = code;
    this.lines = lines;
  }

  /** True if an act may have been done all the same: Sluice, or the pool's object, has not answered. */
  get isUnanswered(): boolean {
    return this.status === 0 || this.code === "pool-unavailable";
  }
}

/** `body.expires: "soon" is not a duration; allowed: …` */
function linesOf(detail: string): { key: string; text: string }[] {
  return detail.split("\n").map((line) => {
    const [, key = "", text = line] = /^body\.?([\w.]*): (.*)$/.exec(line) ?? [];
    return { key, text };
  });
}

export interface AllPools {
  pools: Snapshot[];
  /** The names of the pools whose object did not answer. */
  unreachable: string[];
}

/** A deferred request. Who has its `id` may read its answer, so the page uses it in calls only, and shows it nowhere. */
export type DeferredRequest = Omit<DeferredEntry, "acceptedAt" | "startedAt" | "endedAt"> & {
  acceptedAt: string;
  startedAt: string | null;
  endedAt: string | null;
};

export interface DeferredRequests<Listed = DeferredRequest> {
  /** In the order in which they were accepted. */
  requests: Listed[];
  /** `null`: there are no more of them. */
  next: number | null;
}

/** What an operator has done, or was refused. */
export type Change = AuditEntry;

export interface Changes {
  /** Newest first. */
  changes: Change[];
  /** `null`: there are no more of them. */
  next: string | null;
}

export function whoIsSignedIn(): Promise<Me> {
  return call("GET", "api/me", undefined, POLL_PATIENCE_MS);
}

export function allPools(): Promise<AllPools> {
  return call("GET", "api/pools", undefined, POLL_PATIENCE_MS);
}

export function snapshotOf(pool: string): Promise<Snapshot> {
  return call("GET", poolPath(pool), undefined, POLL_PATIENCE_MS);
}

/** The first `limit` deferred requests in this state; `null`: in any. */
export async function deferredRequests(
  pool: string,
  state: DeferredState | null,
  limit: number,
): Promise<DeferredRequests> {
  const query = `limit=${limit}${state === null ? "" : `&state=${state}`}`;
  const path = `${poolPath(pool)}/deferred?${query}`;
  type Listed = Omit<DeferredRequest, "id"> & { id: string | null };
  const { requests, next } = await call<DeferredRequests<Listed>>("GET", path, undefined, POLL_PATIENCE_MS);
  // Whoever may not act on a request is not told its id. The lines of the table still need one.
  return { requests: requests.map((one) => ({ ...one, id: one.id ?? `number ${one.number}` })), next };
}

/** The latest `limit` changes of a pool. */
export function changesOf(pool: string, limit: number): Promise<Changes> {
  const path = `api/audit?pool=${encodeURIComponent(pool)}&limit=${limit}`;
  return call("GET", path, undefined, POLL_PATIENCE_MS);
}

export function poolPath(name: string): string {
  return `api/pools/${encodeURIComponent(name)}`;
}

/** Resolves with the JSON of the answer. */
export async function call<Answer>(
  method: string,
  path: string,
  body?: object,
  patienceMs = PATIENCE_MS,
): Promise<Answer> {
  const response = await send(method, path, body, patienceMs);
  return response.json().catch(() => {
    throw unreachable();
  });
}

/** The same where the answer says everything by its status, with which this resolves. */
export async function callForStatus(method: string, path: string): Promise<number> {
  return (await send(method, path)).status;
}

function send(method: string, path: string, body?: object, patienceMs = PATIENCE_MS): Promise<Response> {
  const init = { method, headers: { Accept: "application/json" }, signal: AbortSignal.timeout(patienceMs) };
  return ask(path, body === undefined ? init : { ...init, body: JSON.stringify(body) });
}

/** Resolves with a successful answer, and rejects with a `Problem` for any other. */
export async function ask(path: string, init: RequestInit): Promise<Response> {
  // Not relative to the page's URL, which may bring credentials along: `fetch` throws at a URL that has some.
  const url = new URL(path, location.origin + location.pathname);
  const response = await fetch(url, { cache: "no-store", ...init }).catch((error) => {
    throw error instanceof DOMException && error.name === "TimeoutError" ? silent() : unreachable();
  });
  setClockBy(response);
  if (response.ok) return response;
  throw await problemOf(response);
}

async function problemOf(response: Response): Promise<Problem> {
  const {
    code = "",
    title = `Sluice answered ${response.status}`,
    detail = "",
  } = await response.json().catch(() => ({}));
  return new Problem(response.status, code, title, detail);
}

function silent(): Problem {
  return new Problem(0, "", "Sluice has not answered in time", "");
}

export function unreachable(): Problem {
  return new Problem(0, "", "Sluice cannot be reached", "");
}
