import http from "node:http";
import { bodyOf, type RequestPlan } from "./plans.ts";

/** What came back, as the client saw it. */
export interface Reply {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
  /** Everything arrived that was announced. */
  whole: boolean;
}

/**
 * Sends one request, on a connection of its own: one kept for reuse could be closed under it, a loss that is not
 * Sluice's. Rejects if no head comes back.
 */
export function exchange(url: string, plan: RequestPlan, patienceMs: number): Promise<Reply> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const headers: http.OutgoingHttpHeaders = { ...plan.headers };
  if (plan.leaveAfterMs !== null) headers["x-leave-after"] = plan.leaveAfterMs;
  if (plan.bodyBytes !== null) headers["content-length"] = plan.bodyBytes;
  const signal = AbortSignal.timeout(patienceMs);
  const request = http.request(url + plan.path, { method: plan.method, headers, agent: false, signal });
  request.on("response", (response) => {
    const { statusCode: status = 0, headers } = response;
    let body = "";
    response.setEncoding("latin1");
    response.on("data", (chunk: string) => {
      body += chunk;
    });
    response.on("error", () => {});
    response.on("close", () => {
      if (signal.aborted) reject(signal.reason);
      else resolve({ status, headers, body, whole: response.complete });
    });
  });
  request.on("error", (error: NodeJS.ErrnoException) =>
    reject(signal.aborted ? new Error(`nothing for ${patienceMs} ms`) : error),
  );
  request.end(bodyOf(plan));
  return promise;
}
