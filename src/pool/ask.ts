import type { PoolConfig } from "../config/types.ts";
import type { CheckResult } from "../scheduler/checks.ts";
import type { Question } from "../scheduler/outbox.ts";

/** Whether a probe's server is idle is known within this time, or asked again. */
const PROBE_TIMEOUT_MS = 1_000;
const PROBE_STATUS = "2xx";

/** Asks a server how it is. Never rejects. */
export async function ask(question: Question, settings: PoolConfig): Promise<CheckResult> {
  const { check } = settings;
  const isCheck = question.kind === "check";
  const signal = AbortSignal.timeout(isCheck && check ? check.timeoutMs : PROBE_TIMEOUT_MS);
  try {
    const response = await fetch(question.url, {
      signal,
      redirect: "manual",
      headers: { "User-Agent": "Sluice", "X-Sluice-Check": question.kind },
    });
    // To its last byte: only then is the server done with it.
    await response.arrayBuffer();
    return matches(response.status, isCheck && check ? check.status : PROBE_STATUS) ? "passed" : "failed";
  } catch {
    return signal.aborted ? "timeout" : "broken";
  }
}

/** `2xx`, `200`, or a list of them, `2xx,404`. */
function matches(status: number, pattern: string): boolean {
  return pattern.split(",").some((one) => {
    const text = String(status);
    return one.endsWith("xx") ? text[0] === one[0] : text === one;
  });
}
