import type { CheckResult } from "./health.ts";

/** What came of a health check: rules go by `result`, operators read `got`. */
export interface CheckReport {
  result: CheckResult;
  /** In words, such as `status 301` or `connection refused`. */
  got: string;
  /** True if the answer was not read to its end: the server may still be busy with it. */
  cutOff: boolean;
}

export function noAnswer(timeoutMs: number): CheckReport {
  const time = timeoutMs % 1_000 === 0 ? `${timeoutMs / 1_000}s` : `${timeoutMs}ms`;
  return { result: "timeout", got: `no answer within ${time}`, cutOff: true };
}
