import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** A request that is not answered by then never will be. */
const PATIENCE_MS = 60_000;

/**
 * Requests that come at their own pace, as those of many independent clients do: none waits for the answer to
 * another one, and each has a connection of its own.
 */
export class Traffic {
  sent = 0;
  /** When each request was sent, by its number. */
  readonly sentAt: number[] = [];
  answered = 0;
  /** From sending a request to the last byte of its answer. */
  longestMs = 0;
  /** How many requests were not answered by a server, by the reason. */
  readonly dropped = new Map<string, number>();
  readonly #url: string;
  // Sockets kept for reuse could be closed under a request just written: a loss that is not the gate's.
  readonly #agent = new http.Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY });

  constructor(url: string) {
    this.#url = url;
  }

  /** Resolves when every request has met its fate. */
  async run(perSecond: number, forMs: number): Promise<void> {
    const start = performance.now();
    const count = Math.round((perSecond * forMs) / 1000);
    const fates: Promise<void>[] = [];
    for (let index = 0; index < count; index++) {
      const untilDue = start + (index * 1000) / perSecond - performance.now();
      if (untilDue > 0) await sleep(untilDue);
      fates.push(this.#send(index));
    }
    await Promise.all(fates);
  }

  async #send(number: number): Promise<void> {
    this.sent++;
    const sentAt = performance.now();
    this.sentAt[number] = sentAt;
    const failure = await this.#request(queryPath(number)).then(failureOf, reasonOf);
    if (failure === null) {
      this.answered++;
      this.longestMs = Math.max(this.longestMs, performance.now() - sentAt);
    } else this.dropped.set(failure, (this.dropped.get(failure) ?? 0) + 1);
  }

  #request(path: string): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const signal = AbortSignal.timeout(PATIENCE_MS);
    http
      .get(this.#url + path, { agent: this.#agent, signal }, (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          body += chunk;
        });
        response.on("error", reject);
        response.on("end", () => {
          resolve({ status: response.statusCode ?? 0, servedBy: response.headers["x-served-by"], body });
        });
      })
      .on("error", reject);
    return promise;
  }
}

interface Answer {
  status: number;
  servedBy: string | string[] | undefined;
  body: string;
}

const PATH = "/query/";

export function queryPath(number: number): string {
  return PATH + number;
}

/** `null`: not a request of this traffic. */
export function queryNumber(path: string): number | null {
  return path.startsWith(PATH) ? Number(path.slice(PATH.length)) : null;
}

/** `null`: it was answered, by a server and whole. */
function failureOf({ status, servedBy, body }: Answer): string | null {
  if (status === 200 && servedBy !== undefined && body === "done\n") return null;
  const said = /"code":"([^"]+)"/.exec(body)?.[1] ?? body.split("\n")[0];
  return `${status} ${said}`.trim();
}

function reasonOf(error: Error & { code?: string }): string {
  return error.code ?? error.message;
}
