import http from "node:http";

/** A request that is not answered by then never will be. */
const PATIENCE_MS = 60_000;

export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
}

// Sockets kept for reuse could be closed under a request just written: a loss that is not the gate's.
const agent = new http.Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY });

/** Sends a request on a connection of its own. Resolves with the whole answer. */
export function send(
  url: string,
  { body, ...options }: Pick<http.RequestOptions, "method" | "headers"> & { body?: Buffer } = {},
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const signal = AbortSignal.timeout(PATIENCE_MS);
  http
    .request(url, { ...options, agent, signal }, (response) => {
      const { statusCode: status = 0, headers } = response;
      response.toArray().then((chunks) => resolve({ status, headers, body: Buffer.concat(chunks) }), reject);
    })
    .on("error", reject)
    .end(body);
  return promise;
}

/** An answer that is not a server's, in a word. */
export function said({ status, body }: Answer): string {
  const text = body.toString();
  return `${status} ${/"code":"([^"]+)"/.exec(text)?.[1] ?? text.split("\n")[0]}`.trim();
}

export function reasonOf(error: Error & { code?: string }): string {
  return error.code ?? error.message;
}
