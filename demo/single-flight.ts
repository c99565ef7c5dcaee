import http from "node:http";
import type { AddressInfo } from "node:net";
import { finished } from "node:stream";
import { digestOf, type ServerAnswer } from "../src/cli/rehearse/deferred.ts";

export interface SingleFlightOptions {
  name: string;
  /** How long a query takes, in ms. */
  serviceMs: number;
  /** How long it stays busy after its answer, in ms, as some do. */
  afterglowMs?: number;
  /** 0: any free one. */
  port?: number;
  /** Whether a query that has a body is answered with that. */
  returnsBodies?: boolean;
  /** Told as each query begins, so that several servers can keep one record. */
  onQuery?: (pathAndQuery: string) => void;
  /** Told of each answer as it is sent. */
  onAnswer?: (answer: ServerAnswer) => void;
}

const DONE = Buffer.from("done\n");

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
  readonly #returnsBodies: boolean;
  readonly #onQuery: (pathAndQuery: string) => void;
  readonly #onAnswer: (answer: ServerAnswer) => void;
  #port: number;
  #server: http.Server | null = null;
  #busy = false;
  /** By the clock, so that a process which stands still is busy no longer than it says. Ms of `performance.now()`. */
  #busyUntil = 0;

  constructor(options: SingleFlightOptions) {
    this.name = options.name;
    this.serviceMs = options.serviceMs;
    this.afterglowMs = options.afterglowMs ?? 0;
    this.#returnsBodies = options.returnsBodies ?? false;
    this.#onQuery = options.onQuery ?? (() => {});
    this.#onAnswer = options.onAnswer ?? (() => {});
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
    if (request.url === "/idle") {
      request.resume();
      response.writeHead(this.busy ? 503 : 204).end();
      return;
    }
    if (this.busy) {
      this.rejected++;
      request.resume();
      response.writeHead(503, { "Content-Type": "text/plain" }).end("query rejected, already processing\n");
      return;
    }
    this.#busy = true;
    const query = request.url ?? "";
    this.served.push(query);
    this.#onQuery(query);
    const server = this.#server;
    const received: Buffer[] = [];
    request.on("data", (bytes: Buffer) => received.push(bytes));
    const answer = () => {
      if (this.#server !== server) return;
      // Before the answer's last byte is out: without afterglow the next query may come with it.
      this.#busy = false;
      this.#busyUntil = performance.now() + this.afterglowMs;
      const body = this.#returnsBodies && received.length > 0 ? Buffer.concat(received) : DONE;
      this.#onAnswer({ query, servedBy: this.name, digest: digestOf(body) });
      const headers = { "Content-Type": "text/plain", "X-Served-By": this.name, "X-Query": query };
      response.writeHead(200, headers).end(body);
    };
    // Once it has the query whole, or will never have.
    finished(request, () => setTimeout(answer, this.serviceMs));
  }
}
