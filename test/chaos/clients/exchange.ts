import http from "node:http";
import type { Socket } from "node:net";
import type { RequestPlan } from "../plans.ts";

/** What came back, as the client saw it. */
export interface Reply {
  /** 0: the connection ended without an answer; `body` says how. */
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
  /** Everything arrived that was announced. */
  whole: boolean;
}

export interface Call {
  url: string;
  plan: RequestPlan;
  /** Whoever has no answer by then will have none. */
  patienceMs: number;
}

export interface Exchange {
  request: http.ClientRequest;
  /** Rejects when patience has ended. */
  reply: Promise<Reply>;
  /** Of a WebSocket that was accepted. */
  upgraded: Promise<{ socket: Socket; head: Buffer }>;
}

/** Begins the plan's request. `read` may take its time with the answer. */
export function begin({ url, plan, patienceMs }: Call, headers = headersOf(plan), read = readOn): Exchange {
  return exchange(url + plan.path, { method: plan.method, headers, patienceMs }, read);
}

/**
 * Begins one request, on a connection of its own: one kept for reuse could be closed under it, a loss that is not
 * Sluice's.
 */
export function exchange(
  url: string,
  { method, headers, patienceMs }: { method: string; headers: http.OutgoingHttpHeaders; patienceMs: number },
  read = readOn,
): Exchange {
  const { promise: reply, resolve, reject } = Promise.withResolvers<Reply>();
  const upgrade = Promise.withResolvers<{ socket: Socket; head: Buffer }>();
  const signal = AbortSignal.timeout(patienceMs);
  const request = http.request(url, { method, headers, agent: false, signal });
  let isAnswered = false;
  request.on("response", (response) => {
    isAnswered = true;
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
    read(response);
  });
  request.on("upgrade", (_, socket, head) => upgrade.resolve({ socket: socket as Socket, head }));
  request.on("error", (error: NodeJS.ErrnoException) => {
    // An answer says itself whether it is whole, though its server takes no more of the upload.
    if (isAnswered) return;
    if (signal.aborted) reject(new Error(`nothing for ${patienceMs} ms`));
    else resolve(noReply(error.code ?? error.message));
  });
  return { request, reply, upgraded: upgrade.promise };
}

export function noReply(why: string): Reply {
  return { status: 0, headers: {}, body: why, whole: false };
}

export function headersOf({
  headers,
  method,
  bodyBytes,
  chunked,
  client,
}: RequestPlan): http.OutgoingHttpHeaders {
  return {
    ...headers,
    ...(client.kind === "leaves" ? { "X-Leave-After": client.afterMs } : {}),
    ...(bodyBytes === null || chunked ? {} : { "Content-Length": bodyBytes }),
    ...(method === "POST" && bodyBytes === null ? { "Content-Length": 0 } : {}),
  };
}

/** As fast as it comes. */
function readOn(_: http.IncomingMessage): void {}
