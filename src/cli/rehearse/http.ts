import http from "node:http";
import https from "node:https";

/** A request that is not answered by then never will be. */
const PATIENCE_MS = 60_000;

export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
}

export interface Call {
  method?: string;
  headers?: http.OutgoingHttpHeaders;
  body?: Buffer;
  /** For the whole answer, in ms. */
  patienceMs?: number;
  signal?: AbortSignal;
  /** Whose connections it uses; without one, it has a connection of its own. */
  agent?: http.Agent;
}

// Sockets kept for reuse could be closed under a request just written: a loss that is not the gate's.
const UNSHARED = { keepAlive: false, maxSockets: Number.POSITIVE_INFINITY };
const unshared = { "http:": new http.Agent(UNSHARED), "https:": new https.Agent(UNSHARED) };

/** Connections that are kept, for a client that asks again and again. */
export function keptConnections(url: string): http.Agent {
  const options = { keepAlive: true, maxSockets: 1 };
  return isSecure(url) ? new https.Agent(options) : new http.Agent(options);
}

/** Resolves with the whole answer. */
export async function send(
  url: string,
  { patienceMs = PATIENCE_MS, signal, ...call }: Call = {},
): Promise<Answer> {
  const patience = AbortSignal.timeout(patienceMs);
  const either = signal ? AbortSignal.any([signal, patience]) : patience;
  const { response } = begin(url, { ...call, signal: either });
  const message = await response;
  const { statusCode: status = 0, headers } = message;
  return { status, headers, body: Buffer.concat(await message.toArray()) };
}

/** Sends a request. `response` resolves with the head of its answer. */
export function begin(url: string, { body, agent, ...call }: Omit<Call, "patienceMs"> = {}) {
  const shared = agent ?? unshared[isSecure(url) ? "https:" : "http:"];
  const request = (isSecure(url) ? https : http).request(url, { ...call, agent: shared });
  const response = new Promise<http.IncomingMessage>((resolve, reject) => {
    request.once("response", resolve).on("error", reject);
  });
  request.end(body);
  return { request, response };
}

function isSecure(url: string): boolean {
  return url.startsWith("https:");
}

/** An answer that is not a server's, in a word. */
export function said({ status, body }: Answer): string {
  const text = body.toString();
  return `${status} ${/"code":"([^"]+)"/.exec(text)?.[1] ?? text.split("\n")[0]}`.trim();
}

export function reasonOf(error: Error & { code?: string }): string {
  return error.code ?? error.message;
}
