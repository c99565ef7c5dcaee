import http from "node:http";
import type { AddressInfo } from "node:net";

export interface SingleFlightOptions {
  name: string;
  /** How long a query takes, in ms. */
  serviceMs: number;
  /** How long it stays busy after its answer, in ms, as some do. */
  afterglowMs?: number;
  /** 0: any free one. */
  port?: number;
  /** Told as each query begins, so that several servers can keep one record. */
  onQuery?: (pathAndQuery: string) => void;
}

/**
 * A server as in the story that Sluice exists for: it can do one query at a time, and rejects a second one
 * that comes meanwhile. It works each query to its end, also when its client has hung up, and its answer says in
 * `X-Query` which one it is to. `/idle` tells whether it is at work, and is no query.
 */
export class SingleFlightServer {
  readonly name: string;
  serviceMs: number;
  afterglowMs: number;
  /** Queries that came while another one was running. */
  rejected = 0;
  /** What it answered, in the order in which the queries began: path and query of each. */
  readonly served: string[] = [];
  readonly #onQuery: (pathAndQuery: string) => void;
  #port: number;
  #server: http.Server | null = null;
  #busy = false;
  /** By the clock, so that a process which stands still is busy no longer than it says. Ms of `performance.now()`. */
  #busyUntil = 0;

  constructor(options: SingleFlightOptions) {
    this.name = options.name;
    this.serviceMs = options.serviceMs;
    this.afterglowMs = options.afterglowMs ?? 0;
    this.#onQuery = options.onQuery ?? (() => {});
    this.#port = options.port ?? 0;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get busy(): boolean {
    return this.#busy || performance.now() < this.#busyUntil;
  }

  /** Listens, after a `stop` on the same port again. */
  async start(): Promise<void> {
    const server = http.createServer((request, response) => this.#answer(request, response));
    // Idle connections of the proxy in front stay open as long as it wants.
    server.keepAliveTimeout = 0;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#port, "127.0.0.1", () => resolve());
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Goes down as if killed: open connections are cut. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = null;
    this.#busy = false;
    this.#busyUntil = 0;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  #answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    request.resume();
    if (request.url === "/idle") {
      response.writeHead(this.busy ? 503 : 204).end();
      return;
    }
    if (this.busy) {
      this.rejected++;
      response.writeHead(503, { "Content-Type": "text/plain" }).end("query rejected, already processing\n");
      return;
    }
    this.#busy = true;
    this.served.push(request.url ?? "");
    this.#onQuery(request.url ?? "");
    const server = this.#server;
    setTimeout(() => {
      if (this.#server !== server) return;
      // Before the answer's last byte is out: without afterglow the next query may come with it.
      this.#busy = false;
      this.#busyUntil = performance.now() + this.afterglowMs;
      const headers = { "Content-Type": "text/plain", "X-Served-By": this.name, "X-Query": request.url };
      response.writeHead(200, headers).end("done\n");
    }, this.serviceMs);
  }
}
