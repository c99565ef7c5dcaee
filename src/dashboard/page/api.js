/** @import { Snapshot } from "../../scheduler/snapshot.ts" */
import { setClockBy } from "./clock.js";

/** Longer than an answer may take; a network that swallows everything would be waited for forever. */
const PATIENCE_MS = 15_000;
/** What is asked again and again is answered sooner, or not at all: of a pool that hangs, too. */
const POLL_PATIENCE_MS = 4_500;

/** Why there is no answer as hoped for: `status` 0 is no answer at all, `detail` is the refusal's own. */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {string} code
   * @param {string} title
   * @param {string} detail
   */
  constructor(status, code, title, detail) {
    super(detail === "" ? title : `${title}: ${detail}`);
    this.status = status;
    this.code = code;
  }
}

/** @returns {Promise<{ pools: Snapshot[], unreachable: string[] }>} */
export function allPools() {
  return call("GET", "api/pools", undefined, POLL_PATIENCE_MS);
}

/** @param {string} name */
export function poolPath(name) {
  return `api/pools/${encodeURIComponent(name)}`;
}

/**
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 */
export async function call(method, path, body, patienceMs = PATIENCE_MS) {
  const init = { method, headers: { Accept: "application/json" }, signal: AbortSignal.timeout(patienceMs) };
  const response = await ask(path, body === undefined ? init : { ...init, body: JSON.stringify(body) });
  return response.json().catch(() => {
    throw unreachable();
  });
}

/**
 * The answer if it is a success, else a `Problem`.
 * @param {string} path
 * @param {RequestInit} init
 */
export async function ask(path, init) {
  const response = await fetch(path, { cache: "no-store", ...init }).catch(() => {
    throw unreachable();
  });
  setClockBy(response);
  if (response.ok) return response;
  throw await problemOf(response);
}

/** @param {Response} response */
async function problemOf(response) {
  const {
    code = "",
    title = `Sluice answered ${response.status}`,
    detail = "",
  } = await response.json().catch(() => ({}));
  return new Problem(response.status, code, title, detail);
}

export function unreachable() {
  return new Problem(0, "", "Sluice cannot be reached", "");
}
