import type { PoolConfig } from "../config/types.ts";
import { inTime } from "../link/clock.ts";
import type { CheckResult } from "../scheduler/fleet/health.ts";
import type { ServerQuestion, WakeQuestion } from "../scheduler/record/outbox.ts";
import { type CloudflareAnswer, cloudflareAnswer } from "../servers/cloudflare-answer.ts";
import { addedHeaders, fetchOf, NoSecret, withSecrets } from "../servers/fetcher.ts";
import { refuses } from "../servers/tcp.ts";

/** How long a probe waits for its answer, in ms; without one, the server is probed again later. */
const PROBE_TIMEOUT_MS = 1_000;
/** How long a call for servers waits for its answer, in ms. */
const WAKE_TIMEOUT_MS = 10_000;
const PROBE_STATUS = "2xx";
/** Timed-out checks still open at a time: an object may have six connections that wait for headers. */
const MOST_LATE = 2;

export interface Answer {
  result: CheckResult;
  /**
   * Only of a check that timed out: how it ends after all, within `quarantine.max`; `null`: its connection was
   * closed. Never rejects.
   */
  late: Promise<CheckResult> | null;
}

/** The result of a check that Cloudflare answered and not the server. */
const RESULTS: Record<CloudflareAnswer, CheckResult> = {
  refused: "refused",
  "never-reached": "broken",
  "maybe-reached": "broken",
  broken: "broken",
  timeout: "timeout",
};

/** Sends health checks and probes to servers, and asks for servers. */
export class Asker {
  readonly #env: object;
  readonly #settings: PoolConfig;
  /** Origins behind Cloudflare's proxy. A Worker cannot `connect` to Cloudflare's addresses: it seems to be refused. */
  readonly #proxied = new Set<string>();
  #late = 0;

  constructor(env: object, settings: PoolConfig) {
    this.#env = env;
    this.#settings = settings;
  }

  /** Resolves when the server has answered or the question has timed out. Never rejects. */
  async ask(question: ServerQuestion): Promise<Answer> {
    const { check, quarantine } = this.#settings;
    const isCheck = question.kind === "check" && check !== null;
    const abort = new AbortController();
    const answer = this.#resultOf(question, isCheck ? check.status : PROBE_STATUS, abort.signal);
    const result = await resultWithin(isCheck ? check.timeoutMs : PROBE_TIMEOUT_MS, answer);
    if (result !== "timeout") return { result, late: null };
    // Leave the connection open: once the server answers or closes it, the check's slot can be freed.
    if (isCheck && this.#late < MOST_LATE)
      return { result, late: this.#lateResult(answer, quarantine.maxMs, abort) };
    abort.abort();
    return { result, late: null };
  }

  /** Asks for servers. Resolves with what came of it, in words. Never rejects. */
  async wake({ queued, oldestWaitMs, at }: WakeQuestion): Promise<string> {
    const { wake, name: pool } = this.#settings;
    if (wake === null) return "not configured";
    const signal = AbortSignal.timeout(WAKE_TIMEOUT_MS);
    try {
      const headers = new Headers({ "User-Agent": "Sluice", "Content-Type": "application/json" });
      for (const [header, value] of withSecrets(this.#env, wake.headers)) headers.set(header, value);
      const body = JSON.stringify({ pool, queued, oldestWaitMs, at: new Date(at).toISOString() });
      const response = await fetch(wake.url, { method: "POST", body, headers, signal, redirect: "manual" });
      await response.body?.cancel();
      return `status ${response.status}`;
    } catch (error) {
      if (error instanceof NoSecret) return "no secret for its headers";
      return signal.aborted ? `timeout after ${WAKE_TIMEOUT_MS / 1_000} s` : "no connection";
    }
  }

  async #resultOf(question: ServerQuestion, expected: string, signal: AbortSignal): Promise<CheckResult> {
    const { origin } = new URL(question.url);
    try {
      const response = await this.#fetchWhole(question, signal);
      if (response.headers.has("cf-ray")) this.#proxied.add(origin);
      const byCloudflare = cloudflareAnswer(response);
      if (byCloudflare) return RESULTS[byCloudflare];
      return matches(response.status, expected) ? "passed" : "failed";
    } catch (error) {
      if (signal.aborted) return "timeout";
      // Whatever is behind a binding, a connection of our own does not come there.
      if (question.binding !== null) return "broken";
      return !this.#proxied.has(origin) && (await refuses(origin, error)) ? "refused" : "broken";
    }
  }

  /** Resolves with the response once its last byte is read, because only then is the server done. */
  async #fetchWhole(question: ServerQuestion, signal: AbortSignal): Promise<Response> {
    const { kind, server: name, url, binding, registered } = question;
    const server = { name, url: new URL(url).origin, binding, registered };
    const added = addedHeaders(this.#env, this.#settings, server);
    const headers = new Headers({ "User-Agent": "Sluice", "X-Sluice-Check": kind });
    for (const [header, value] of added) headers.set(header, value);
    const send = fetchOf(this.#env, server);
    const response = await send(url, { signal, redirect: "manual", headers });
    await response.body?.pipeTo(new WritableStream());
    return response;
  }

  async #lateResult(
    answer: Promise<CheckResult>,
    forMs: number,
    abort: AbortController,
  ): Promise<CheckResult> {
    this.#late++;
    try {
      const result = await resultWithin(forMs, answer);
      abort.abort();
      return result;
    } finally {
      this.#late--;
    }
  }
}

function resultWithin(ms: number, answer: Promise<CheckResult>): Promise<CheckResult> {
  return inTime(answer, ms).catch(() => "timeout");
}

/** `pattern`: a status (`200`), a class (`2xx`), or a list of these (`2xx,404`). */
function matches(status: number, pattern: string): boolean {
  return pattern.split(",").some((part) => {
    const text = String(status);
    return part.endsWith("xx") ? text[0] === part[0] : text === part;
  });
}
