import type { PoolConfig } from "../config/types.ts";
import { inTime } from "../link/clock.ts";
import type { CheckResult } from "../scheduler/fleet/health.ts";
import type { Question } from "../scheduler/record/outbox.ts";
import { type CloudflareAnswer, cloudflareAnswer } from "../servers/cloudflare-answer.ts";
import { refuses } from "../servers/tcp.ts";

/** Whether a probe's server is idle is known within this time, or asked again. */
const PROBE_TIMEOUT_MS = 1_000;
const PROBE_STATUS = "2xx";
/** Late answers that are waited for at once: an object may have six connections that wait for headers. */
const MOST_LATE = 2;

export interface Answer {
  result: CheckResult;
  /** Of a check that has timed out: how it ends at last, if that is waited for. Never rejects. */
  late: Promise<CheckResult> | null;
}

/** What a check got if Cloudflare answered it, and not the server. */
const RESULTS: Record<CloudflareAnswer, CheckResult> = {
  refused: "refused",
  "never-reached": "broken",
  "maybe-reached": "broken",
  broken: "broken",
  timeout: "timeout",
};

/** Asks servers how they are. */
export class Asker {
  readonly #settings: PoolConfig;
  /** Origins behind Cloudflare's proxy: no Worker can `connect` to its addresses, which looks like a refusal. */
  readonly #proxied = new Set<string>();
  #late = 0;

  constructor(settings: PoolConfig) {
    this.#settings = settings;
  }

  /** Never rejects. */
  async ask({ kind, url }: Question): Promise<Answer> {
    const { check, quarantine } = this.#settings;
    const isCheck = kind === "check" && check !== null;
    const cut = new AbortController();
    const answer = this.#answerOf(url, kind, isCheck ? check.status : PROBE_STATUS, cut.signal);
    const result = await within(isCheck ? check.timeoutMs : PROBE_TIMEOUT_MS, answer);
    if (result !== "timeout") return { result, late: null };
    // As long as the connection stands, the server's end of it tells when its slot is free again.
    if (isCheck && this.#late < MOST_LATE)
      return { result, late: this.#lateEnd(answer, quarantine.maxMs, cut) };
    cut.abort();
    return { result, late: null };
  }

  async #answerOf(
    url: string,
    kind: Question["kind"],
    wanted: string,
    signal: AbortSignal,
  ): Promise<CheckResult> {
    const { origin } = new URL(url);
    try {
      const response = await answerTo(url, kind, signal);
      if (response.headers.has("cf-ray")) this.#proxied.add(origin);
      const cloudflares = cloudflareAnswer(response);
      if (cloudflares) return RESULTS[cloudflares];
      return matches(response.status, wanted) ? "passed" : "failed";
    } catch (error) {
      if (signal.aborted) return "timeout";
      return !this.#proxied.has(origin) && (await refuses(origin, error)) ? "refused" : "broken";
    }
  }

  async #lateEnd(answer: Promise<CheckResult>, forMs: number, cut: AbortController): Promise<CheckResult> {
    this.#late++;
    try {
      const result = await within(forMs, answer);
      cut.abort();
      return result;
    } finally {
      this.#late--;
    }
  }
}

/** To the last byte: only then is the server done with it. */
async function answerTo(url: string, kind: Question["kind"], signal: AbortSignal): Promise<Response> {
  const headers = { "User-Agent": "Sluice", "X-Sluice-Check": kind };
  const response = await fetch(url, { signal, redirect: "manual", headers });
  await response.body?.pipeTo(new WritableStream());
  return response;
}

function within(ms: number, answer: Promise<CheckResult>): Promise<CheckResult> {
  return inTime(answer, ms).catch(() => "timeout");
}

/** `2xx`, `200`, or a list of them, `2xx,404`. */
function matches(status: number, pattern: string): boolean {
  return pattern.split(",").some((one) => {
    const text = String(status);
    return one.endsWith("xx") ? text[0] === one[0] : text === one;
  });
}
