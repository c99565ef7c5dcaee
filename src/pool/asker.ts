import type { PoolConfig } from "../config/types.ts";
import type { CheckResult } from "../scheduler/checks.ts";
import type { Question } from "../scheduler/outbox.ts";
import { inTime } from "./in-time.ts";

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

/** Asks servers how they are. */
export class Asker {
  readonly #settings: PoolConfig;
  #late = 0;

  constructor(settings: PoolConfig) {
    this.#settings = settings;
  }

  /** Never rejects. */
  async ask({ kind, url }: Question): Promise<Answer> {
    const { check, quarantine } = this.#settings;
    const isCheck = kind === "check" && check !== null;
    const cut = new AbortController();
    const answer = statusOf(url, kind, cut.signal).then(
      (status): CheckResult => (matches(status, isCheck ? check.status : PROBE_STATUS) ? "passed" : "failed"),
      (): CheckResult => (cut.signal.aborted ? "timeout" : "broken"),
    );
    const result = await within(isCheck ? check.timeoutMs : PROBE_TIMEOUT_MS, answer);
    if (result !== "timeout") return { result, late: null };
    // As long as the connection stands, the server's end of it tells when its slot is free again.
    if (isCheck && this.#late < MOST_LATE)
      return { result, late: this.#lateEnd(answer, quarantine.maxMs, cut) };
    cut.abort();
    return { result, late: null };
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
async function statusOf(url: string, kind: Question["kind"], signal: AbortSignal): Promise<number> {
  const headers = { "User-Agent": "Sluice", "X-Sluice-Check": kind };
  const { status, body } = await fetch(url, { signal, redirect: "manual", headers });
  await body?.pipeTo(new WritableStream());
  return status;
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
