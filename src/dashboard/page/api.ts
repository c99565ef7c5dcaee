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

  constructor(status: number, code: string, title: string, detail: string) {
    super(detail === "" ? title : `${title}: ${detail}`);
    this.status = status;
    this.code = code;
  }
}

export interface AllPools {
  pools: Snapshot[];
  /** The names of the pools whose object did not answer. */
  unreachable: string[];
}

export function allPools(): Promise<AllPools> {
  return call("GET", "api/pools", undefined, POLL_PATIENCE_MS);
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
  const init = { method, headers: { Accept: "application/json" }, signal: AbortSignal.timeout(patienceMs) };
  const response = await ask(path, body === undefined ? init : { ...init, body: JSON.stringify(body) });
  return response.json().catch(() => {
    throw unreachable();
  });
}

/** Resolves with a successful answer, and rejects with a `Problem` for any other. */
export async function ask(path: string, init: RequestInit): Promise<Response> {
  // Not relative to the page's URL, which may bring credentials along: `fetch` throws at a URL that has some.
  const url = new URL(path, location.origin + location.pathname);
  const response = await fetch(url, { cache: "no-store", ...init }).catch(() => {
    throw unreachable();
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

export function unreachable(): Problem {
  return new Problem(0, "", "Sluice cannot be reached", "");
}
